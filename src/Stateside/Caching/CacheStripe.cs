using System.Runtime.InteropServices;
using Stateside.Diagnostics;
using Stateside.Stores;

namespace Stateside.Caching;

/// <summary>A part of the near cache with a lock and a bound of its own: the rows used last stay.</summary>
internal sealed class CacheStripe(long maxBytes, TimeProvider time, Telemetry telemetry)
{
    /// <summary>
    /// How many keys are told apart when one changes while an answer is on its way. Two that share a slot cost each other a row
    /// that could have been kept, never one that is kept wrongly.
    /// </summary>
    public const int Slots = 256;

    /// <summary>What a row takes beside its body and the text of its key: the row, the entry, its place in the list and in the dictionary.</summary>
    private const int EntryBytes = 400;

    private readonly Lock _lock = new();
    private readonly Dictionary<StateKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = [];
    private readonly long[] _goneAt = new long[Slots];
    private readonly long[] _writtenAt = new long[Slots];
    private long _clearedAt;
    private long _bytes;

    /// <summary>The bytes of its rows.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    public Row? Find(StateKey key, int slot, TimeSpan? maxAge)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var node)) return null;
            var entry = node.Value;
            if (!Age(entry, time.GetTimestamp()))
            {
                Remove(node, slot);
                return null;
            }
            if (maxAge is { } most && (entry.FreshAt is not { } fresh || time.GetElapsedTime(fresh) > most)) return null;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return entry.Row;
        }
    }

    /// <param name="row">What a trip brought.</param>
    /// <param name="slot">The slot of its key.</param>
    /// <param name="superseded">The version that the trip has shown to be no longer the current one.</param>
    /// <param name="ticket">When the trip was sent.</param>
    /// <param name="now">The order of its answer.</param>
    /// <param name="isOwn">Whether this process has just written it.</param>
    public void Learn(Row row, int slot, StateVersion? superseded, CacheTicket ticket, long now, bool isOwn)
    {
        lock (_lock)
        {
            var isMoved = Math.Max(_goneAt[slot], _clearedAt) > ticket.Order;
            // Whatever was sent before the answer to a write may bring what was there before it.
            if (isOwn) _writtenAt[slot] = now;
            else isMoved |= _writtenAt[slot] > ticket.Order;
            if (_entries.TryGetValue(row.Key, out var node))
            {
                var entry = node.Value;
                if (entry.Row.Version == row.Version && entry.Row.Exists == row.Exists)
                {
                    if (!isMoved && ticket.Order > entry.SentAt) Refresh(entry, row, ticket, now);
                    return;
                }
                // A row that was asked for after the other had come is the later one, whatever its count: a count begins anew once
                // a store has forgotten a deleted row. Of two trips on their way at once the higher count is the later.
                var isLater = entry.KnownAt < ticket.Order || row.Version.Counter >= entry.Row.Version.Counter || entry.Row.Version == superseded;
                if (!isLater) return;
                Remove(node, slot);
            }
            // Keys that were never written are without end, and anybody may ask for them.
            if (isMoved && !isOwn || row.Version.IsNone) return;
            Add(Compact(row), ticket, now, slot, isFresh: !isMoved);
        }
    }

    /// <summary>The time to live was set anew by this process, if the row was at this version and had not expired by then.</summary>
    public void Prolong(StateKey key, int slot, StateVersion version, TimeSpan life, CacheTicket ticket)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var node) || node.Value.Row.Version != version) return;
            // The age counts from before the row was asked for, so what has not expired here by now had not in the store either.
            if (Age(node.Value, time.GetTimestamp())) (node.Value.Row, node.Value.AgedAt) = (node.Value.Row.WithRemaining(life), ticket.Timestamp);
            else Remove(node, slot);
        }
    }

    /// <returns>Whether there was anything to drop.</returns>
    public bool Drop(StateKey key, int slot, long now)
    {
        lock (_lock)
        {
            _goneAt[slot] = now;
            if (!_entries.TryGetValue(key, out var node)) return false;
            Remove(node, slot);
            return true;
        }
    }

    /// <returns>How many rows were dropped.</returns>
    public int Clear(long now)
    {
        lock (_lock)
        {
            var count = _entries.Count;
            _clearedAt = now;
            _entries.Clear();
            _byUse.Clear();
            Interlocked.Exchange(ref _bytes, 0);
            return count;
        }
    }

    private void Add(Row row, CacheTicket ticket, long now, int slot, bool isFresh)
    {
        var bytes = SizeOf(row);
        if (bytes > maxBytes) return;
        var entry = new Entry { Row = row, Bytes = bytes, Slot = slot, SentAt = ticket.Order, KnownAt = now, AgedAt = ticket.Timestamp, FreshAt = isFresh ? ticket.Timestamp : null };
        _entries.Add(row.Key, _byUse.AddFirst(entry));
        Interlocked.Add(ref _bytes, bytes);
        while (_bytes > maxBytes)
        {
            Remove(_byUse.Last!, _byUse.Last!.Value.Slot);
            telemetry.CacheEvictions.Add(1);
        }
    }

    /// <summary>What is gone must not be followed by what was sent before it came: a reader would go back in time.</summary>
    private void Remove(LinkedListNode<Entry> node, int slot)
    {
        var entry = node.Value;
        _goneAt[slot] = Math.Max(_goneAt[slot], entry.KnownAt);
        _entries.Remove(entry.Row.Key);
        _byUse.Remove(node);
        Interlocked.Add(ref _bytes, -entry.Bytes);
    }

    private static void Refresh(Entry entry, Row row, CacheTicket ticket, long now)
    {
        (entry.Row, entry.SentAt, entry.KnownAt) = (entry.Row.WithRemaining(row.Remaining), ticket.Order, now);
        (entry.AgedAt, entry.FreshAt) = (ticket.Timestamp, ticket.Timestamp);
    }

    /// <summary>Takes the time that has passed off the row's time to live. False once nothing is left.</summary>
    private bool Age(Entry entry, long now)
    {
        if (entry.Row.Remaining is not { } remaining) return true;
        var left = remaining - time.GetElapsedTime(entry.AgedAt, now);
        if (left <= TimeSpan.Zero) return false;
        (entry.Row, entry.AgedAt) = (entry.Row.WithRemaining(left), now);
        return true;
    }

    /// <summary>A body that is a slice of something larger would keep all of that in memory.</summary>
    private static Row Compact(Row row)
    {
        if (row.Body.IsEmpty || MemoryMarshal.TryGetArray(row.Body, out var array) && array.Array!.Length == row.Body.Length) return row;
        return new Row(row.Key, row.Version, row.Schema, row.Sequence, row.Body.ToArray(), row.Remaining) { Decoded = row.Decoded };
    }

    /// <summary>The decoded value is counted as large as the body it was read from.</summary>
    private static long SizeOf(Row row) =>
        EntryBytes + 2L * row.Body.Length + 2L * (row.Key.Group.Value.Length + row.Key.Item.Length);

    private sealed class Entry
    {
        public required Row Row { get; set; }

        public required long Bytes { get; init; }

        public required int Slot { get; init; }

        /// <summary>The order of the trip that brought it, and of its answer.</summary>
        public required long SentAt { get; set; }

        public required long KnownAt { get; set; }

        /// <summary>The moment from which the row's time to live counts.</summary>
        public required long AgedAt { get; set; }

        /// <summary>The last moment at which the store is known to have held it; null if it may have changed since it came.</summary>
        public required long? FreshAt { get; set; }
    }
}
