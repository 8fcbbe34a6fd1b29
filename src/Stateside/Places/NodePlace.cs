using Stateside.Cluster;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;
using Stateside.Watching;

namespace Stateside.Places;

/// <summary>
/// States in the memory of the node that owns their shard. Reads answer from memory while the node's lease holds; changes are made in
/// memory, one turn after the other, and reach the store under the shard's epoch, before the reply or at a checkpoint.
/// </summary>
internal sealed class NodePlace : IAsyncDisposable
{
    /// <summary>What a commit comes to that was not sent, since what it rests on is void.</summary>
    public static readonly CommitResult Stale = new CommitResult.Conflict([]);

    private static readonly TimeSpan s_leasePause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_sweepPause = TimeSpan.FromMilliseconds(500);

    /// <summary>What nobody has used for so long is kept as JSON only.</summary>
    private static readonly TimeSpan s_cold = TimeSpan.FromSeconds(30);

    /// <summary>Groups that one sweep looks at, about.</summary>
    private const int GroupsPerSweep = 200_000;

    /// <summary>What a group takes beyond the JSON of its states, about: <c>./stateside bench --memory</c> measures it.</summary>
    private const long OverheadBytes = 400;

    private readonly IOwnership _ownership;
    private readonly TurnStore _store;
    private readonly NodeModel _model;
    private readonly TimeProvider _time;
    private readonly Func<string, StateDefinition?> _find;
    private readonly CancellationTokenSource _stopping = new();
    private WatchHub? _watches;
    private readonly Task _checkpoints;
    private readonly Task _sweeps;

    /// <summary>What each shard held when it was last looked at.</summary>
    private readonly (long Bytes, int Groups)[] _sizes = new (long, int)[Group.ShardCount];
    private int _sweep;

    public NodePlace(IOwnership ownership, TurnStore store, StateRegistry registry, NodeModel model, TimeProvider time)
    {
        (_ownership, _store, _model, _time) = (ownership, store, model, time);
        _find = registry.Find;
        _checkpoints = registry.All.Any(d => d is { Place: Place.Node, Durability: NodeDurability.Checkpoint }) ? EachAsync(model.CheckpointEvery, CheckpointAsync) : Task.CompletedTask;
        _sweeps = EachAsync(s_sweepPause, () => { Sweep(); return Task.CompletedTask; });
    }

    /// <summary>Bytes of state in memory, as of the last sweep.</summary>
    public long Bytes { get; private set; }

    /// <summary>Groups in memory, as of the last sweep.</summary>
    public int Groups { get; private set; }

    /// <summary>Tells of what becomes visible from now on, and of shards that leave.</summary>
    public void Tell(WatchHub watches)
    {
        _watches = watches;
        foreach (var shard in _ownership.Shards) shard.Leaving = () => watches.End(shard.Number);
    }

    /// <summary>Whether this node owns the group now.</summary>
    public bool Owns(Group group) => _ownership.Shards[group.Shard].IsOwned;

    /// <summary>What is committed under a key, if it is in memory.</summary>
    public Row? Recall(StateKey key) => _ownership.Shards[key.Group.Shard].Peek(key.Group)?.Read(key, writes: false, _time);

    /// <summary>Hop 2, on the owner: goes into the shard of the group. Waits while the shard is on its way, within bounds.</summary>
    /// <exception cref="StatesideException">SS4007: another node owns it. SS4001: nobody does for now. Nothing was applied.</exception>
    public async ValueTask<NodeEntry> EnterAsync(Group group, CancellationToken cancellationToken)
    {
        var shard = _ownership.Shards[group.Shard];
        long? started = null;
        while (true)
        {
            var changed = Task.CompletedTask;
            var holds = _ownership.HoldsLease;
            if (holds && shard.TryEnter(group, out var memory, out changed))
            {
                memory.LastUsed = _time.GetTimestamp();
                return new NodeEntry(shard, memory);
            }
            if (shard.IsAway && _ownership.IsElsewhere(shard.Number)) throw Errors.Elsewhere();
            started ??= _time.GetTimestamp();
            var left = _model.WaitFor - _time.GetElapsedTime(started.Value);
            if (left <= TimeSpan.Zero) throw Errors.NotOwner();
            if (holds) await AnyAsync(changed, left, cancellationToken);
            else await Task.Delay(s_leasePause, _time, cancellationToken);
        }
    }

