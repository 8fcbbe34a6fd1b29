using Stateside.Configuration;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>Hop 5: from what a run did to what the store is asked to write.</summary>
internal static class TurnCommit
{
    /// <summary>The commit of a run, or null if it has nothing to write.</summary>
    /// <param name="run">The run.</param>
    /// <param name="reply">What it came to.</param>
    /// <param name="sessionRow">The row of the session that the request brought.</param>
    /// <param name="model">The configuration.</param>
    /// <param name="checksAll">Whether a commit of nothing but the receipt checks the states too, as they were not loaded for this turn.</param>
    public static Commit? Of(TurnRun run, TurnReply reply, Row? sessionRow, StatesideModel model, bool checksAll = false)
    {
        if (reply.Discard) return null;
        var changed = false;
        for (var i = 0; i < run.Slots.Length; i++) changed |= IsStored(run, i) && run.Slots[i].IsChanged;
        if (!changed && reply.Receipt is null) return null;

        var group = run.Request.Group!.Value;
        var rows = new List<RowWrite>(run.Slots.Length + 1);
        for (var i = 0; i < run.Slots.Length; i++)
        {
            if (!IsStored(run, i)) continue;
            var slot = run.Slots[i];
            // What was taken as State<T> but not changed is checked, so that no decision rests on a value that is gone.
            var write = slot.ToWrite(LifeOfSession(slot.Row.Key, run.Session, model));
            if (write is not null && (changed || checksAll || write.Change != RowChange.Check)) rows.Add(write);
        }
        if (run.Session is { IsSealed: false } session && session.Group == group) rows.Add(SessionWrite(session, run.Turn.Now, sessionRow, model));
        return new Commit(group, run.Turn.Id) { Rows = rows, Receipt = ClientReceipt.With(reply.Receipt, run.Leaving) };
    }

    /// <summary>What lives with the client leaves with the response, and only its guard is in the commit.</summary>
    private static bool IsStored(TurnRun run, int slot) => run.Request.Slots[slot].Definition.Place != Place.Client;

    /// <summary>The touches of a turn that only read: for what has three quarters of its window left or less. At most one commit for each group.</summary>
    public static IReadOnlyList<Commit> Touches(TurnRun run, LoadedTurn loaded, StatesideModel model)
    {
        List<RowWrite>? touches = null;
        for (var i = 0; i < loaded.Rows.Length; i++)
        {
            if (run.Slots[i] is GuardSlot guard && guard.Presented(run) is { } presented) (touches ??= []).Add(presented);
            if (IsStored(run, i) && run.Request.Slots[i].Definition.TimeToLive is { } window && loaded.Rows[i].Remaining is { } left && left < window * 0.75)
                (touches ??= []).Add(new RowWrite(loaded.Rows[i].Key, RowChange.Touch, loaded.Rows[i].Version) { TimeToLive = window });
        }
        if (loaded.SessionRow is { } row && SessionHandle.Prolonged(row, run.Turn.Now, model.Session) is { } life)
            (touches ??= []).Add(new RowWrite(row.Key, RowChange.Touch, row.Version) { TimeToLive = life });
        return touches is null ? [] : [.. touches.GroupBy(t => t.Key.Group).Select(g => new Commit(g.Key, run.Turn.Id) { Rows = [.. g] })];
    }

    /// <summary>The session must still stand when its states are written; a logout in between is a conflict, and nothing comes back to life.</summary>
    private static RowWrite SessionWrite(SessionHandle session, DateTimeOffset now, Row? row, StatesideModel model) =>
        session.IsFresh
            ? session.ToRow(now, model.Session)
            : new RowWrite(session.Key, RowChange.Check, row!.Version) { TimeToLive = SessionHandle.Prolonged(row, now, model.Session) };

    /// <summary>A state of the session ends with the session at the latest, so that nothing stays that nobody can reach.</summary>
    private static TimeSpan? LifeOfSession(StateKey key, SessionHandle? session, StatesideModel model) =>
        key.Item.Length == 0 && session?.Group == key.Group ? model.Session.AbsoluteTimeout : null;
}
