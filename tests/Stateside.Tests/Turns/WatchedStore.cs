using Stateside.Stores;

namespace Stateside.Tests.Turns;

/// <summary>A memory store that counts its trips and lets a test come between.</summary>
internal sealed class WatchedStore(TimeProvider time) : IStore
{
    private readonly MemoryStore _inner = new(time);

    public List<LoadRequest> Loads { get; } = [];

    public List<Commit> Commits { get; } = [];

    /// <summary>Called instead of the next commits, each once; it may go on to the store.</summary>
    public Queue<Func<Commit, ValueTask<CommitResult>>> OnCommit { get; } = [];

    /// <summary>Called instead of the next loads, each once; it may go on to the store.</summary>
    public Queue<Func<LoadRequest, ValueTask<LoadResult>>> OnLoad { get; } = [];

    public (int Loads, int Commits) Trips => (Loads.Count, Commits.Count);

    public void Forget()
    {
        Loads.Clear();
        Commits.Clear();
    }

    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        lock (Loads) Loads.Add(request);
        return OnLoad.TryDequeue(out var step) ? step(request) : _inner.LoadAsync(request, cancellationToken);
    }

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        lock (Commits) Commits.Add(commit);
        return OnCommit.TryDequeue(out var step) ? step(commit) : _inner.CommitAsync(commit, cancellationToken);
    }

    /// <summary>Goes past the counters, as another process would.</summary>
    public ValueTask<CommitResult> ApplyAsync(Commit commit) => _inner.CommitAsync(commit, default);

    public async ValueTask<Row> RowAsync(StateKey key) => (await _inner.LoadAsync(new LoadRequest([key]), default)).Rows[0];

    public async ValueTask<ReceiptRow?> ReceiptAsync(Group group, ReceiptId id) =>
        (await _inner.LoadAsync(new LoadRequest([], new ReceiptKey(group, id)), default)).Receipt;

    /// <summary>Another turn writes a row before each of the next commits.</summary>
    public void ConflictTimes(int times, StateKey key, byte[] body)
    {
        for (var i = 0; i < times; i++)
            OnCommit.Enqueue(async commit =>
            {
                var version = (await RowAsync(key)).Version;
                await ApplyAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, version) { Body = body }] });
                return await ApplyAsync(commit);
            });
    }

    /// <summary>The answer to the next commit is lost.</summary>
    /// <param name="applies">Whether the store had written it.</param>
    /// <param name="meanwhile">What else happens before anybody looks.</param>
    public void LoseAnswer(bool applies, Func<ValueTask>? meanwhile = null) => OnCommit.Enqueue(async commit =>
    {
        if (applies) await ApplyAsync(commit);
        if (meanwhile is not null) await meanwhile();
        throw new StoreException("The connection broke.", Applied.Unknown);
    });

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => _inner.OpenAsync(cancellationToken);

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) => _inner.ListAsync(group, limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        _inner.ReadJournalAsync(key, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => _inner.FindDueAsync(limit, cancellationToken);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => _inner.CleanUpAsync(limit, cancellationToken);

    public void Watch(IStoreWatcher watcher) => _inner.Watch(watcher);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
