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
    TurnStore store, Group group, ReceiptRequest receipt, TurnSeed seed, IdempotencyModel model, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    private readonly TurnId _token = TurnId.New();
    private readonly CancellationTokenSource _settled = new();
    private Task _renewal = Task.CompletedTask;

    /// <summary>Writes the claim.</summary>
    /// <param name="lapsed">The claim that it takes over; null if there was none.</param>
    /// <returns>Null once it is held; else what another was first to write.</returns>
    public async ValueTask<ReceiptRow?> TakeAsync(TurnId? lapsed)
    {
        var result = await store.CommitAsync(new Commit(group, seed.Id) { Receipt = Write(ReceiptStatus.Claimed, lapsed) });
        if (result is CommitResult.AlreadyRecorded { Receipt: { } there }) return there;
        if (result != CommitResult.Committed) throw Errors.Outstanding(model.ClaimLease);
        _renewal = RenewAsync();
        return null;
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
        _settled.Cancel();
        await _renewal;
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
        _settled.Cancel();
        await _renewal;
        _settled.Dispose();
    }

    private async Task RenewAsync()
    {
        while (await IsRunningAsync())
        {
            try
            {
                var result = await store.CommitAsync(new Commit(group, seed.Id) { Receipt = Write(ReceiptStatus.Claimed, _token) });
                if (result != CommitResult.Committed) return;
            }
            catch (StatesideException e)
            {
                // The store may be back before the lease lapses. If not, the settling commit finds out, since it expects the token.
                log.ClaimLost(group, e);
            }
        }
    }

    /// <summary>Waits a third of the lease; false once the claim is settled.</summary>
    private async Task<bool> IsRunningAsync()
    {
        try
        {
            await Task.Delay(model.ClaimLease / 3, time, _settled.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private ReceiptWrite Write(ReceiptStatus status, TurnId? expected) =>
        new(receipt.Id, status, receipt.Fingerprint, ClaimBody.Write(seed), model.Retention)
        {
            ExpectedClaim = expected,
            Claim = _token,
            Lease = status == ReceiptStatus.Claimed ? model.ClaimLease : TimeSpan.Zero,
        };
}
