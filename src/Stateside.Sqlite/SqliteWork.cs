using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>Something for the writer to do inside a transaction, and the caller who waits for it.</summary>
internal abstract class SqliteWork
{
    /// <summary>Bytes of bodies that it holds on to while it waits.</summary>
    public virtual long Bytes => 0;

    /// <summary>Does it. May be called again after a transaction that failed.</summary>
    public abstract void Apply(SqliteTables tables, TimeProvider time);

    /// <summary>Answers the caller: it is on disk.</summary>
    public abstract void Complete();

    /// <summary>Answers the caller: it failed.</summary>
    public abstract void Fail(StoreException e);
}

/// <summary>Work with a result.</summary>
internal abstract class SqliteWork<T> : SqliteWork
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What came of it; counts once it is on disk.</summary>
    protected T? Result { get; private set; }

    /// <summary>Ends when the work is on disk or has failed.</summary>
    public Task<T> Task => _done.Task;

    public override void Apply(SqliteTables tables, TimeProvider time) => Result = Apply(tables, time.GetUtcNow().ToUnixTimeMilliseconds());

    public override void Complete() => _done.SetResult(Result!);

    public override void Fail(StoreException e) => _done.SetException(e);

    protected abstract T Apply(SqliteTables tables, long now);
}

/// <summary>A commit that waits for its transaction.</summary>
internal sealed class CommitWork(Commit commit, RowCache cache) : SqliteWork<CommitResult>
{
    public override long Bytes { get; } = Size(commit);

    public override void Complete()
    {
        // Not before it is on disk. A commit that failed may come again from another process under the same version (a turn
        // that is taken over keeps its id), and then with another content.
        if (Result == CommitResult.Committed) cache.Keep(commit);
        base.Complete();
    }

    protected override CommitResult Apply(SqliteTables tables, long now) => tables.Apply(commit, now);

    private static long Size(Commit commit)
    {
        var bytes = (long)(commit.Receipt?.Body.Length ?? 0);
        foreach (var row in commit.Rows)
        {
            bytes += row.Body.Length;
            foreach (var e in row.Events) bytes += e.Length;
        }
        foreach (var effect in commit.Effects) bytes += effect.Body.Length;
        return bytes;
    }
}

/// <summary>One bounded step of a clean-up.</summary>
internal sealed class CleanUpWork(int limit) : SqliteWork<(int Seen, int Removed)>
{
    protected override (int Seen, int Removed) Apply(SqliteTables tables, long now) => tables.CleanUp(limit, now);
}
