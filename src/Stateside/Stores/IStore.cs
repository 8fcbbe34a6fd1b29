namespace Stateside.Stores;

/// <summary>
/// Where commits become durable. Eight verbs, none optional: what a store cannot do it declares in
/// <see cref="StoreCapabilities"/>, and start-up compares that with what the states need.
/// </summary>
/// <remarks>
/// <see cref="MemoryStore"/> is the reference: read it first when you write another. The rules every store keeps:
/// <list type="number">
/// <item>A commit is atomic: rows, events, receipt, effects and fence change together or not at all, also under <c>kill -9</c>.</item>
/// <item>The checks come in this order: fence, receipt, versions. Nothing is written unless all hold.</item>
/// <item>A failure says what it knows: <see cref="StoreException.Applied"/> is <see cref="Applied.No"/> only when nothing can
/// have been written, and <see cref="Applied.Unknown"/> whenever the answer was lost on the way.</item>
/// <item>Time to live runs on the store's clock. A row past it is answered as absent, with the version it had.</item>
/// <item>A body of more bytes than <see cref="StoreCapabilities.MaxBodyBytes"/> is refused, with nothing written: <see cref="Commit.EnsureFits"/>.</item>
/// <item>Every text and every byte that comes in is data; none of it is ever part of a statement.</item>
/// </list>
/// All members may be called from many threads at once.
/// </remarks>
public interface IStore : IAsyncDisposable
{
    /// <summary>Connects, creates or upgrades what the store needs, and says what it can do. Called once, before every other verb.</summary>
    /// <exception cref="StoreException">The store cannot be used; the message says why and what to do.</exception>
    ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Reads rows and, if asked for, one receipt, in one trip and as of one moment. Keys may be of several groups.</summary>
    ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken);

    /// <summary>Writes one group, atomically, in one trip.</summary>
    ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken);

    /// <summary>The keys of all rows that a group holds, in order of name and item, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken);

    /// <summary>The events of one key with numbers above <paramref name="after"/>, ascending, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken);

    /// <summary>The effects whose time has come by the store's clock, oldest first, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Removes what has expired: at most <paramref name="limit"/> rows, receipts and tombstones together, so that it never holds the store for long.</summary>
    /// <returns>How many were removed; fewer than <paramref name="limit"/> means that nothing is left to remove.</returns>
    ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// From now on tells of changes to the rows that this store loads, whoever makes them, as far as the store can
    /// (<see cref="StoreCapabilities.Watchable"/>); one that cannot does nothing. Called at most once, after <see cref="OpenAsync"/>.
    /// </summary>
    void Watch(IStoreWatcher watcher);
}

/// <summary>Hears of changes in a store. What it hears is a hint: it may come late, twice, or also to the one who made the change.</summary>
public interface IStoreWatcher
{
    /// <summary>The row was written, deleted or has expired. Called from the store's own thread, so it returns at once and throws nothing.</summary>
    void Changed(StateKey key);

    /// <summary>Any row may have changed: the store was away, or could not say which.</summary>
    void AnyChanged();
}
