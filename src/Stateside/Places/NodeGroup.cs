using Stateside.States;
using Stateside.Stores;

namespace Stateside.Places;

/// <summary>
/// The states of one group in the memory of the node that owns its shard. Turns change it one after the other, each on what the one
/// before left, and wait for their commit outside; at most one commit of a group is on its way, and the next takes with it
/// whatever was changed meanwhile. If one fails, all that rests on it is void.
/// </summary>
internal sealed class NodeGroup(Group group, long epoch)
{
    // There are millions of these, of which few do anything at a time: the lock is the object's own, which nobody outside the engine can
    // reach and which takes no memory of its own, and what most never have is apart.
    private Entry? _first;
    private NodeBatch? _open;
    private Rare? _rare;
    private bool _isSending;
    private bool _isDead;
    private int _voids;

    public Group Group => group;

    /// <summary>The epoch of the shard under which the memory was filled.</summary>
    public long Epoch => epoch;

    /// <summary>Turns that hold it. Changed under the lock of the shard only.</summary>
    public int Users { get; set; }

    /// <summary>When it was last used, by the clock of <see cref="NodePlace"/>.</summary>
    public long LastUsed { get; set; }

    /// <summary>Bytes of state that it holds, as JSON.</summary>
    public long Bytes
    {
        get
        {
            lock (this)
            {
                var bytes = 0L;
                for (var e = _first; e is not null; e = e.Next) bytes += e.Current.Body.Length;
                return bytes;
            }
        }
    }

    /// <summary>Whether a change is in memory only.</summary>
    public bool IsDirty
    {
        get
        {
            lock (this)
            {
                for (var e = _first; e is not null; e = e.Next)
                    if (e.IsUnsent) return true;
                return false;
            }
        }
    }

    /// <summary>The row in memory; null if it must be loaded.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="writes">True for the turn's own view, which rests on changes whose commit is on its way; false for what is committed.</param>
    /// <param name="time">Judges whether it has expired.</param>
    public Row? Read(StateKey key, bool writes, TimeProvider time)
    {
        lock (this)
        {
            if (_isDead || Find(key) is not { } e) return null;
            if (e.Current.Remaining is { } remaining && e.Change is null)
            {
                var past = time.GetElapsedTime(e.At);
                // Only the store decides that a row has expired: another node may have prolonged a session.
                if (past >= remaining)
                {
                    Remove(e);
                    return null;
                }
                if (past > s_coarse) (e.Current, e.At) = (e.Current.WithRemaining(remaining - past), time.GetTimestamp());
            }
            return writes || e.Change is null ? e.Current : e.Change.Committed;
        }
    }

    /// <summary>Takes in a row that was loaded. What is there already is newer.</summary>
    /// <param name="row">The row.</param>
    /// <param name="definition">Its state; null for the session's row.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The row in memory.</returns>
    public Row Learn(Row row, StateDefinition? definition, TimeProvider time)
    {
        lock (this)
        {
            if (_isDead) return row;
            if (Find(row.Key) is { } there) return there.Current;
            if (_rare?.Distrusts is { } since && time.GetElapsedTime(since) < s_distrust) return row;
            return Add(row.WithKey(Own(row.Key)), definition, time.GetTimestamp()).Current;
        }
    }

