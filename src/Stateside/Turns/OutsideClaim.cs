using Microsoft.Extensions.Logging;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>
/// The claim of a handler that calls the outside world. No store can commit such a call, so the receipt is claimed before
/// the handler runs, under a lease that is renewed while it runs, and settled with the turn's commit. What breaks off in
/// between is told honestly: the outcome is unknown, and the handler never runs again under this key unless the endpoint
/// says that its calls are safe to repeat.
/// </summary>
internal sealed class OutsideClaim(
    TurnStore store, Group group, ReceiptRequest receipt, ReceiptRow? lapsed, TurnSeed seed, IdempotencyModel model, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    private readonly TurnId _token = TurnId.New();
    private readonly CancellationTokenSource _settled = new();
    private Task _renewal = Task.CompletedTask;

    /// <summary>What the runs of this turn share: after a take-over that of the first turn, so that the repeated calls carry the same ids.</summary>
    public TurnSeed Seed { get; } = lapsed is null ? seed : ClaimBody.Read(lapsed.Body);

    /// <summary>Writes the claim; anything but committed means that another was first.</summary>
    public async ValueTask<CommitResult> TakeAsync()
    {
        var result = await store.CommitAsync(new Commit(group, seed.Id) { Receipt = Write(ReceiptStatus.Claimed, lapsed?.Claim) });
        if (result == CommitResult.Committed) _renewal = RenewAsync();
        return result;
    }

    /// <summary>The receipt that the turn's commit writes over the claim.</summary>
    public ReceiptWrite Settle(ReceiptWrite? response)
    {
        _settled.Cancel();
        return (response ?? Write(ReceiptStatus.OutcomeUnknown, _token)) with { ExpectedClaim = _token, Claim = _token };
    }

    /// <summary>Marks the outcome as unknown at once, so that a retry need not wait for the lease to lapse.</summary>
    /// <returns>The exception to throw.</returns>
    public async ValueTask<StatesideException> BreakOffAsync(Exception? cause = null)
    {
        await _settled.CancelAsync();
        log.OutcomeUnknown(group, cause);
        try
        {
            await store.CommitAsync(new Commit(group, seed.Id) { Receipt = Write(ReceiptStatus.OutcomeUnknown, _token) });
        }
        catch (StatesideException e)
        {
            log.ClaimLost(group, e);
        }
        return Errors.OutcomeUnknown();
    }

    public async ValueTask DisposeAsync()
    {
        await _settled.CancelAsync();
        await _renewal;
        _settled.Dispose();
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(model.ClaimLease / 3, time, _settled.Token);
                var result = await store.CommitAsync(new Commit(group, seed.Id) { Receipt = Write(ReceiptStatus.Claimed, _token) });
                if (result != CommitResult.Committed) return;
            }
        }
        catch (OperationCanceledException)
        {
            // Settled: nothing is left to renew.
        }
        catch (StatesideException e)
        {
            // The store is away. The claim may lapse; the settling commit finds out, since it expects the token.
            log.ClaimLost(group, e);
        }
    }

    private ReceiptWrite Write(ReceiptStatus status, TurnId? expected) =>
        new(receipt.Id, status, receipt.Fingerprint, ClaimBody.Write(Seed), model.Retention)
        {
            ExpectedClaim = expected,
            Claim = _token,
            Lease = status == ReceiptStatus.Claimed ? model.ClaimLease : TimeSpan.Zero,
        };
}