    /// <summary>Hop 3: the turn's rows from memory, and in one trip what memory does not have yet.</summary>
    public async ValueTask<LoadedTurn> LoadAsync(TurnRequest request, SessionHandle? session, NodeEntry entry, CancellationToken cancellationToken)
    {
        var memory = entry.Memory;
        // The turn before this one may have been of the same request. What this one sees of it in memory is in the store with its receipt only once it is
        // settled; looked for earlier the receipt would seem not to be, and the handler would refuse what it did itself, as an order of a cart that is now empty.
        if (request.Receipt is not null) await memory.SettledAsync(memory.Voids);
        var isWhole = Recall(request, session, entry, out var known, out var knownSession);
        if (isWhole && request.Receipt is null) return new LoadedTurn(known, knownSession, null);
        // What memory takes to be committed is behind the store while an answer is on its way. So that a turn sees a group as it was at one
        // moment, all its snapshots come from memory, or all from the store.
        for (var i = 0; i < known.Length && !isWhole; i++)
            if (IsShown(request.Slots[i], entry)) known[i] = null!;
        var loaded = await _store.LoadAsync(request, session, cancellationToken, known, knownSession);
        for (var i = 0; i < request.Slots.Length; i++)
        {
            var slot = request.Slots[i];
            if (known[i] is not null || !IsHeld(slot, entry)) continue;
            memory.Learn(loaded.Rows[i], slot.Definition, _time);
            if (!IsShown(slot, entry)) loaded.Rows[i] = memory.Read(slot.Key, slot.Writes, _time) ?? loaded.Rows[i];
        }
        if (knownSession is null && loaded.SessionRow is { } row && session!.Group == entry.Group) return loaded with { SessionRow = memory.Learn(row, null, _time) };
        return loaded;
    }

    /// <summary>Everything that the turn reads from memory.</summary>
    /// <returns>False if something has to be loaded.</returns>
    public bool Recall(TurnRequest request, SessionHandle? session, NodeEntry entry, out Row[] rows, out Row? sessionRow)
    {
        var isWhole = true;
        entry.Voids = entry.Memory.Voids;
        rows = new Row[request.Slots.Length];
        // A commit that comes in between must not show in one of them only.
        lock (entry.Memory.Gate)
            for (var i = 0; i < rows.Length; i++)
                if (IsHeld(request.Slots[i], entry)) rows[i] = FindOwn(request.Slots[i], entry)!;
        for (var i = 0; i < rows.Length; i++)
        {
            var slot = request.Slots[i];
            if (slot.IsNew) rows[i] = Row.Absent(slot.Key);
            else if (!IsHeld(slot, entry)) rows[i] = FindOther(slot)!;
            isWhole &= rows[i] is not null;
        }
        sessionRow = session is { HasRow: true } && session.Group == entry.Group ? entry.Memory.Read(session.Key, writes: true, _time) : null;
        return isWhole && (session is not { HasRow: true } || sessionRow is not null);
    }

    /// <summary>Hop 6: changes memory, and waits for the store where the states ask for it.</summary>
    /// <exception cref="StatesideException">The store did not take it; what was changed in memory is void.</exception>
    public async ValueTask<CommitResult> CommitAsync(Commit commit, NodeEntry entry)
    {
        var memory = entry.Memory;
        if (!memory.TryApply(commit, _find, _time, out var batch, out var sends)) return Stale;
        _watches?.Applied(commit);
        // The first that is sent is always the sender's own. It is taken before the next turn is let in, whose change goes into the next one.
        var own = sends ? memory.Next() : null;
        // From here the next turn of the group can run on what this one left.
        entry.LetNextIn();
        if (batch is null) return CommitResult.Committed;
        if (own is null) return Own(commit, await batch.Done);
        try
        {
            var result = await SendAsync(entry.Shard, memory, own);
            // A turn that nothing held back may have joined it in the moment between, and waits.
            own.Complete(result);
            return Own(commit, result);
        }
        catch (StatesideException e)
        {
            own.Fail(e);
            throw;
        }
        finally
        {
            _ = SendOthersAsync(entry.Shard, memory);
        }
    }

    /// <summary>Prolongs the life of what was only read.</summary>
    public async ValueTask TouchAsync(Commit touch, NodeEntry entry)
    {
        if (await _store.CommitAsync(touch with { Fence = new Fence(entry.Shard.Number, entry.Memory.Epoch) }) != CommitResult.Committed) return;
        foreach (var row in touch.Rows) entry.Memory.Prolong(row.Key, row.TimeToLive!.Value, _time);
    }

