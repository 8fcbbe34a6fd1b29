namespace Stateside.Testing;

/// <summary>
/// A clock that stands still until the test moves it, with timers. Timestamps count at 80 MHz from an odd start, so that code which takes
/// them for ticks, or 0 for "not set", is found out; all spans are exact nevertheless.
/// </summary>
/// <param name="start">The time at the beginning; default: 2030-01-01T00:00:00Z.</param>
public sealed class ManualClock(DateTimeOffset? start = null) : TimeProvider
{
    private const long TimestampsPerTick = 8;
    private const long FirstTimestamp = 987_654_321;
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _start = start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private TaskCompletionSource _armed = NewSignal();
    private TimeSpan _elapsed;
    private long _order;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimestampsPerTick * TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return _start + _elapsed;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => FirstTimestamp + (TimestampsPerTick * Elapsed.Ticks);

    /// <summary>How far the clock has been moved.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            lock (_lock) return _elapsed;
        }
    }

    /// <summary>Timers that are set and have not fired.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _timers.Count;
        }
    }

    /// <summary>
    /// Moves the clock on. Timers that come due fire on this thread, in the order of their times, and each sees the clock at its own time.
    /// What awaits a timer may go on elsewhere and later: wait for what it does.
    /// </summary>
    /// <param name="by">0 or more.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var end = Elapsed + by;
        while (NextDue(end) is { } timer) timer.Fire();
        lock (_lock) _elapsed = end;
    }

    /// <summary>
    /// Changes what the clock shows, as somebody does who sets it: forward or back, at once. Timers and timestamps do not notice.
    /// </summary>
    public void SetUtcNow(DateTimeOffset time)
    {
        lock (_lock) _start = time - _elapsed;
    }

    /// <summary>Waits until somebody waits for this clock.</summary>
    /// <returns>How long it is until the first timer comes due: what to <see cref="Advance"/> by.</returns>
    public async Task<TimeSpan> NextWaitAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task armed;
            lock (_lock)
            {
                if (_timers.Count > 0) return _timers.Min(t => t.Due) - _elapsed;
                armed = _armed.Task;
            }
            await armed.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? NextDue(TimeSpan end)
    {
        lock (_lock)
        {
            var next = _timers.MinBy(t => (t.Due, t.Order));
            if (next is null || next.Due > end) return null;
            _elapsed = next.Due;
            if (next.Period == Timeout.InfiniteTimeSpan) _timers.Remove(next);
            else next.Due += next.Period;
            return next;
        }
    }

    private bool Set(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            if (timer.IsDisposed) return false;
            _timers.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
            // A period of 0 means once, as for the system's timers.
            timer.Period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
            (timer.Due, timer.Order) = (_elapsed + dueTime, _order++);
            _timers.Add(timer);
            _armed.TrySetResult();
            _armed = NewSignal();
            return true;
        }
    }

    private void Remove(ManualTimer timer)
    {
        lock (_lock)
        {
            timer.IsDisposed = true;
            _timers.Remove(timer);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Due { get; set; }

        public TimeSpan Period { get; set; }

        public long Order { get; set; }

        public bool IsDisposed { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (!clock.Set(this, dueTime, period)) return false;
            if (dueTime == TimeSpan.Zero) clock.Advance(TimeSpan.Zero);
            return true;
        }

        public void Dispose() => clock.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
