using System.Runtime.ExceptionServices;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>
/// The first run of a turn on rows of the near cache. Its commit carries the versions that it rests on, so a commit that is
/// accepted proves them, in the one trip that it takes anyway. However else the run ends, nothing of it leaves before a load has
/// shown that the rows still are what they were; if not, the turn goes on as if the run had never been.
/// </summary>
internal sealed partial class TurnRunner
{
    /// <summary>What a turn came to on cached rows.</summary>
    /// <param name="Outcome">Its end, or null if it goes on.</param>
    /// <param name="Loaded">The current rows, if the attempt has learned them.</param>
    /// <param name="Runs">How many runs it took: these do not count against the most that a turn may have, as no other turn was faster.</param>
    private readonly record struct CachedAttempt(TurnOutcome? Outcome, LoadedTurn? Loaded, int Runs);

    private async ValueTask<CachedAttempt> TryCachedAsync(ITurnHost host, TurnRequest request, SessionHandle? session, TurnSeed seed)
    {
        if (Recall(request, session) is not { } cached) return default;
        if (session is { HasRow: true } && !session.IsProvedBy(cached.SessionRow!, seed.Now)) return default;
        TurnRun? attempt = null;
        Commit? commit = null;
        TurnReply reply = default;
        ExceptionDispatchInfo? failure = null;
        try
        {
            host.Check(request, cached.Rows);
            attempt = Open(request, cached, session, seed, 1, host.Aborted);
            reply = await host.RunAsync(attempt);
            commit = TurnCommit.Of(attempt, reply, cached.SessionRow, model, checksAll: true);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }
        var runs = attempt is null ? 0 : 1;
        if (commit is null)
        {
            var loaded = await LoadAsync(request, session, host.Aborted);
            if (!cached.Stands(request, loaded) || !await IsSettledAsync(request))
            {
                telemetry.ReRuns.Add(runs);
                return new(null, loaded, runs);
            }
            failure?.Throw();
            return new(await FinishReadAsync(attempt!, loaded, reply), loaded, runs);
        }
        switch (await CommitAsync(request, commit))
        {
            case CommitResult.AlreadyRecorded { Receipt: { } there } when request.Owned is not null:
                return new(await RecordedAsync(request, there, seed, host.Aborted), null, runs);
            case CommitResult.Conflict when request.Owned is not null:
                return new(null, await ReloadAsync(request, session, seed, cached, (CommitResult.Conflict)NodePlace.Stale, host.Aborted), runs);
            case CommitResult.Conflict conflict when SessionStands(conflict, session, seed):
                telemetry.ReRuns.Add(1);
                log.ReRun(attempt!.Turn.Id, attempt.Turn.Run, request.Group);
                return new(null, cached.With(request, conflict.Rows), runs);
            case CommitResult.Conflict or CommitResult.AlreadyRecorded:
                // A store looks at the receipt before the session's version, so whose receipt it is has yet to be seen.
                return new(null, null, runs);
            case CommitResult.Fenced:
                throw Errors.Fenced();
            default:
                return new(new TurnOutcome(attempt, null, null), null, runs);
        }
    }
}