    /// <summary>Writes everything of a shard that is in memory only, before it is passed on.</summary>
    /// <returns>False if the store did not take it.</returns>
    public async ValueTask<bool> FlushAsync(Shard shard)
    {
        foreach (var memory in shard.Snapshot())
        {
            await FlushAsync(shard, memory);
            if (!await memory.SettledAsync(memory.Voids) || memory.IsDirty) return false;
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        _stopping.Cancel();
        await _checkpoints;
        await _sweeps;
        _stopping.Dispose();
    }

    private Row? FindOwn(SlotRequest slot, NodeEntry entry) =>
        entry.Memory.Read(slot.Key, slot.Writes, _time) ?? (slot.Definition.Durability == NodeDurability.None ? Row.Absent(slot.Key) : null);

    /// <summary>Of another group only what is committed counts, and that is in the store too, unless a checkpoint is due.</summary>
    private Row? FindOther(SlotRequest slot) => slot.Definition.Place == Place.Node && _ownership.HoldsLease
        ? _ownership.Shards[slot.Key.Group.Shard].Peek(slot.Key.Group)?.Read(slot.Key, writes: false, _time) : null;

    private static bool IsHeld(SlotRequest slot, NodeEntry entry) => !slot.IsNew && slot.Definition.Place == Place.Node && slot.Key.Group == entry.Group;

    /// <summary>Whether a snapshot of it is as good from the store as from memory.</summary>
    private static bool IsShown(SlotRequest slot, NodeEntry entry) => IsHeld(slot, entry) && !slot.Writes && slot.Definition.Durability == NodeDurability.Commit;

    /// <summary>What the result of a batch says to one turn in it: that another's receipt was there already only means that all have to run again.</summary>
    private static CommitResult Own(Commit commit, CommitResult result) => result is CommitResult.AlreadyRecorded && commit.Receipt is null ? Stale : result;

    /// <summary>Sends the batches that wait, one after the other, until there are none.</summary>
    private async Task SendOthersAsync(Shard shard, NodeGroup memory)
    {
        while (memory.Next() is { } batch)
        {
            try
            {
                batch.Complete(await SendAsync(shard, memory, batch));
            }
            catch (StatesideException e)
            {
                batch.Fail(e);
            }
        }
    }

    private async ValueTask<CommitResult> SendAsync(Shard shard, NodeGroup memory, NodeBatch batch)
    {
        if (batch.ToCommit(memory.Group, new Fence(shard.Number, memory.Epoch)) is not { } commit) return CommitResult.Committed;
        CommitResult result;
        try
        {
            result = await _store.CommitAsync(commit);
        }
        catch (StatesideException e)
        {
            memory.Void(batch, e.Applied == Applied.Unknown, [], _time);
            if (e.Applied == Applied.Unknown) _watches?.Suspect(commit, onNode: true);
            throw;
        }
        switch (result)
        {
            case CommitResult.Fenced:
                _ownership.Lost(shard.Number, memory.Epoch);
                return result;
            case CommitResult.Conflict conflict:
                memory.Void(batch, isUnknown: false, conflict.Rows, _time);
                return Stale;
            case CommitResult.AlreadyRecorded:
                memory.Void(batch, isUnknown: false, [], _time);
                memory.Forget();
                return result;
            default:
                memory.Committed(batch);
                _watches?.Committed(commit, onNode: true);
                foreach (var row in commit.Rows)
                    if (row.Change is RowChange.Check or RowChange.Touch && row.TimeToLive is { } life) memory.Prolong(row.Key, life, _time);
                return result;
        }
    }

    private async Task FlushAsync(Shard shard, NodeGroup memory)
    {
        if (memory.TryBeginFlush()) await SendOthersAsync(shard, memory);
    }

    private async Task CheckpointAsync()
    {
        List<Task> flushes = [];
        foreach (var shard in _ownership.Shards)
        {
            if (!shard.IsOwned) continue;
            foreach (var memory in shard.Snapshot())
                if (memory.IsDirty) flushes.Add(FlushAsync(shard, memory));
        }
        await Task.WhenAll(flushes);
    }

    /// <summary>
    /// Lets go of what nobody has used for long, and of more, the longest unused first, where memory is short. To look through millions of groups
    /// takes a while, so each time only some of the shards come up; of the others what was seen last counts.
    /// </summary>
    private void Sweep()
    {
        var now = _time.GetTimestamp();
        var parts = 1 + (Groups / GroupsPerSweep);
        for (var i = _sweep++ % parts; i < _sizes.Length; i += parts) Sweep(i, now, _model.IdleAfter);
        Total();
        for (var idle = _model.IdleAfter / 4; _model.MaxBytes > 0 && Bytes > _model.MaxBytes && idle >= s_sweepPause; idle /= 4)
        {
            for (var i = 0; i < _sizes.Length; i++) Sweep(i, now, idle);
            Total();
        }
    }

    private void Sweep(int shard, long now, TimeSpan idle) => _sizes[shard] = _ownership.Shards[shard].Evict(memory =>
    {
        var unused = _time.GetElapsedTime(memory.LastUsed, now);
        if (unused >= s_cold) memory.Cool();
        return unused >= idle;
    });

    private void Total()
    {
        var (bytes, groups) = (0L, 0);
        foreach (var size in _sizes) (bytes, groups) = (bytes + size.Bytes + (size.Groups * OverheadBytes), groups + size.Groups);
        (Bytes, Groups) = (bytes, groups);
    }

    private async Task EachAsync(TimeSpan pause, Func<Task> action)
    {
        try
        {
            while (true)
            {
                await Task.Delay(pause, _time, _stopping.Token);
                await action();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The host stops; the shards have been passed on or flushed before.
        }
    }

    private async Task AnyAsync(Task changed, TimeSpan most, CancellationToken cancellationToken)
    {
        try
        {
            await changed.Here().WaitAsync(most, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The caller looks at the time itself.
        }
    }
}