    /// <summary>Applies what a turn has changed.</summary>
    /// <param name="commit">The turn's commit.</param>
    /// <param name="definitions">Finds the state of a row; null for one that is not kept in memory.</param>
    /// <param name="time">The clock.</param>
    /// <param name="batch">What will carry it to the store; null if it need not wait for that.</param>
    /// <param name="sends">Whether the caller is the one who sends the batch.</param>
    /// <returns>False if memory is not what the turn rests on: it must run again.</returns>
    public bool TryApply(Commit commit, Func<string, StateDefinition?> definitions, TimeProvider time, out NodeBatch? batch, out bool sends)
    {
        (batch, sends) = (null, false);
        var kind = NodeCommitKind.Of(commit, definitions);
        lock (this)
        {
            if (_isDead) return false;
            foreach (var row in commit.Rows)
                if (row.Change != RowChange.Touch && Find(row.Key) is { } e && e.Current.Version != row.Expected) return false;

            // What only one turn can have in a commit, such as a receipt, must not meet another's, nor that other's changes.
            if (kind.IsAlone && _open is { IsAlone: true }) Close();
            List<RowWrite>? others = null;
            foreach (var row in commit.Rows)
            {
                var definition = definitions(row.Key.Name);
                if (NodeCommitKind.IsKept(row, definition)) Apply(commit.Turn, row, definition, time.GetTimestamp(), kind.WaitsForStore);
                else if (row.Change != RowChange.Check || row.TimeToLive is not null || definition is { Place: not Place.Node }) (others ??= []).Add(row);
            }
            if (!kind.WaitsForStore) return true;
            batch = _open ??= new NodeBatch();
            batch.Add(commit, kind.IsAlone, others);
            // A new journal begins once the old one's end is committed.
            if (kind.Ends) Close();
            if (_isSending) return true;
            (_isSending, sends) = (true, true);
            return true;
        }
    }

    /// <summary>Whether something waits to be sent and nobody sends; then the caller does.</summary>
    public bool TryBeginFlush()
    {
        lock (this)
        {
            if (_isDead || _isSending) return false;
            if (_open is null && _rare?.Closed is not { Count: > 0 })
            {
                var unsent = false;
                for (var e = _first; e is not null; e = e.Next) unsent |= e.IsUnsent;
                if (!unsent) return false;
                _open = new NodeBatch();
            }
            return _isSending = true;
        }
    }

    /// <summary>The next batch to send, with everything in it; null if there is none, and then nobody sends any more.</summary>
    public NodeBatch? Next()
    {
        lock (this)
        {
            if (_rare?.Closed is { Count: > 0 } closed) return closed.Dequeue();
            if (_open is { } open && !_isDead)
            {
                Collect(open);
                _open = null;
                return open;
            }
            _isSending = false;
            Settle();
            return null;
        }
    }

    /// <summary>The store has set its time to live anew.</summary>
    public void Prolong(StateKey key, TimeSpan life, TimeProvider time)
    {
        lock (this)
        {
            if (Find(key) is { Current.Exists: true } e) (e.Current, e.At) = (e.Current.WithRemaining(life), time.GetTimestamp());
        }
    }

    /// <summary>The batch is in the store.</summary>
    public void Committed(NodeBatch batch)
    {
        lock (this)
        {
            foreach (var (entry, row, _) in batch.Sent)
            {
                if (entry.Change is not { } change) continue;
                change.Uncertain = null;
                if (entry.Current.Version == row.Version) entry.Change = null;
                else if (change.Committed is null || row.Version.Counter > change.Committed.Version.Counter) change.Committed = row;
            }
        }
    }

    /// <summary>
    /// The batch is not in the store, or it is not known: memory goes back to what was acknowledged before, and what only the store can tell is
    /// forgotten. Whoever waits for a later batch runs again, since it rests on this one.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <param name="isUnknown">Whether it may be there, or come there yet.</param>
    /// <param name="current">The rows that were in its way.</param>
    /// <param name="time">The clock.</param>
    public void Void(NodeBatch batch, bool isUnknown, IReadOnlyList<Row> current, TimeProvider time)
    {
        List<NodeBatch> waiting;
        lock (this)
        {
            _voids++;
            if (isUnknown) (_rare ??= new()).Distrusts = time.GetTimestamp();
            foreach (var (entry, row, before) in batch.Sent)
            {
                if (entry.Change is not { } change) continue;
                (change.Sent, change.Sequence) = (before.Sent, before.Sequence);
                if (isUnknown) (change.Uncertain ??= []).Add(row.Version);
            }
            waiting = TakeWaiting();
            for (var e = _first; e is not null; e = e.Next)
            {
                if (e.Change is not { } change) continue;
                if (change.Committed is not { } committed)
                {
                    Remove(e);
                    continue;
                }
                e.Current = committed;
                change.Events = null;
                // Acknowledged, and in memory only: it is sent again, on whatever of the earlier attempts has arrived.
                if (e.Definition?.Durability == NodeDurability.Checkpoint) continue;
                e.Change = null;
                if (isUnknown) Remove(e);
            }
            foreach (var row in current) Meet(row);
        }
        foreach (var lost in waiting) lost.Refuse();
    }

