namespace Stateside.Simulator;

/// <summary>
/// The clock of one process. Its timestamps never jump and go on while the process is paused, a little faster or slower than those of others;
/// the time of day can be set by anybody at any moment, by hours.
/// </summary>
/// <param name="process">Whose timers they are.</param>
/// <param name="drift">How much faster it runs, in millionths; negative: slower.</param>
internal sealed class SimClock(SimProcess process, int drift) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How wrong the time of day is.</summary>
    public TimeSpan Wrong { get; set; }

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => Local(Scheduler.Now);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromTicks(Scheduler.Now) + Wrong;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private long Local(long time) => time + (time / 1_000 * drift / 1_000);

    /// <summary>The first moment at which so much time has passed on this clock.</summary>
    private long DueAfter(TimeSpan local)
    {
        var (begun, due) = (Scheduler.Now, Local(Scheduler.Now) + local.Ticks);
        var at = begun + (long)(local.Ticks / (1 + (drift / 1_000_000.0)));
        while (Local(at) < due) at++;
        return at;
    }

    private sealed class Timer(SimClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private int _set;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_isDisposed || clock.Scheduler.IsForeign()) return false;
            _set++;
            // A period of 0 means once, as for the system's timers.
            _period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
            if (dueTime != Timeout.InfiniteTimeSpan) Enqueue(dueTime);
            return true;
        }

        public void Dispose()
        {
            _isDisposed = true;
            _set++;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Enqueue(TimeSpan dueTime)
        {
            var set = _set;
            clock.Scheduler.At(clock.DueAfter(dueTime), clock.Process, _ => Fire(set), null);
        }

        private void Fire(int set)
        {
            if (set != _set) return;
            if (_period != Timeout.InfiniteTimeSpan) Enqueue(_period);
            callback(state);
        }
    }

    private SimProcess Process => process;

    private Scheduler Scheduler => process.Scheduler;
}
