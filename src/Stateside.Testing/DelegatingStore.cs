using Stateside.Stores;

namespace Stateside.Testing;

/// <summary>A store that hands every verb on to another; what is built on it changes only the verbs it is about.</summary>
/// <param name="inner">The store behind it. It is disposed with this one.</param>
public abstract class DelegatingStore(IStore inner) : IStore
{
    /// <summary>The store behind this one.</summary>
    protected IStore Inner { get; } = inner ?? throw new ArgumentNullException(nameof(inner));

    /// <inheritdoc/>
    public virtual ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => Inner.OpenAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) => Inner.LoadAsync(request, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => Inner.CommitAsync(commit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        Inner.ListAsync(group, limit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        Inner.ReadJournalAsync(key, after, limit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => Inner.FindDueAsync(limit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => Inner.CleanUpAsync(limit, cancellationToken);

    /// <inheritdoc/>
    public virtual void Watch(IStoreWatcher watcher) => Inner.Watch(watcher);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await Inner.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
