using System.Diagnostics;
using Stateside.Stores;
using Stateside.Testing;

namespace Stateside.CrashHost;

/// <summary>The store under test with what a test can do to it: count its trips, slow it down, forget receipts, die in the middle of a commit.</summary>
internal sealed class HostStore(IStore inner, CrashPlan plan, HostSettings settings) : DelegatingStore(inner)
{
    private int _loads;
    private int _commits;

    public Trips Trips => new(Volatile.Read(ref _loads), Volatile.Read(ref _commits));

    /// <summary>How long a trip takes in addition.</summary>
    public TimeSpan Delay { get; set; }

    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _loads);
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, cancellationToken);
        return await Inner.LoadAsync(settings.ForgetReceipts ? request with { Receipt = null } : request, cancellationToken);
    }

    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _commits);
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, cancellationToken);
        if (plan.Take(CrashPoint.WhileCommitting)) DieIn(plan.Amount);
        using var counted = SqliteWrites.Count(plan);
        return await Inner.CommitAsync(settings.ForgetReceipts ? commit with { Receipt = null } : commit, cancellationToken);
    }

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
