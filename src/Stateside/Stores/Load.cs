namespace Stateside.Stores;

/// <summary>What to read in one trip.</summary>
/// <param name="Keys">The rows; an absent one is answered too.</param>
/// <param name="Receipt">The receipt, or null if the request bore no key.</param>
public sealed record LoadRequest(IReadOnlyList<StateKey> Keys, ReceiptKey? Receipt = null);

/// <summary>What was there.</summary>
/// <param name="Rows">One row for each key asked for, in that order.</param>
/// <param name="Receipt">The receipt, or null if there is none.</param>
public sealed record LoadResult(IReadOnlyList<Row> Rows, ReceiptRow? Receipt);

/// <summary>One state as the store holds it. Immutable, so that a store in memory may hand out the same row again and again.</summary>
public sealed class Row
{
    /// <summary>Of <see cref="_remaining"/>: it never expires.</summary>
    private const long Never = long.MinValue;

    // A node holds millions of rows, so the version and the time are kept in their bare numbers: as UInt128 and TimeSpan? they take 16 bytes more.
    private readonly long _counter;
    private readonly ulong _turnHigh;
    private readonly ulong _turnLow;
    private readonly long _remaining;

    /// <summary>A row that is there.</summary>
    public Row(StateKey key, StateVersion version, int schema, long sequence, ReadOnlyMemory<byte> body, TimeSpan? remaining) : this(key, version)
    {
        (Schema, Sequence, Body, _remaining, Exists) = (schema, sequence, body, remaining?.Ticks ?? Never, true);
    }

    private Row(StateKey key, StateVersion version)
    {
        (Key, _counter, _remaining) = (key, version.Counter, Never);
        (_turnHigh, _turnLow) = ((ulong)(version.Turn.Value >> 64), (ulong)version.Turn.Value);
    }

    /// <summary>Nothing is there. <paramref name="version"/> is that of the row which expired or was deleted, if the store still knows it.</summary>
    public static Row Absent(StateKey key, StateVersion version = default) => new(key, version);

    /// <summary>The row that a <see cref="RowChange.Put"/> makes.</summary>
    public static Row Of(RowWrite write, TurnId turn, TimeSpan? remaining)
    {
        ArgumentNullException.ThrowIfNull(write);
        return Of(write, write.Key, turn, remaining);
    }

    /// <summary>The same with another instance of the same key, for who holds rows and wants to hold each text once.</summary>
    internal static Row Of(RowWrite write, StateKey key, TurnId turn, TimeSpan? remaining) =>
        new(key, write.After(turn), write.Schema, write.Sequence + write.Events.Count, write.Body, remaining) { Decoded = write.Decoded };

    /// <summary>The same row with another time to live. A version names one content for ever, so a store that finds a version it has read before may answer with the row it has.</summary>
    public Row WithRemaining(TimeSpan? remaining) =>
        remaining == Remaining ? this : new(Key, Version, Schema, Sequence, Body, remaining) { Decoded = Decoded };

    /// <summary>The same row under another instance of the same key.</summary>
    internal Row WithKey(StateKey key) =>
        Exists ? new(key, Version, Schema, Sequence, Body, Remaining) { Decoded = Decoded } : Absent(key, Version);

    /// <summary>Which one.</summary>
    public StateKey Key { get; }

    /// <summary>The version that a commit must expect; also of an absent row.</summary>
    public StateVersion Version => new(_counter, new TurnId(new UInt128(_turnHigh, _turnLow)));

    /// <summary>False if it was never written, was deleted or has expired.</summary>
    public bool Exists { get; }

    /// <summary>The version of the state's shape, as declared in code when it was written; 1 or more.</summary>
    public int Schema { get; }

    /// <summary>The number of the last event folded into <see cref="Body"/>; 0 for a plain state.</summary>
    public long Sequence { get; }

    /// <summary>The state as JSON in UTF-8 (the session row: its own binary form).</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>What is left of its time to live, or null if it never expires.</summary>
    public TimeSpan? Remaining => _remaining == Never ? null : new TimeSpan(_remaining);

    /// <summary>The decoded state, kept beside the body by stores that hold rows in memory, so that JSON is read once and not at each turn.</summary>
    internal object? Decoded { get; set; }
}

/// <summary>One event of a journal.</summary>
/// <param name="Sequence">Its number, from 1, without gaps.</param>
/// <param name="Turn">The turn that raised it.</param>
/// <param name="Schema">The version of the event's shape.</param>
/// <param name="Body">The event as JSON in UTF-8.</param>
public sealed record JournalEvent(long Sequence, TurnId Turn, int Schema, ReadOnlyMemory<byte> Body);

/// <summary>An effect whose time has come.</summary>
/// <param name="Group">The group that it was committed with.</param>
/// <param name="Id">Its id, unique in the group.</param>
/// <param name="Name">What kind of effect it is: the name under which its handler is registered.</param>
/// <param name="Body">Its data.</param>
public sealed record DueEffect(Group Group, string Id, string Name, ReadOnlyMemory<byte> Body);
