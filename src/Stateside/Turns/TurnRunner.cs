using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>
/// The core: one turn from the request to the commit. The hops carry the numbers of ARCHITECTURE.md; the host does 1
/// (which states, under which keys), 2 (route to the owner) and 4 (run the handler).
/// </summary>
internal sealed partial class TurnRunner(
    TurnStore store, ClientPlace? client, NodePlace? node, SessionIssuer sessions, TurnGate gate, StatesideModel model, TimeProvider time, Telemetry telemetry, ILogger<TurnRunner> log)
{
    /// <summary>Most times that the commit of a handler which called outside is sent to a store that is away.</summary>
    private const int MostCompletions = 5;

    /// <summary>Runs a turn to its end: committed, replayed from a receipt, or refused with an exception of the catalogue.</summary>
    public async ValueTask<TurnOutcome> RunAsync(ITurnHost host)
    {
        using var admission = gate.Admit();
        await host.PrepareAsync();
        var seed = TurnSeed.New(time);
        var session = host.Session;
        var request = await BindAsync(host, session, seed);                                        // 1 which states
        await RefuseOutstandingAsync(request, session, seed, host.Aborted);
        using var scope = new TurnScope(gate, node);
        await scope.EnterAsync(request, host.Aborted);                                             // 2 on the owner: its memory
        var first = await TryCachedAsync(host, request, session, seed);                            // 3 load: from the near cache,
        if (first.Outcome is { } done) return done;
        var loaded = first.Loaded ?? await LoadAsync(request, session, host.Aborted);              //   memory, or the store
        if (session is { HasRow: true } && !session.IsProvedBy(loaded.SessionRow!, seed.Now))
        {
            session = sessions.Begin();
            request = await BindAsync(host, session, seed);
            await scope.EnterAsync(request, host.Aborted);
            loaded = await LoadAsync(request, session, host.Aborted);
        }
        if (request.Receipt is not null && session is { IsFresh: true } && request.Group == session.Group)
            return await RequireSessionAsync(session, seed);
        if (loaded.Receipt is { } receipt && !IsRepeatable(request.Receipt!, receipt)) return await RecordedAsync(request, receipt, seed, host.Aborted);

        if (loaded.Receipt is { } lapsed)
        {
            // The turn that broke off is repeated as it was: with its time, its ids and its new keys.
            seed = ClaimBody.Read(lapsed.Body);
            request = (await BindAsync(host, session, seed)).On(request.Owned);
            loaded = loaded.Under(request);
        }

        if (client is not null) loaded = await TakeOverAsync(client, request, loaded, seed, host.Aborted);
        var attempt = Open(request, loaded, session, seed, first.Runs + 1, host.Aborted);
        if (request.Receipt is { CallsOutside: true }) return await RunClaimedAsync(host, attempt, loaded, seed);
        while (true)
        {
            var ran = await RunAsync(host, attempt, loaded);                                       // 4 run the handler
            if (ran is { Discard: false }) client?.Seal(attempt, loaded, host.Carrier);            // 5 the places: sealed for the client,
            var commit = ran is { } reply ? TurnCommit.Of(attempt, reply, loaded.SessionRow, model) : null; // or rows for the store
            if (ran is { } read && commit is null && await IsSettledAsync(request)) return await FinishReadAsync(attempt, loaded, read);
            switch (commit is null ? NodePlace.Stale : await CommitAsync(request, commit))         // 6 commit
            {
                case CommitResult.AlreadyRecorded { Receipt: { } there }:
                    return await RecordedAsync(request, there, seed, host.Aborted);
                case CommitResult.Conflict conflict when attempt.Turn.Run < model.Limits.MaxRuns + first.Runs && SessionStands(conflict, session, seed):
                    telemetry.ReRuns.Add(1);
                    log.ReRun(attempt.Turn.Id, attempt.Turn.Run, request.Group);
                    loaded = await ReloadAsync(request, session, seed, loaded, conflict, host.Aborted);
                    await PauseAsync(attempt.Turn.Run - first.Runs);
                    attempt = Open(request, loaded, session, seed, attempt.Turn.Run + 1, host.Aborted);
                    continue;
                case CommitResult.Conflict or CommitResult.AlreadyRecorded:
                    throw Errors.Conflict(attempt.Turn.Run);
                case CommitResult.Fenced:
                    throw Errors.Fenced();
                default:
                    return new TurnOutcome(attempt, null, attempt.BeginsSession(ran!.Value.Receipt is not null) ? session : null);
            }
        }
    }

    private TurnRun Open(TurnRequest request, LoadedTurn loaded, SessionHandle? session, TurnSeed seed, int run, CancellationToken aborted)
    {
        var rows = loaded.Rows;
        var slots = new IStateSlot[rows.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            var slot = request.Slots[i];
            slots[i] = slot.Writes ? slot.Definition.OpenState(rows[i], slot.IsNew) : slot.Definition.OpenSnapshot(rows[i]);
        }
        var opened = new TurnRun(new Turn(seed, run, aborted), request, slots, session);
        // The response of a turn that only reads is not held back, so what leaves with it is decided before.
        if (request.Group is null && request.Held is not null) opened.Leaving = client!.Renewed(opened, loaded);
        return opened;
    }

    /// <summary>
    /// The one run of a handler that calls outside, under its claim. Whatever goes wrong once it has begun, be it in the commit,
    /// leaves an unknown outcome: what it called cannot be taken back.
    /// </summary>
    private async ValueTask<TurnOutcome> RunClaimedAsync(ITurnHost host, TurnRun attempt, LoadedTurn loaded, TurnSeed seed)
    {
        var receipt = attempt.Request.Receipt!;
        host.Check(attempt.Request, loaded.Rows);
        await using var claim = new OutsideClaim(store, attempt.Request.Group!.Value, receipt, seed, model.Idempotency, time, log);
        if (await claim.TakeAsync(loaded.Receipt?.Claim) is { } first) return await RecordedAsync(attempt.Request, first, seed, host.Aborted);
        try
        {
            var reply = await host.RunAsync(attempt);
            if (!reply.Discard) client?.Seal(attempt, loaded, host.Carrier);
            var commit = TurnCommit.Of(attempt, reply with { Receipt = claim.Settle(reply.Receipt) }, loaded.SessionRow, model);
            if (commit is not null && await CommitPatientlyAsync(attempt.Request, commit) == CommitResult.Committed)
                return new TurnOutcome(attempt, null, attempt.BeginsSession(writesReceipt: true) ? attempt.Session : null);
        }
        catch (Exception e)
        {
            throw await claim.BreakOffAsync(e);
        }
        throw await claim.BreakOffAsync();
    }

    /// <summary>The commit of a handler that called outside is the only record of that call, so a store that is away for a moment is asked again.</summary>
    private async ValueTask<CommitResult> CommitPatientlyAsync(TurnRequest request, Commit commit)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await CommitAsync(request, commit);
            }
            catch (StatesideException e) when (e.Applied == Applied.No && attempt < MostCompletions)
            {
                await PauseAsync(attempt + 1);
            }
        }
    }

    /// <summary>A session that a request needs for its receipt is begun before the handler runs, so that the retry has a caller.</summary>
    private async ValueTask<TurnOutcome> RequireSessionAsync(SessionHandle session, TurnSeed seed)
    {
        if (!session.IsSealed) await store.CommitAsync(new Commit(session.Group, seed.Id) { Rows = [session.ToRow(seed.Now, model.Session)] });
        return new TurnOutcome(null, null, session);
    }

    private TurnOutcome Recorded(ReceiptRequest asked, ReceiptRow there)
    {
        if (there.Fingerprint != asked.Fingerprint) throw Errors.KeyReused();
        if (there.Status == ReceiptStatus.Recorded)
        {
            telemetry.Replays.Add(1);
            return new TurnOutcome(null, there, null);
        }
        throw there.Status == ReceiptStatus.Claimed && there.LeaseRemaining > TimeSpan.Zero
            ? Errors.Outstanding(there.LeaseRemaining)
            : Errors.OutcomeUnknown();
    }

    /// <summary>A claim whose lease has lapsed may be taken over if the endpoint says that its calls are safe to repeat.</summary>
    private static bool IsRepeatable(ReceiptRequest asked, ReceiptRow there) =>
        asked.SafeToRepeat && there.Fingerprint == asked.Fingerprint
        && (there.Status == ReceiptStatus.OutcomeUnknown || there.Status == ReceiptStatus.Claimed && there.LeaseRemaining == TimeSpan.Zero);

    /// <summary>
    /// A retry of a handler that calls outside must hear at once that the first is running, instead of waiting in its queue. It
    /// costs such endpoints, and no others, one more trip.
    /// </summary>
    private async ValueTask RefuseOutstandingAsync(TurnRequest request, SessionHandle? session, TurnSeed seed, CancellationToken aborted)
    {
        if (request.Receipt is not { CallsOutside: true } asked || session is { IsFresh: true }) return;
        var look = await store.LoadAsync(new TurnRequest { Slots = [], Group = request.Group, Receipt = asked }, session, aborted);
        if (session is { HasRow: true } && !session.IsProvedBy(look.SessionRow!, seed.Now)) return;
        if (look.Receipt is { Status: ReceiptStatus.Claimed } there && there.LeaseRemaining > TimeSpan.Zero) Recorded(asked, there);
    }

    private static bool SessionStands(CommitResult.Conflict conflict, SessionHandle? session, TurnSeed seed)
    {
        foreach (var row in conflict.Rows)
            if (row.Key.Name == SessionHandle.RowName) return session!.IsFresh || session.IsProvedBy(row, seed.Now);
        return true;
    }

    /// <summary>A turn that changed nothing writes nothing, but that what would expire soon is touched once.</summary>
    private async ValueTask<TurnOutcome> FinishReadAsync(TurnRun run, LoadedTurn loaded, TurnReply reply)
    {
        foreach (var touch in TurnCommit.Touches(run, loaded, model))
        {
            try
            {
                if (run.Request.Owned is { } owned && touch.Group == owned.Group) await node!.TouchAsync(touch, owned);
                else await store.CommitAsync(touch);
            }
            catch (StatesideException e)
            {
                log.TouchFailed(touch.Group, e);
            }
        }
        return new TurnOutcome(run, null, !reply.Discard && run.BeginsSession(writesReceipt: false) ? run.Session : null);
    }

    /// <summary>Turns of other processes conflict in step with ours unless somebody waits a random moment.</summary>
    private Task PauseAsync(int run)
    {
        if (run == 1) return Task.CompletedTask;
        var most = Math.Min(1 << run, 64);
        return Task.Delay(RandomBytes.Wait(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(most)), time);
    }
}
