using System.Diagnostics;
using Stateside.Testing;

namespace Stateside.CrashHost;

/// <summary>Where the process can be made to die, beside the steps of <see cref="CrashStep"/>.</summary>
internal enum CrashPoint
{
    None,

    /// <summary>So many microseconds after the store was given a commit.</summary>
    WhileCommitting,

    /// <summary>SQLite has written so many times to its files for the commit.</summary>
    AfterWrite,

    /// <summary>As <see cref="AfterWrite"/>, but only half of the last write has reached the file.</summary>
    TornWrite,

    /// <summary>Half of the reply's content has been sent. Nothing more is, and who has got it kills the process.</summary>
    HalfReply,
}

/// <summary>When this process kills itself: armed over HTTP, it goes off once.</summary>
internal sealed class CrashPlan
{
    private int _point;

    /// <summary>A number that the point takes: microseconds, or writes.</summary>
    public int Amount { get; private set; }

    public void Arm(CrashPoint point, int amount)
    {
        Amount = amount;
        Volatile.Write(ref _point, (int)point);
    }

    /// <summary>Whether this is the point. True once.</summary>
    public bool Take(CrashPoint point) => Interlocked.CompareExchange(ref _point, (int)CrashPoint.None, (int)point) == (int)point;

    /// <summary>SIGKILL: no handler, no flush, no farewell to the database.</summary>
    public static void Die()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
