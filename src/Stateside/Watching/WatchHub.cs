using Stateside.Places;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Watching;

/// <summary>
/// All keys that are watched in this process, and whoever tells of their changes: commits of this process, the place Node that knows when they
/// are visible, and the store, as far as it can. What nobody watches costs a comparison.
/// </summary>
/// <param name="store">Where rows and journals are read.</param>
/// <param name="node">States in memory; null where none lives on nodes.</param>
/// <param name="news">What the store tells.</param>
/// <param name="isTold">Whether it tells of changes by itself.</param>
/// <param name="time">Measures pauses.</param>
internal sealed class WatchHub(TurnStore store, NodePlace? node, StoreNews news, bool isTold, TimeProvider time)
{
    /// <summary>How often a store is asked that does not tell of changes: the most that a watcher is behind, but for one load.</summary>
    public static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>How often one is asked nevertheless that does: what it tells is a hint, and may get lost.</summary>
    public static readonly TimeSpan AskToldEvery = TimeSpan.FromSeconds(10);

    /// <summary>How long a commit whose answer was lost may still be on its way.</summary>
    public static readonly TimeSpan SuspectFor = TimeSpan.FromSeconds(11);

    private readonly Lock _gate = new();
    private readonly Dictionary<StateKey, WatchedKey> _keys = [];
    private int _count;
    private volatile bool _isStopping;

    public TimeProvider Time => time;

    /// <summary>How many watch.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Watches the value of a state.</summary>
    /// <exception cref="StatesideException">SS1027: it lives with the client. SS1026: this process stops. SS4007: another node owns it. SS3001: the store does not answer.</exception>
    public async ValueTask<StateWatcher<T>> WatchAsync<T>(StateDefinition<T> definition, StateKey key, StateVersion? from, CancellationToken cancellationToken) where T : class
    {
        var watcher = Open(definition, key, watched => new StateWatcher<T>(this, watched, from, cancellationToken));
        return await OpenedAsync(watcher, watcher.ReadyAsync());
    }

    /// <summary>Watches the events of a folded state.</summary>
    /// <exception cref="StatesideException">The same, and SS1025: the event after <paramref name="from"/> is not kept.</exception>
    public async ValueTask<EventWatcher<T, TEvent>> WatchEventsAsync<T, TEvent>(StateDefinition<T> definition, StateKey key, long from, CancellationToken cancellationToken)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull
    {
        var watcher = Open(definition, key, watched => new EventWatcher<T, TEvent>(this, watched, from, cancellationToken));
        return await OpenedAsync(watcher, watcher.OpenAsync());
    }

    /// <summary>A commit was accepted, and whoever reads its rows finds them as it left them.</summary>
    public void Committed(Commit commit, bool onNode)
    {
        if (Count == 0) return;
        foreach (var row in commit.Rows)
            if (row.Change is RowChange.Put or RowChange.Delete && Find(row.Key, onNode) is { } watched) watched.Committed(row, commit.Turn);
    }

    /// <summary>Rows may have become visible otherwise than by a commit to the store.</summary>
    public void Applied(Commit commit)
    {
        if (Count == 0) return;
        foreach (var row in commit.Rows) Find(row.Key, onNode: true)?.Wake();
    }

    /// <summary>A commit has an unknown outcome.</summary>
    public void Suspect(Commit commit, bool onNode)
    {
        if (Count == 0) return;
        foreach (var row in commit.Rows) Find(row.Key, onNode)?.Suspect();
    }

    /// <summary>The store tells of a change. Of a state in memory only its owner knows what is visible.</summary>
    public void Changed(StateKey key)
    {
        if (Count > 0) Find(key, onNode: false)?.Wake();
    }

    /// <summary>The store tells that anything may have changed.</summary>
    public void AnyChanged()
    {
        foreach (var watched in All())
            if (!watched.IsOnNode) watched.Wake();
    }

    /// <summary>The shard is about to leave this node, or has left it: its watchers go on at the new owner.</summary>
    public void End(int shard)
    {
        if (Count == 0) return;
        foreach (var watched in All())
            if (watched.IsOnNode && watched.Shard == shard) watched.End(Errors.WatchEnded());
    }

    /// <summary>This process stops: watchers of states in the store go on at another. Those of shards end with the shards.</summary>
    public void Stop(bool onNode)
    {
        _isStopping = true;
        foreach (var watched in All())
            if (onNode || !watched.IsOnNode) watched.End(Errors.WatchEnded());
    }

    public void Forget(WatchedKey watched)
    {
        lock (_gate)
        {
            if (_keys.GetValueOrDefault(watched.Key) == watched) _keys.Remove(watched.Key);
        }
    }

    public void Left() => Interlocked.Decrement(ref _count);

    /// <summary>What is committed under a key: from memory where its owner has it, else from the store.</summary>
    public async ValueTask<Row> ReadAsync(WatchedKey watched) =>
        (watched.IsOnNode ? node!.Recall(watched.Key) : null) ?? await store.LoadRowAsync(watched.Key);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        store.ReadJournalAsync(key, after, limit, cancellationToken);

    /// <summary>When to look again, if nobody tells of a change before: nothing tells that a row has expired.</summary>
    public TimeSpan PauseAfter(WatchedKey watched, Row row)
    {
        var pause = watched.IsSuspect || !(watched.IsOnNode || isTold) ? AskEvery : watched.IsOnNode ? Timeout.InfiniteTimeSpan : AskToldEvery;
        if (!row.Exists || row.Remaining is not { } remaining) return pause;
        var end = remaining > AskEvery ? remaining : AskEvery;
        return pause == Timeout.InfiniteTimeSpan || end < pause ? end : pause;
    }

    private TWatcher Open<TWatcher>(StateDefinition definition, StateKey key, Func<WatchedKey, TWatcher> create) where TWatcher : Watcher
    {
        if (definition.Place == Place.Client) throw Errors.NotWatchable(definition.Name);
        if (definition.Place == Place.Store) news.Listen(this);
        while (true)
        {
            var watched = FindOrAdd(definition, key);
            Interlocked.Increment(ref _count);
            var watcher = create(watched);
            if (!watched.TryAdd(watcher))
            {
                watcher.Dispose();
                continue;
            }
            // Asked once it can be found: whoever ends watches now ends this one, and whoever has ended them before is seen here.
            if (definition.Place == Place.Node ? node!.Owns(key.Group) : !_isStopping) return watcher;
            watcher.Dispose();
            throw definition.Place == Place.Node ? Errors.Elsewhere() : Errors.WatchEnded();
        }
    }

    private static async ValueTask<TWatcher> OpenedAsync<TWatcher>(TWatcher watcher, ValueTask opening) where TWatcher : Watcher
    {
        try
        {
            await opening;
            return watcher;
        }
        catch
        {
            watcher.Dispose();
            throw;
        }
    }

    private WatchedKey FindOrAdd(StateDefinition definition, StateKey key)
    {
        lock (_gate)
        {
            if (!_keys.TryGetValue(key, out var watched)) _keys.Add(key, watched = new WatchedKey(key, definition, this));
            return watched;
        }
    }

    private WatchedKey? Find(StateKey key, bool onNode)
    {
        lock (_gate) return _keys.TryGetValue(key, out var watched) && watched.IsOnNode == onNode ? watched : null;
    }

    /// <summary>In an order that does not depend on hashes, so that a simulation can be repeated.</summary>
    private WatchedKey[] All()
    {
        lock (_gate) return [.. _keys.Values];
    }
}
