using System.Runtime.ExceptionServices;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>What a turn does with states that live on the node which owns them. To a turn without such states nothing here does anything.</summary>
internal sealed partial class TurnRunner
{
    private ValueTask<LoadedTurn> LoadAsync(TurnRequest request, SessionHandle? session, CancellationToken aborted) =>
        request.Owned is { } owned ? node!.LoadAsync(request, session, owned, aborted) : store.LoadAsync(request, session, aborted);

    private ValueTask<CommitResult> CommitAsync(TurnRequest request, Commit commit) =>
        request.Owned is { } owned && commit.Group == owned.Group ? node!.CommitAsync(commit, owned) : store.CommitAsync(commit);

    private LoadedTurn? Recall(TurnRequest request, SessionHandle? session)
    {
        if (request.Owned is not { } owned) return store.Recall(request, session);
        // Memory is as good as a load. Only where there may be a receipt does running before looking save a trip: the commit looks for it.
        if (request.Receipt is not { CallsOutside: false } || request.Held is not null || request.Group != owned.Group) return null;
        return node!.Recall(request, session, owned, out var rows, out var sessionRow) ? new LoadedTurn(rows, sessionRow, null) : null;
    }

    /// <summary>Whether what a turn has read is in the store: only then may it answer without a commit of its own. False: it was void.</summary>
    private static async ValueTask<bool> IsSettledAsync(TurnRequest request) =>
        request.Owned is not { } owned || request.Group is null || await owned.Memory.SettledAsync(owned.Voids);

    /// <summary>Runs the handler, if the preconditions hold. What is refused on memory that proves void has not been refused.</summary>
    /// <returns>Null if it has to run again.</returns>
    private static async ValueTask<TurnReply?> RunAsync(ITurnHost host, TurnRun attempt, LoadedTurn loaded)
    {
        try
        {
            host.Check(attempt.Request, loaded.Rows);
            return await host.RunAsync(attempt);
        }
        catch (StatesideException e) when (attempt.Request.Owned is not null)
        {
            var refusal = ExceptionDispatchInfo.Capture(e);
            if (await IsSettledAsync(attempt.Request)) refusal.Throw();
            return null;
        }
    }

    /// <summary>The rows for the next run: those that the conflict brought, or what memory holds now.</summary>
    /// <exception cref="StatesideException">SS4007: the memory is no longer this node's. SS1007: the session has ended meanwhile.</exception>
    private async ValueTask<LoadedTurn> ReloadAsync(
        TurnRequest request, SessionHandle? session, TurnSeed seed, LoadedTurn loaded, CommitResult.Conflict conflict, CancellationToken aborted)
    {
        if (request.Owned is { } owned && owned.Group == request.Group)
        {
            if (!owned.TryReopen()) throw Errors.Elsewhere();
            loaded = await LoadAsync(request, session, aborted);
            if (session is { HasRow: true } && !session.IsProvedBy(loaded.SessionRow!, seed.Now)) throw Errors.Conflict(1);
        }
        else loaded = loaded.With(request, conflict.Rows);
        return client is null ? loaded : await client.CompareAsync(request, loaded, aborted);
    }
}
