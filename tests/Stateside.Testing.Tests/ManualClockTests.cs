namespace Stateside.Testing.Tests;

public sealed class ManualClockTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void It_stands_still_until_it_is_moved()
    {
        var (now, stamp) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        Assert.Equal((now, stamp), (_clock.GetUtcNow(), _clock.GetTimestamp()));
        _clock.Advance(TimeSpan.FromTicks(12_345_678_901));
        Assert.Equal(now.AddTicks(12_345_678_901), _clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromTicks(12_345_678_901), _clock.GetElapsedTime(stamp));
    }

    [Fact]
    public void Its_timestamps_are_neither_ticks_nor_those_of_the_stopwatch()
    {
        var stamp = _clock.GetTimestamp();
        Assert.NotEqual(0, stamp);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(TimeSpan.TicksPerSecond, _clock.GetTimestamp() - stamp);
        Assert.NotEqual(TimeProvider.System.TimestampFrequency, _clock.TimestampFrequency);
    }

    [Fact]
    public void Timers_fire_in_the_order_of_their_times_and_see_their_own()
    {
        var fired = new List<(string, TimeSpan)>();
        using var late = _clock.CreateTimer(_ => fired.Add(("late", _clock.Elapsed)), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        using var early = _clock.CreateTimer(_ => fired.Add(("early", _clock.Elapsed)), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromSeconds(3.5));
        Assert.Equal([("early", 1), ("early", 2), ("late", 3), ("early", 3)], fired.Select(f => (f.Item1, (int)f.Item2.TotalSeconds)));
        Assert.Equal(TimeSpan.FromSeconds(3.5), _clock.Elapsed);
    }

    [Fact]
    public void A_timer_that_is_changed_or_disposed_does_not_fire_as_it_was_set()
    {
        var fired = 0;
        var timer = _clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        Assert.True(timer.Change(TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan));
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(0, fired);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, fired);
        timer.Change(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        timer.Dispose();
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, fired);
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public async Task Delays_and_time_outs_run_on_it()
    {
        var delay = Task.Delay(TimeSpan.FromMinutes(1), _clock);
        using var source = new CancellationTokenSource(TimeSpan.FromMinutes(2), _clock);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(delay.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await delay.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(source.IsCancellationRequested);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(source.IsCancellationRequested);
    }

    [Fact]
    public async Task It_tells_when_somebody_waits_and_for_how_long()
    {
        var waiting = _clock.NextWaitAsync();
        Assert.False(waiting.IsCompleted);
        var delay = Task.Delay(TimeSpan.FromSeconds(7), _clock);
        Assert.Equal(TimeSpan.FromSeconds(7), await waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(4), await _clock.NextWaitAsync());
        _clock.Advance(TimeSpan.FromSeconds(4));
        await delay;
    }

    [Fact]
    public void What_it_shows_can_be_set_and_timers_do_not_notice()
    {
        var (fired, before) = (0, _clock.GetTimestamp());
        using var timer = _clock.CreateTimer(_ => fired++, null, TimeSpan.FromMinutes(1), Timeout.InfiniteTimeSpan);
        _clock.SetUtcNow(_clock.GetUtcNow() - TimeSpan.FromHours(5));
        Assert.Equal((new DateTimeOffset(2029, 12, 31, 19, 0, 0, TimeSpan.Zero), before), (_clock.GetUtcNow(), _clock.GetTimestamp()));
        _clock.SetUtcNow(_clock.GetUtcNow() + TimeSpan.FromHours(9));
        Assert.Equal((0, 1), (fired, _clock.Waiting));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((1, 0), (fired, _clock.Waiting));
    }

    [Fact]
    public void Time_does_not_go_back() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(TimeSpan.FromTicks(-1)));
}
