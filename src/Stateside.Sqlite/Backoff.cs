namespace Stateside.Sqlite;

/// <summary>
/// How a connection waits for another process to let go of the lock: short random moments, so that of two busy processes
/// each finds the gaps of the other. SQLite's own waiting grows longer with each try and starved one of two for seconds.
/// </summary>
/// <remarks>The moments are real ones, not those of the store's clock: they wait for another process, and a clock that a test holds still would make them endless.</remarks>
internal struct Backoff(Random random)
{
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_spinning = TimeSpan.FromMilliseconds(100);
    private static readonly ManualResetEventSlim s_never = new(initialState: false, spinCount: 0);
    private long _started;

    /// <summary>Waits a moment; false once <see cref="LongestWait"/> has passed since the first.</summary>
    public bool Wait()
    {
        var now = TimeProvider.System.GetTimestamp();
        if (_started == 0) _started = now;
        var waited = TimeProvider.System.GetElapsedTime(_started, now);
        if (waited > LongestWait) return false;

        // A transaction of the other takes some 100 microseconds and no timer is that fine, so a short wait spins and
        // gives way. Who waits long waits for a long transaction, and need not burn a core.
        if (waited > s_spinning && random.Next(4) != 0)
        {
            s_never.Wait(TimeSpan.FromMilliseconds(1));
            return true;
        }
        var moment = TimeSpan.FromMicroseconds(random.Next(20, 400));
        while (TimeProvider.System.GetElapsedTime(now) < moment) Thread.Yield();
        return true;
    }
}
