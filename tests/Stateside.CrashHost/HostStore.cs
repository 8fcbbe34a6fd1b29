using System.Diagnostics;
using Stateside.Stores;

namespace Stateside.CrashHost;

/// <summary>The store under test with what a test can do to it: count its trips, slow it down, die at each step, forget receipts.</summary>
internal sealed class HostStore(IStore inner, CrashPlan plan, HostSettings options) : IStore
{
    private int _loads;
    private int _commits;

    public Trips Trips => new(Volatile.Read(ref _loads), Volatile.Read(ref _commits));

    /// <summary>How long a trip takes in addition.</summary>
    public TimeSpan Delay { get; set; }

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => inner.OpenAsync(cancellationToken);

    public async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _loads);
        plan.Pass(CrashPoint.BeforeLoad);
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, cancellationToken);
        var loaded = await inner.LoadAsync(options.ForgetReceipts ? request with { Receipt = null } : request, cancellationToken);
        plan.Pass(CrashPoint.AfterLoad);
        return loaded;
    }

    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _commits);
        plan.Pass(CrashPoint.BeforeCommit);
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, cancellationToken);
        if (plan.Comes(CrashPoint.DuringCommit)) DieIn(plan.Amount);
        using var counted = SqliteWrites.Count(plan);
        var result = await inner.CommitAsync(options.ForgetReceipts ? commit with { Receipt = null } : commit, cancellationToken);
        plan.Pass(CrashPoint.AfterCommit);
        return result;
    }

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        inner.ListAsync(group, limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        inner.ReadJournalAsync(key, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => inner.FindDueAsync(limit, cancellationToken);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => inner.CleanUpAsync(limit, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Spins, because the commit is over before a timer would fire.</summary>
    private static void DieIn(int microseconds)
    {
        var begun = Stopwatch.GetTimestamp();
        new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(begun).TotalMicroseconds < microseconds) Thread.SpinWait(10);
            CrashPlan.Die();
        }).Start();
    }
}

/// <summary>Trips to the store since the start.</summary>
internal sealed record Trips(int Loads, int Commits);

/// <summary>What the command line says.</summary>
/// <param name="ForgetReceipts">Takes receipts out of every trip: the fault that a replay must find.</param>
/// <param name="CounterShape">The version of the counter's shape; 2 makes rows that the shop does not know yet.</param>
/// <param name="OutsideFile">The file that stands for the outside world.</param>
internal sealed record HostSettings(bool ForgetReceipts, int CounterShape, string OutsideFile);
