using System.Runtime.InteropServices;

namespace Stateside.Sqlite;

/// <summary>
/// How a connection waits for another process to let go of the lock: short random moments, so that of two busy processes
/// each finds the gaps of the other. SQLite's own waiting grows longer with each try and starved one of two for seconds.
/// </summary>
/// <remarks>The moments are real ones, not those of the store's clock: they wait for another process, and a clock that a test holds still would make them endless.</remarks>
internal partial struct Backoff(Random random)
{
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_eager = TimeSpan.FromMilliseconds(100);
    private static readonly ManualResetEventSlim s_never = new(initialState: false, spinCount: 0);
    private long _started;

    /// <summary>Waits a moment; false once <see cref="LongestWait"/> has passed since the first.</summary>
    public bool Wait()
    {
        var now = TimeProvider.System.GetTimestamp();
        if (_started == 0) _started = now;
        var waited = TimeProvider.System.GetElapsedTime(_started, now);
        if (waited > LongestWait) return false;

        // A transaction of the other takes some 100 microseconds. Who has waited long waits for a long one, and need not look so often.
        Sleep(random.Next(20, waited < s_eager ? 400 : 2000), now);
        return true;
    }

    /// <summary>
    /// .NET sleeps whole milliseconds, in which the other has come back many times. Unix sleeps finer; elsewhere a short moment
    /// is spent giving way, which costs the processor that the other may need.
    /// </summary>
    private static void Sleep(int microseconds, long now)
    {
        if (!OperatingSystem.IsWindows()) _ = usleep((uint)microseconds);
        else if (microseconds >= 1000) s_never.Wait(TimeSpan.FromMilliseconds(1));
        else
        {
            var moment = TimeSpan.FromMicroseconds(microseconds);
            while (TimeProvider.System.GetElapsedTime(now) < moment) Thread.Yield();
        }
    }

    [LibraryImport("libc")]
    private static partial int usleep(uint microseconds);
}
