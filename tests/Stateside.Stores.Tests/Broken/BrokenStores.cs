using Stateside.Testing;

namespace Stateside.Stores.Tests.Broken;

#region break
/// <summary>Compares no version: whatever is there is written over, as a plain SET does.</summary>
internal sealed class NoVersionCompare(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        while (true)
        {
            var rows = (await Inner.LoadAsync(new LoadRequest([.. commit.Rows.Select(r => r.Key)]), cancellationToken)).Rows;
            var blind = commit with { Rows = [.. commit.Rows.Select((r, i) => r with { Expected = rows[i].Version })] };
            if (await Inner.CommitAsync(blind, cancellationToken) is var result and not CommitResult.Conflict) return result;
        }
    }
}
#endregion

/// <summary>Records the receipt after the commit, in a commit of its own.</summary>
internal sealed class ReceiptOutsideTheCommit(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        var result = await Inner.CommitAsync(commit with { Receipt = null }, cancellationToken);
        if (result != CommitResult.Committed || commit.Receipt is null) return result;
        return await Inner.CommitAsync(new Commit(commit.Group, commit.Turn) { Receipt = commit.Receipt }, cancellationToken);
    }
}

/// <summary>Takes no notice of the fence.</summary>
internal sealed class EpochIgnored(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => Inner.CommitAsync(commit with { Fence = null }, cancellationToken);
}

/// <summary>Commits row by row, and breaks off at the first that conflicts.</summary>
internal sealed class HalfACommit(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        foreach (var row in commit.Rows.Take(commit.Rows.Count - 1))
            if (await Inner.CommitAsync(new Commit(commit.Group, commit.Turn) { Rows = [row] }, cancellationToken) is var refused && refused != CommitResult.Committed) return refused;
        return await Inner.CommitAsync(commit with { Rows = [.. commit.Rows.TakeLast(1)] }, cancellationToken);
    }
}

/// <summary>Reads row by row, so that a commit in between is seen in part.</summary>
internal sealed class TornLoad(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        var rows = new List<Row>();
        foreach (var key in request.Keys)
        {
            await Task.Yield();
            rows.AddRange((await Inner.LoadAsync(new LoadRequest([key]), cancellationToken)).Rows);
        }
        return new LoadResult(rows, (await Inner.LoadAsync(new LoadRequest([], request.Receipt), cancellationToken)).Receipt);
    }
}

/// <summary>Takes what is gone for what never was: versions begin anew.</summary>
internal sealed class ResurrectedVersions(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        var loaded = await Inner.LoadAsync(request, cancellationToken);
        return loaded with { Rows = [.. loaded.Rows.Select(Forget)] };
    }

    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        var there = (await Inner.LoadAsync(new LoadRequest([.. commit.Rows.Select(r => r.Key)]), cancellationToken)).Rows;
        var result = await Inner.CommitAsync(commit with { Rows = [.. commit.Rows.Select((r, i) => r.Expected.IsNone && !there[i].Exists ? r with { Expected = there[i].Version } : r)] }, cancellationToken);
        return result is CommitResult.Conflict conflict ? new CommitResult.Conflict([.. conflict.Rows.Select(Forget)]) : result;
    }

    private static Row Forget(Row row) => row.Exists ? row : Row.Absent(row.Key);
}

/// <summary>Keeps every row for ever.</summary>
internal sealed class TimeToLiveIgnored(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) =>
        Inner.CommitAsync(commit with { Rows = [.. commit.Rows.Select(r => r with { TimeToLive = null })] }, cancellationToken);
}

/// <summary>Acknowledges every fiftieth commit without writing it.</summary>
internal sealed class LostWriteAcknowledged(IStore inner) : DelegatingStore(inner)
{
    private int _commits;

    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) =>
        Interlocked.Increment(ref _commits) % 50 == 0 ? new(CommitResult.Committed) : Inner.CommitAsync(commit, cancellationToken);
}

/// <summary>Removes ten times as much in one clean-up as it may.</summary>
internal sealed class CleanUpOverItsBound(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => Inner.CleanUpAsync(limit * 10, cancellationToken);
}

/// <summary>Says that nothing is left to clean up while something is.</summary>
internal sealed class CleanUpThatStopsEarly(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => Math.Max(0, await Inner.CleanUpAsync(Math.Min(limit, 3), cancellationToken) - 1);
}

/// <summary>Says of every failed commit that nothing was written.</summary>
internal sealed class UnknownReportedAsNo(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        try
        {
            return await Inner.CommitAsync(commit, cancellationToken);
        }
        catch (StoreException e) when (e.Applied == Applied.Unknown)
        {
            throw new StoreException(e.Message, Applied.No, e);
        }
    }
}

/// <summary>Sends again what it got no answer to, and so takes what it wrote itself for another's.</summary>
internal sealed class BlindRetry(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await Inner.CommitAsync(commit, cancellationToken);
            }
            catch (StoreException) when (tries < 3)
            {
                // As if nothing had been.
            }
        }
    }
}

/// <summary>Answers a load that failed as if nothing were there.</summary>
internal sealed class EmptyOnFailure(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await Inner.LoadAsync(request, cancellationToken);
        }
        catch (StoreException)
        {
            return new LoadResult([.. request.Keys.Select(k => Row.Absent(k))], null);
        }
    }
}

/// <summary>Tells nobody of changes, and says that it does.</summary>
internal sealed class SilentWatch(IStore inner) : DelegatingStore(inner)
{
    public override void Watch(IStoreWatcher watcher) { }
}
