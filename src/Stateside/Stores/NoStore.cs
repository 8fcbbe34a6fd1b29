namespace Stateside.Stores;

/// <summary>
/// No store at all, <c>none:</c>, for an application whose every state lives with the client. It loads nothing and takes no commit;
/// start-up and the endpoints see to it that none is asked for.
/// </summary>
internal sealed class NoStore : IStore
{
    public const string Name = "none";

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) =>
        new(new StoreCapabilities(Name, Durability.None, StoreReach.Process, Watchable: false, MaxBodyBytes: int.MaxValue, []));

    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) =>
        new(new LoadResult([.. request.Keys.Select(key => Row.Absent(key))], null));

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) =>
        throw new StoreException("There is no store (none:), so nothing can be written.", Applied.No);

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) => new([]);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) => new([]);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => new([]);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => new(0);

    public void Watch(IStoreWatcher watcher) { }

    public ValueTask DisposeAsync() => default;
}

/// <inheritdoc/>
internal sealed class NoStoreProvider : IStoreProvider
{
    public string Scheme => NoStore.Name;

    public string Example => "none:";

    public IStore Create(string url, TimeProvider time) =>
        url.Length == NoStore.Name.Length + 1 ? new NoStore() : throw new FormatException("Nothing may follow the colon.");
}
