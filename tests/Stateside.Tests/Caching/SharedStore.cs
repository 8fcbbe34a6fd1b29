using Stateside.Stores;

namespace Stateside.Tests.Caching;

/// <summary>One store that several processes use.</summary>
internal sealed class SharedStore(TimeProvider time)
{
    public MemoryStore Inner { get; } = new(time);

    public List<NodeStore> Nodes { get; } = [];

    /// <summary>Called after each commit, before anybody else comes.</summary>
    public Func<ValueTask>? AfterCommit { get; set; }

    public async ValueTask<Row> RowAsync(StateKey key) => (await Inner.LoadAsync(new LoadRequest([key]), default)).Rows[0];

    /// <summary>A change past every node, of which nobody is told.</summary>
    public ValueTask<CommitResult> ApplyAsync(Commit commit) => Inner.CommitAsync(commit, default);

    public async ValueTask DeleteAsync(StateKey key) =>
        await ApplyAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Delete, (await RowAsync(key)).Version)] });
}

/// <summary>The shared store as one process sees it: trips are counted, held up and lost, and changes of others are told, or not.</summary>
internal sealed class NodeStore : IStore
{
    private readonly SharedStore _shared;

    public NodeStore(SharedStore shared)
    {
        _shared = shared;
        shared.Nodes.Add(this);
    }

    public List<LoadRequest> Loads { get; } = [];

    public List<Commit> Commits { get; } = [];

    public (int Loads, int Commits) Trips => (Loads.Count, Commits.Count);

    public IStoreWatcher? Watcher { get; private set; }

    /// <summary>Whether this process hears of the changes of others.</summary>
    public bool HearsOthers { get; set; } = true;

    /// <summary>Whether it hears of its own changes too, before their answer.</summary>
    public bool HearsItself { get; set; }

    /// <summary>Called once, before the next load or commit reaches the store.</summary>
    public Func<ValueTask>? BeforeTrip { get; set; }

    /// <summary>Called once, when the store has answered the next load or commit and the answer is still on its way.</summary>
    public Func<ValueTask>? BeforeAnswer { get; set; }

    /// <summary>The answer to the next commit is lost; the store has applied it.</summary>
    public bool LosesAnswer { get; set; }

    /// <summary>The rows of the last load or commit as the store held them when it came.</summary>
    public Dictionary<StateKey, Row> Seen { get; } = [];

    public void Forget()
    {
        Loads.Clear();
        Commits.Clear();
    }

    public async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        Loads.Add(request);
        await TakeAsync(before: true);
        await SeeAsync(request.Keys);
        var result = await _shared.Inner.LoadAsync(request, cancellationToken);
        await TakeAsync(before: false);
        return result;
    }

    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        Commits.Add(commit);
        await TakeAsync(before: true);
        if (commit.Rows.Any(r => r.Change != RowChange.Touch)) await SeeAsync([.. commit.Rows.Select(r => r.Key)]);
        var result = await _shared.Inner.CommitAsync(commit, cancellationToken);
        if (_shared.AfterCommit is { } after) await after();
        if (result == CommitResult.Committed) Tell(commit);
        await TakeAsync(before: false);
        if (!LosesAnswer) return result;
        LosesAnswer = false;
        throw new StoreException("The connection broke.", Applied.Unknown);
    }

    public void Watch(IStoreWatcher watcher)
    {
        Assert.Null(Watcher);
        Watcher = watcher;
    }

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => _shared.Inner.OpenAsync(cancellationToken);

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) => _shared.Inner.ListAsync(group, limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        _shared.Inner.ReadJournalAsync(key, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => _shared.Inner.FindDueAsync(limit, cancellationToken);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => _shared.Inner.CleanUpAsync(limit, cancellationToken);

    public ValueTask DisposeAsync() => default;

    private void Tell(Commit commit)
    {
        foreach (var row in commit.Rows.Where(r => r.Change is RowChange.Put or RowChange.Delete))
            foreach (var node in _shared.Nodes.Where(n => n == this ? n.HearsItself : n.HearsOthers))
                node.Watcher?.Changed(row.Key);
    }

    private async ValueTask SeeAsync(IReadOnlyList<StateKey> keys)
    {
        foreach (var key in keys) Seen[key] = await _shared.RowAsync(key);
    }

    private async ValueTask TakeAsync(bool before)
    {
        var step = before ? BeforeTrip : BeforeAnswer;
        if (before) BeforeTrip = null;
        else BeforeAnswer = null;
        if (step is not null) await step();
    }
}
