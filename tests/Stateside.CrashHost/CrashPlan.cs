using System.Diagnostics;

namespace Stateside.CrashHost;

/// <summary>Where in a turn the process can be made to die.</summary>
internal enum CrashPoint
{
    None,

    /// <summary>A load is asked for.</summary>
    BeforeLoad,

    /// <summary>The load is answered, the handler has not run.</summary>
    AfterLoad,

    /// <summary>The handler has run, a commit is asked for.</summary>
    BeforeCommit,

    /// <summary>So many microseconds after the store began to commit.</summary>
    DuringCommit,

    /// <summary>SQLite has written so many times to its files for the commit.</summary>
    AfterWrite,

    /// <summary>As <see cref="AfterWrite"/>, but only half of the last write has reached the file.</summary>
    TornWrite,

    /// <summary>The commit is done, the reply has not begun.</summary>
    AfterCommit,

    /// <summary>Half of the reply's content has been sent. Nothing more is, and who has got it kills the process.</summary>
    HalfReply,
}

/// <summary>When this process kills itself: armed over HTTP, it goes off once.</summary>
internal sealed class CrashPlan
{
    private volatile CrashPoint _point;
    private int _count;
    private int _amount;

    /// <summary>A number that the point takes: microseconds, or writes.</summary>
    public int Amount => _amount;

    /// <summary>Arms it.</summary>
    /// <param name="point">Where.</param>
    /// <param name="occurrence">How many times the turn comes there, from 1: a handler that calls outside commits twice.</param>
    /// <param name="amount">See <see cref="Amount"/>.</param>
    public void Arm(CrashPoint point, int occurrence, int amount)
    {
        (_count, _amount) = (occurrence, amount);
        _point = point;
    }

    public bool IsArmed(CrashPoint point) => _point == point;

    /// <summary>Says that a turn has come to a point. True if this is the time.</summary>
    public bool Comes(CrashPoint point) => _point == point && Interlocked.Decrement(ref _count) == 0;

    /// <summary>Dies if this is the time.</summary>
    public void Pass(CrashPoint point)
    {
        if (Comes(point)) Die();
    }

    /// <summary>SIGKILL: no handler, no flush, no farewell to the database.</summary>
    public static void Die()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
