using Stateside.Stores;
using Stateside.Testing;

namespace Stateside.Simulation.Tests;

/// <summary>Does not compare versions: whoever commits last wins.</summary>
internal sealed class VersionBlindStore(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        var current = await Inner.LoadAsync(new LoadRequest([.. commit.Rows.Select(r => r.Key)]), cancellationToken);
        return await Inner.CommitAsync(commit with { Rows = [.. commit.Rows.Select((r, i) => r with { Expected = current.Rows[i].Version })] }, cancellationToken);
    }
}

/// <summary>Does not know fences.</summary>
internal sealed class FenceBlindStore(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) =>
        Inner.CommitAsync(commit with { Fence = null }, cancellationToken);
}

/// <summary>A new owner that does not tell the store of its epoch before it reads.</summary>
internal sealed class UnraisedStore(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) =>
        RaisesOnly(commit) ? new(CommitResult.Committed) : Inner.CommitAsync(commit, cancellationToken);

    public static bool RaisesOnly(Commit commit) => commit is { Fence: not null, Rows.Count: 0, Receipt: null };
}

/// <summary>A new owner that tells the store of its epoch a little after it has begun to read.</summary>
internal sealed class LateRaisingStore(IStore inner) : DelegatingStore(inner)
{
    private const int Trips = 100;

    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        if (!UnraisedStore.RaisesOnly(commit)) return Inner.CommitAsync(commit, cancellationToken);
        _ = RaiseAsync(commit);
        return new(CommitResult.Committed);
    }

    private async Task RaiseAsync(Commit commit)
    {
        try
        {
            for (var i = 0; i < Trips; i++) await Inner.LoadAsync(new LoadRequest([]), CancellationToken.None);
            await Inner.CommitAsync(commit, CancellationToken.None);
        }
        catch (StoreException)
        {
            // Nobody hears of it any more.
        }
    }
}

/// <summary>A client that writes the receipt in a commit of its own, after the rows.</summary>
internal sealed class ReceiptApartStore(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        if (commit.Receipt is not { } receipt || commit.Rows.Count == 0) return await Inner.CommitAsync(commit, cancellationToken);
        var there = await Inner.LoadAsync(new LoadRequest([], new ReceiptKey(commit.Group, receipt.Id)), cancellationToken);
        if (there.Receipt is not null) return new CommitResult.AlreadyRecorded(there.Receipt);
        var result = await Inner.CommitAsync(commit with { Receipt = null }, cancellationToken);
        return result == CommitResult.Committed ? await Inner.CommitAsync(new Commit(commit.Group, commit.Turn) { Receipt = receipt }, cancellationToken) : result;
    }
}

/// <summary>A client that says "committed" before the store has said it.</summary>
internal sealed class HastyStore(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        _ = SendAsync(commit);
        return new(CommitResult.Committed);
    }

    private async Task SendAsync(Commit commit)
    {
        try
        {
            await Inner.CommitAsync(commit, CancellationToken.None);
        }
        catch (StoreException)
        {
            // Nobody hears of it any more.
        }
    }
}

/// <summary>A client that says "not applied" whenever it does not know.</summary>
internal sealed class OverconfidentStore(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        try
        {
            return await Inner.CommitAsync(commit, cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreException(e.Message, Applied.No, e);
        }
    }
}

/// <summary>Answers every second load that brings no receipt with rows that it has read before, as a replica that is behind does.</summary>
internal sealed class StaleStore(IStore inner) : DelegatingStore(inner)
{
    private readonly Dictionary<StateKey, Row> _read = [];
    private int _loads;

    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        var result = await Inner.LoadAsync(request, cancellationToken);
        if (_loads++ % 2 == 0) return result with { Rows = [.. result.Rows.Select(r => _read.GetValueOrDefault(r.Key, r))] };
        foreach (var row in result.Rows) _read[row.Key] = row;
        return result;
    }
}

/// <summary>Loses a row now and then, as a cache that takes itself for a store does.</summary>
internal sealed class ForgetfulStore(IStore inner) : DelegatingStore(inner)
{
    private int _commits;

    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        var result = await Inner.CommitAsync(commit, cancellationToken);
        if (result != CommitResult.Committed || ++_commits % 50 != 0 || commit.Rows is not [{ Change: RowChange.Put } row, ..]) return result;
        return await Inner.CommitAsync(new Commit(commit.Group, TurnId.New()) { Rows = [new RowWrite(row.Key, RowChange.Delete, row.Expected.Next(commit.Turn))] }, cancellationToken);
    }
}

/// <summary>A client that never comes back once a call has failed.</summary>
internal sealed class StuckStore(IStore inner) : DelegatingStore(inner)
{
    private bool _isStuck;

    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        if (_isStuck) await new TaskCompletionSource().Task;
        try
        {
            return await Inner.CommitAsync(commit, cancellationToken);
        }
        catch (StoreException)
        {
            _isStuck = true;
            throw;
        }
    }
}
