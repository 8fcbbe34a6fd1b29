using System.Diagnostics;

namespace Stateside.Stores;

/// <summary>
/// The store in the memory of one process: for tests, for development, and as the reference for authors of stores. It
/// keeps every rule of <see cref="IStore"/> in the plainest way: one lock, and in a commit first all checks, then all writes.
/// </summary>
public sealed class MemoryStore(TimeProvider time) : IStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StateKey, Entry> _rows = [];
    private readonly Dictionary<ReceiptKey, StoredReceipt> _receipts = [];
    private readonly SortedDictionary<(long DueAt, string Group, string Id), EffectWrite> _effects = [];
    private readonly Dictionary<(string Group, string Id), long> _dueAt = [];
    private readonly Dictionary<int, long> _epochs = [];
    private IStoreWatcher? _watcher;
    private readonly PriorityQueue<(StateKey? Row, ReceiptKey? Receipt), long> _removals = new();
    private readonly Dictionary<(StateKey? Row, ReceiptKey? Receipt), long> _removalAt = [];

    /// <summary>Most bytes in one body.</summary>
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    /// <inheritdoc/>
    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => new(new StoreCapabilities(
        "memory", Durability.None, StoreReach.Process, Watchable: true, MaxBodyBytes,
        [new("memory", "this process", "Everything is gone when the process ends.")]));

    /// <inheritdoc/>
    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (_lock)
        {
            var now = Now();
            return new(new LoadResult(ReadRows(request.Keys, now), request.Receipt is { } key ? ReadReceipt(key, now) : null));
        }
    }

    /// <inheritdoc/>
    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.EnsureFits(MaxBodyBytes);
        lock (_lock)
        {
            var now = Now();
            if (Check(commit, now) is { } refused) return new(refused);
            if (commit.Fence is { } fence) _epochs[fence.Shard] = fence.Epoch;
            foreach (var row in commit.Rows) Write(commit.Turn, row, now);
            if (commit.Receipt is { } receipt) Write(new ReceiptKey(commit.Group, receipt.Id), receipt, now);
            foreach (var id in commit.EffectsDone) RemoveEffect(commit.Group.Value, id);
            foreach (var effect in commit.Effects) Write(commit.Group.Value, effect, now);
        }
        foreach (var row in commit.Rows)
            if (row.Change is RowChange.Put or RowChange.Delete) _watcher?.Changed(row.Key);
        return new(CommitResult.Committed);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var now = Now();
            var keys = _rows.Where(r => r.Key.Group == group && r.Value.Lives(now)).Select(r => r.Key);
            return new(keys.OrderBy(k => k.Name, StringComparer.Ordinal).ThenBy(k => k.Item, StringComparer.Ordinal).Take(limit).ToArray());
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(key, out var entry) || !entry.Lives(Now())) return new([]);
            return new(entry.Journal.SkipWhile(e => e.Sequence <= after).Take(limit).ToArray());
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var now = Now();
            return new(_effects.TakeWhile(e => e.Key.DueAt <= now).Take(limit)
                .Select(e => new DueEffect(Group.Parse(e.Key.Group), e.Key.Id, e.Value.Name, e.Value.Body)).ToArray());
        }
    }

    /// <inheritdoc/>
    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var now = Now();
            var removed = 0;
            // What has an end stands in the queue under that end or an earlier one: what was prolonged meanwhile goes back.
            while (removed < limit && _removals.TryPeek(out var item, out var at) && at <= now)
            {
                _removals.Dequeue();
                if (_removalAt.GetValueOrDefault(item, Never) != at) continue;
                _removalAt.Remove(item);
                if (RemovalTime(item) is not { } end) continue;
                if (end > now) Schedule(item, end);
                else if (item.Row is { } row && _rows.Remove(row) || item.Receipt is { } receipt && _receipts.Remove(receipt)) removed++;
            }
            return new(removed);
        }
    }

    /// <inheritdoc/>
    public void Watch(IStoreWatcher watcher) => _watcher = watcher;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => default;

    private CommitResult? Check(Commit commit, long now)
    {
        if (commit.Fence is { } fence && _epochs.TryGetValue(fence.Shard, out var epoch) && epoch > fence.Epoch)
            return new CommitResult.Fenced(epoch);

        if (commit.Receipt is { } receipt)
        {
            var there = ReadReceipt(new ReceiptKey(commit.Group, receipt.Id), now);
            var expected = receipt.ExpectedClaim is { } claim
                ? there is { Status: not ReceiptStatus.Recorded } && there.Claim == claim
                : there is null;
            if (!expected) return new CommitResult.AlreadyRecorded(there);
        }

        foreach (var row in commit.Rows)
        {
            Debug.Assert(row.Key.Group == commit.Group, "A commit writes one group.");
            if (row.Change != RowChange.Touch && VersionOf(row.Key) != row.Expected)
                return new CommitResult.Conflict(ReadRows([.. commit.Rows.Select(r => r.Key)], now));
        }
        return null;
    }

    private Row[] ReadRows(IReadOnlyList<StateKey> keys, long now)
    {
        var rows = new Row[keys.Count];
        for (var i = 0; i < rows.Length; i++) rows[i] = ReadRow(keys[i], now);
        return rows;
    }

    private Row ReadRow(StateKey key, long now)
    {
        if (!_rows.TryGetValue(key, out var entry)) return Row.Absent(key);
        if (!entry.Lives(now)) return Row.Absent(key, entry.Version);
        var remaining = entry.EndsAt == Never ? (TimeSpan?)null : TimeSpan.FromMilliseconds(entry.EndsAt - now);
        return new Row(key, entry.Version, entry.Schema, entry.Sequence, entry.Body, remaining) { Decoded = entry.Decoded };
    }

    private ReceiptRow? ReadReceipt(ReceiptKey key, long now)
    {
        if (!_receipts.TryGetValue(key, out var stored) || stored.EndsAt <= now) return null;
        var write = stored.Write;
        var lease = TimeSpan.FromMilliseconds(Math.Max(0, stored.LeaseEndsAt - now));
        return new ReceiptRow(write.Id, write.Status, write.Fingerprint, write.Claim, lease, write.Body);
    }

    private StateVersion VersionOf(StateKey key) => _rows.TryGetValue(key, out var entry) ? entry.Version : StateVersion.None;

    private void Write(TurnId turn, RowWrite row, long now)
    {
        if (row.Change is RowChange.Check or RowChange.Touch)
        {
            if (row.TimeToLive is not null && _rows.TryGetValue(row.Key, out var touched) && touched.Lives(now) && touched.Version == row.Expected)
                SetEnd(row.Key, touched, End(row.TimeToLive, now));
            return;
        }
        var put = row.Change == RowChange.Put;
        var entry = new Entry
        {
            Version = row.After(turn),
            Exists = put,
            Schema = row.Schema,
            Sequence = put ? row.Sequence + row.Events.Count : 0,
            Body = put ? row.Body.ToArray() : default,
            Decoded = put ? row.Decoded : null,
            Journal = put && _rows.TryGetValue(row.Key, out var old) && old.Lives(now) ? old.Journal : [],
        };
        for (var i = 0; i < row.Events.Count; i++)
            entry.Journal.Add(new JournalEvent(row.Sequence + i + 1, turn, row.Schema, row.Events[i].ToArray()));
        _rows[row.Key] = entry;
        SetEnd(row.Key, entry, put ? End(row.TimeToLive, now) : now);
    }

    private void SetEnd(StateKey key, Entry entry, long end)
    {
        entry.EndsAt = end;
        if (end != Never) Schedule((key, null), end + TombstoneMilliseconds);
    }

    /// <summary>Sees that clean-up looks at it then, or earlier. What it stood under before stays in the queue and is passed over.</summary>
    private void Schedule((StateKey? Row, ReceiptKey? Receipt) item, long at)
    {
        if (_removalAt.GetValueOrDefault(item, Never) <= at) return;
        _removalAt[item] = at;
        _removals.Enqueue(item, at);
    }

    private void Write(ReceiptKey key, ReceiptWrite receipt, long now)
    {
        var end = End(receipt.TimeToLive, now);
        Schedule((null, key), end);
        _receipts[key] = new StoredReceipt(receipt with { Body = receipt.Body.ToArray() }, end, now + (long)receipt.Lease.TotalMilliseconds);
    }

    private void Write(string group, EffectWrite effect, long now)
    {
        RemoveEffect(group, effect.Id);
        var dueAt = now + (long)effect.After.TotalMilliseconds;
        _effects.Add((dueAt, group, effect.Id), effect with { Body = effect.Body.ToArray() });
        _dueAt.Add((group, effect.Id), dueAt);
    }

    private void RemoveEffect(string group, string id)
    {
        if (_dueAt.Remove((group, id), out var dueAt)) _effects.Remove((dueAt, group, id));
    }

    private long? RemovalTime((StateKey? Row, ReceiptKey? Receipt) item)
    {
        if (item.Receipt is { } receipt) return _receipts.TryGetValue(receipt, out var stored) ? stored.EndsAt : null;
        if (item.Row is not { } key || !_rows.TryGetValue(key, out var entry)) return null;
        return entry.EndsAt == Never ? null : entry.EndsAt + TombstoneMilliseconds;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static long End(TimeSpan? timeToLive, long now) => timeToLive is { } life ? now + (long)life.TotalMilliseconds : Never;

    private const long Never = long.MaxValue;

    private static readonly long TombstoneMilliseconds = (long)RowWrite.TombstoneLife.TotalMilliseconds;

    private sealed class Entry
    {
        public required StateVersion Version { get; init; }
        public required bool Exists { get; init; }
        public required int Schema { get; init; }
        public required long Sequence { get; init; }
        public required ReadOnlyMemory<byte> Body { get; init; }
        public required List<JournalEvent> Journal { get; init; }
        public object? Decoded { get; init; }

        /// <summary>When it expires; for a deleted row when it was deleted. Milliseconds since 1970, or <see cref="Never"/>.</summary>
        public long EndsAt { get; set; }

        public bool Lives(long now) => Exists && EndsAt > now;
    }

    private sealed record StoredReceipt(ReceiptWrite Write, long EndsAt, long LeaseEndsAt);
}

/// <summary>Makes <see cref="MemoryStore"/> from <c>memory:</c>.</summary>
internal sealed class MemoryStoreProvider : IStoreProvider
{
    public string Scheme => "memory";

    public string Example => "memory:";

    public IStore Create(string url, TimeProvider time) =>
        url == "memory:" ? new MemoryStore(time) : throw new FormatException("Nothing may follow \"memory:\".");
}
