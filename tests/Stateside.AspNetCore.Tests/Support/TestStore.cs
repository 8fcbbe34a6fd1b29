using System.Collections.Concurrent;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Support;

/// <summary>
/// The reference store behind a decorator: counts trips, keeps what was committed, forces conflicts, fails, and holds trips
/// until a test lets them go.
/// </summary>
internal sealed class TestStore(TimeProvider? time = null) : IStore
{
    private readonly MemoryStore _inner = new(time ?? TimeProvider.System);
    private int _loads;
    private int _commits;
    private int _conflicts;

    public MemoryStore Inner => _inner;

    /// <summary>Trips made to load, and to commit.</summary>
    public int Loads => Volatile.Read(ref _loads);

    public int Commits => Volatile.Read(ref _commits);

    /// <summary>Every commit that was sent, also those that failed.</summary>
    public ConcurrentQueue<Commit> Sent { get; } = new();

    /// <summary>How many of the next commits that write rows are answered as conflicts.</summary>
    public int Conflicts
    {
        get => Volatile.Read(ref _conflicts);
        set => Volatile.Write(ref _conflicts, value);
    }

    /// <summary>Called before each load; may wait, fail or change the store.</summary>
    public Func<LoadRequest, Task>? BeforeLoad { get; set; }

    /// <summary>Called before each commit.</summary>
    public Func<Commit, Task>? BeforeCommit { get; set; }

    /// <summary>Called after each commit was applied, before it is answered.</summary>
    public Func<Commit, CommitResult, Task>? AfterCommit { get; set; }

    public static Task Fail(Applied applied) => throw new StoreException("The test's store fails: secret-detail.", applied);

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => _inner.OpenAsync(cancellationToken);

    public async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _loads);
        if (BeforeLoad is { } before) await before(request).WaitAsync(cancellationToken);
        return await _inner.LoadAsync(request, cancellationToken);
    }

    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _commits);
        Sent.Enqueue(commit);
        if (BeforeCommit is { } before) await before(commit);
        if (commit.Rows.Any(r => r.Change != RowChange.Touch) && TakeConflict())
        {
            var now = await _inner.LoadAsync(new LoadRequest([.. commit.Rows.Select(r => r.Key)]), CancellationToken.None);
            return new CommitResult.Conflict(now.Rows);
        }
        var result = await _inner.CommitAsync(commit, cancellationToken);
        if (AfterCommit is { } after) await after(commit, result);
        return result;
    }

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        _inner.ListAsync(group, limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        _inner.ReadJournalAsync(key, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => _inner.FindDueAsync(limit, cancellationToken);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => _inner.CleanUpAsync(limit, cancellationToken);

    /// <summary>Whether nobody is told of changes, as if all word of them were lost.</summary>
    public bool TellsNobody { get; init; }

    public void Watch(IStoreWatcher watcher)
    {
        if (!TellsNobody) _inner.Watch(watcher);
    }

    public ValueTask DisposeAsync() => default;

    private bool TakeConflict()
    {
        if (Interlocked.Decrement(ref _conflicts) >= 0) return true;
        Interlocked.Increment(ref _conflicts);
        return false;
    }
}

/// <summary>A gate at which trips wait until the test opens it, and that tells when somebody has come.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly System.Threading.Channels.Channel<bool> _arrived = System.Threading.Channels.Channel.CreateUnbounded<bool>();

    public Task WaitAsync()
    {
        Pass();
        return _opened.Task;
    }

    /// <summary>Tells that somebody has come, without holding them.</summary>
    public void Pass() => _arrived.Writer.TryWrite(true);

    public void Open() => _opened.TrySetResult();

    public async Task ArrivedAsync(int count = 1)
    {
        for (var i = 0; i < count; i++)
            await _arrived.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }
}
