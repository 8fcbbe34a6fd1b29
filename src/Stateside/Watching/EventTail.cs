using Stateside.Stores;

namespace Stateside.Watching;

/// <summary>Where a tail stands: what is read meanwhile is held against it.</summary>
/// <param name="Generation">How often the journal has begun anew.</param>
/// <param name="End">The number of the last event; -1: not known yet.</param>
/// <param name="Version">The version of the row then.</param>
/// <param name="LastTurn">Who raised that event, if it is known.</param>
internal readonly record struct TailMark(int Generation, long End, StateVersion Version, TurnId? LastTurn);

/// <summary>
/// The newest events of one key, shared by all its watchers. It is bounded, and what is older is read from the journal by whoever needs it. An
/// event is taken in only if it is known to come next in the very same journal: the versions of the row are a chain.
/// </summary>
internal sealed class EventTail
{
    /// <summary>Most events that it keeps.</summary>
    public const int MostEvents = 256;

    /// <summary>Most bytes of events that it keeps, but for the newest.</summary>
    public const int MostBytes = 262_144;

    private readonly Queue<JournalEvent> _events = new();
    private long _bytes;

    public TailMark Mark { get; private set; } = new(0, -1, default, null);

    /// <summary>The events of a commit that was accepted; false if they are not known to follow.</summary>
    public bool TryAppend(RowWrite write, TurnId turn)
    {
        if (Mark.End < 0 || write.Expected != Mark.Version || write.Sequence != Mark.End) return false;
        for (var i = 0; i < write.Events.Count; i++) Add(new JournalEvent(write.Sequence + i + 1, turn, write.Schema, write.Events[i]));
        Mark = Mark with { Version = write.After(turn) };
        return true;
    }

    /// <summary>Events of the journal, which may overlap with those that are there.</summary>
    /// <param name="events">Ascending.</param>
    /// <param name="row">The row that was read before them; what is newer than it is left for the next time.</param>
    public void Append(IReadOnlyList<JournalEvent> events, Row row)
    {
        foreach (var e in events)
            if (e.Sequence == Mark.End + 1 && e.Sequence <= row.Sequence) Add(e);
        if (Mark.End == row.Sequence) Mark = Mark with { Version = row.Version };
    }

    /// <summary>Begins with what comes after the row.</summary>
    public void Begin(Row row) => Mark = Mark with { End = row.Sequence, Version = row.Version };

    /// <summary>The journal that was followed has ended. What comes after the row belongs to another.</summary>
    public void Restart(long end, StateVersion version)
    {
        _events.Clear();
        _bytes = 0;
        Mark = new(Mark.Generation + 1, end, version, null);
    }

    /// <summary>The events after a number, as far as they are at hand.</summary>
    /// <returns>Null if the next one is no longer here.</returns>
    public IReadOnlyList<JournalEvent>? After(long number, int most)
    {
        if (number >= Mark.End) return [];
        return _events.TryPeek(out var first) && first.Sequence <= number + 1 ? [.. _events.Skip((int)(number + 1 - first.Sequence)).Take(most)] : null;
    }

    private void Add(JournalEvent e)
    {
        _events.Enqueue(e);
        _bytes += e.Body.Length;
        while (_events.Count > MostEvents || (_bytes > MostBytes && _events.Count > 1)) _bytes -= _events.Dequeue().Body.Length;
        Mark = Mark with { End = e.Sequence, LastTurn = e.Turn };
    }
}