    /// <summary>The store knows of a change that memory may not: what is not in memory only is loaded again.</summary>
    public void Forget()
    {
        lock (this)
        {
            for (var e = _first; e is not null; e = e.Next)
                if (e.Change is null && e.Definition?.Durability != NodeDurability.None) Remove(e);
        }
    }

    /// <summary>The memory is no longer ours to keep. Whoever waits in it for a commit that was not sent runs again.</summary>
    public void Kill()
    {
        List<NodeBatch> waiting;
        lock (this)
        {
            _isDead = true;
            _voids++;
            waiting = TakeWaiting();
            _first = null;
            Settle();
        }
        foreach (var batch in waiting) batch.Refuse();
    }

    /// <summary>How often what was in memory has proved void. A turn that took no change to the store compares it before it answers.</summary>
    public int Voids
    {
        get
        {
            lock (this) return _voids;
        }
    }

    /// <summary>Completes when all that was changed until now is in the store, or void.</summary>
    /// <param name="voids"><see cref="Voids"/> when the turn read.</param>
    /// <returns>False if it was void.</returns>
    public async ValueTask<bool> SettledAsync(int voids)
    {
        while (true)
        {
            Task settled;
            lock (this)
            {
                if (_voids != voids) return false;
                if (!_isSending) return true;
                settled = ((_rare ??= new()).Settled ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            await settled;
        }
    }

    /// <summary>Whether it may go: nothing is on its way or in memory only. After that it takes nothing in any more.</summary>
    public bool TryEvict()
    {
        lock (this)
        {
            if (_isSending || _open is not null) return false;
            for (var e = _first; e is not null; e = e.Next)
                if (e.IsUnsent) return false;
            _isDead = true;
            return true;
        }
    }

    /// <summary>Forgets the decoded states: their JSON is read again when they are next used.</summary>
    public void Cool()
    {
        lock (this)
        {
            for (var e = _first; e is not null; e = e.Next) e.Current.Decoded = null;
        }
    }

    private static readonly TimeSpan s_coarse = TimeSpan.FromSeconds(1);

    /// <summary>How long a commit whose answer was lost may still be on its way. What is read meanwhile is read from the store, each time.</summary>
    private static readonly TimeSpan s_distrust = TimeSpan.FromSeconds(10);

    private List<NodeBatch> TakeWaiting()
    {
        List<NodeBatch> waiting = [.. _rare?.Closed ?? []];
        _rare?.Closed?.Clear();
        if (_open is not null) waiting.Add(_open);
        _open = null;
        return waiting;
    }

    /// <summary>Takes in what the store holds in place of what memory took it to hold.</summary>
    private void Meet(Row row)
    {
        if (Find(row.Key) is not { } e) return;
        if (e.Change is { Uncertain: { } uncertain } change && uncertain.Contains(row.Version)) (change.Sent, change.Sequence, change.Uncertain) = (row.Version, row.Sequence, null);
        else if (row.Version != (e.Change?.Sent ?? e.Current.Version)) Remove(e);
    }

    private Entry? Find(StateKey key)
    {
        for (var e = _first; e is not null; e = e.Next)
            if (e.Current.Key.Item == key.Item && e.Current.Key.Name == key.Name) return e;
        return null;
    }

    private Entry Add(Row row, StateDefinition? definition, long now) =>
        _first = new Entry { Current = row, Definition = definition, At = now, Next = _first };

    /// <summary>The same key with the texts that are in memory already: each request brings its own.</summary>
    private StateKey Own(StateKey key) => new(group, key.Name, key.Item);

    private void Remove(Entry gone)
    {
        if (_first == gone) _first = gone.Next;
        for (var e = _first; e is not null; e = e.Next)
            if (e.Next == gone) e.Next = gone.Next;
    }

    private void Apply(TurnId turn, RowWrite write, StateDefinition? definition, long now, bool waits)
    {
        var known = Find(write.Key);
        var e = known ?? Add(Row.Absent(Own(write.Key), write.Expected), definition, now);
        if (write.Change is RowChange.Check or RowChange.Touch) return;
        var before = e.Current;
        var after = write.Change == RowChange.Put ? Row.Of(write, before.Key, turn, write.TimeToLive) : Row.Absent(before.Key, write.After(turn));
        (e.Current, e.At) = (after, now);
        if (definition?.Durability == NodeDurability.None) return;
        var change = e.Change ??= new Change { Committed = known is null ? null : before, Sent = before.Version, Sequence = known is null ? write.Sequence : before.Exists ? before.Sequence : 0 };
        if (write.Events.Count > 0) (change.Events ??= []).AddRange(write.Events);
        if (!waits) change.Committed = after;
    }

    /// <summary>The open batch takes what has been changed until now, and nothing more.</summary>
    private void Close()
    {
        Collect(_open!);
        ((_rare ??= new()).Closed ??= new()).Enqueue(_open!);
        _open = null;
    }

    private void Collect(NodeBatch batch)
    {
        for (var e = _first; e is not null; e = e.Next)
        {
            if (!e.IsUnsent) continue;
            var (row, change) = (e.Current, e.Change!);
            batch.Take(e, row, (change.Sent, change.Sequence), new RowWrite(row.Key, row.Exists ? RowChange.Put : RowChange.Delete, change.Sent)
            {
                Becomes = row.Version, Schema = row.Schema, Sequence = row.Exists ? change.Sequence : 0, Body = row.Body, Decoded = row.Decoded,
                TimeToLive = row.Remaining, Events = (IReadOnlyList<ReadOnlyMemory<byte>>?)change.Events ?? [],
            });
            (change.Sent, change.Sequence, change.Events) = (row.Version, row.Sequence, null);
        }
    }

    private void Settle()
    {
        if (_rare?.Settled is not { } settled) return;
        settled.TrySetResult();
        _rare.Settled = null;
    }

    /// <summary>What a group has only while something is unusual.</summary>
    private sealed class Rare
    {
        /// <summary>Batches that take nothing in any more and wait to be sent.</summary>
        public Queue<NodeBatch>? Closed { get; set; }

        /// <summary>Completes when nobody sends any more.</summary>
        public TaskCompletionSource? Settled { get; set; }

        /// <summary>When the answer to a commit was lost.</summary>
        public long? Distrusts { get; set; }
    }

    /// <summary>One row in memory.</summary>
    internal sealed class Entry
    {
        public required Row Current { get; set; }

        public StateDefinition? Definition { get; init; }

        /// <summary>When <see cref="Row.Remaining"/> was so much.</summary>
        public long At { get; set; }

        /// <summary>What the store does not hold yet; null: nothing.</summary>
        public Change? Change { get; set; }

        public Entry? Next { get; set; }

        public bool IsUnsent => Change is { } change && change.Sent != Current.Version;
    }

    /// <summary>How a row in memory differs from the one in the store.</summary>
    internal sealed class Change
    {
        /// <summary>What snapshots show; null: only the store knows.</summary>
        public required Row? Committed { get; set; }

        /// <summary>The version that the store holds once everything that was sent has arrived, with the number of its last event.</summary>
        public required StateVersion Sent { get; set; }

        public long Sequence { get; set; }

        public List<ReadOnlyMemory<byte>>? Events { get; set; }

        /// <summary>Versions that the store may hold instead: of what was sent when the answer was lost.</summary>
        public List<StateVersion>? Uncertain { get; set; }
    }
}
