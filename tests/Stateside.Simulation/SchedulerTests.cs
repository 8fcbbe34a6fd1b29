using Stateside.Simulator;

namespace Stateside.Simulation.Tests;

public sealed class SchedulerTests
{
    private readonly Trace _trace = new(isKept: false);

    [Fact]
    public void What_is_due_at_one_moment_runs_in_an_order_that_the_seed_decides()
    {
        Assert.Equal(OrderOf(1), OrderOf(1));
        Assert.NotEqual(OrderOf(1), OrderOf(2));
    }

    [Fact]
    public void A_paused_process_is_held_while_time_goes_on()
    {
        var scheduler = Make();
        var process = new SimProcess(1, "node-1", scheduler);
        var clock = new SimClock(process, drift: 0);
        var heard = TimeSpan.Zero;
        process.Post(async _ =>
        {
            var began = clock.GetTimestamp();
            await Task.Delay(TimeSpan.FromSeconds(1), clock);
            heard = clock.GetElapsedTime(began);
        }, null);
        scheduler.After(TimeSpan.FromMilliseconds(500), process, _ => process.Pause());
        scheduler.After(TimeSpan.FromSeconds(30), new SimProcess(0, "outside", scheduler), _ => process.Resume());
        Run(scheduler);
        Assert.Equal(TimeSpan.FromSeconds(30), heard);
    }

    [Fact]
    public void A_killed_process_never_runs_again()
    {
        var scheduler = Make();
        var process = new SimProcess(1, "node-1", scheduler);
        var ran = 0;
        scheduler.After(TimeSpan.FromSeconds(1), process, _ =>
        {
            ran++;
            process.Kill();
        });
        scheduler.After(TimeSpan.FromSeconds(2), process, _ => ran++);
        Run(scheduler);
        process.Post(_ => ran++, null);
        Run(scheduler);
        Assert.Equal(1, ran);
    }

    [Fact]
    public void The_time_of_day_may_be_set_and_no_timer_notices()
    {
        var scheduler = Make();
        var process = new SimProcess(1, "node-1", scheduler);
        var clock = new SimClock(process, drift: 0);
        var before = clock.GetUtcNow();
        process.Post(async _ =>
        {
            clock.Wrong = TimeSpan.FromHours(-5);
            await Task.Delay(TimeSpan.FromSeconds(1), clock);
        }, null);
        Run(scheduler);
        Assert.Equal(TimeSpan.FromSeconds(1).Ticks, scheduler.Now);
        Assert.Equal(TimeSpan.FromHours(-5) + TimeSpan.FromSeconds(1), clock.GetUtcNow() - before);
    }

    [Theory, InlineData(900), InlineData(-900), InlineData(0)]
    public void A_timer_is_never_early_by_the_clock_that_it_was_set_on(int drift)
    {
        var scheduler = Make();
        var clock = new SimClock(new SimProcess(1, "node-1", scheduler), drift);
        for (var i = 1; i < 100; i++)
        {
            var wait = TimeSpan.FromTicks(i * 12_345_677L);
            var (began, elapsed) = (clock.GetTimestamp(), TimeSpan.Zero);
            clock.CreateTimer(_ => elapsed = clock.GetElapsedTime(began), null, wait, Timeout.InfiniteTimeSpan);
            Run(scheduler);
            Assert.InRange(elapsed, wait, wait + TimeSpan.FromTicks(10));
        }
    }

    [Fact]
    public void A_timer_with_a_period_fires_until_it_is_disposed()
    {
        var scheduler = Make();
        var clock = new SimClock(new SimProcess(1, "node-1", scheduler), drift: 0);
        var fired = new List<double>();
        ITimer? timer = null;
        timer = clock.CreateTimer(_ =>
        {
            fired.Add(TimeSpan.FromTicks(scheduler.Now).TotalSeconds);
            if (fired.Count == 3) timer!.Dispose();
        }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        Run(scheduler);
        Assert.Equal([1, 3, 5], fired);
    }

    /// <summary>Without this, a run that depends on the system's threads would look like one that does not.</summary>
    [Fact]
    public void What_comes_from_another_thread_fails_the_run()
    {
        var scheduler = Make();
        var process = new SimProcess(1, "node-1", scheduler);
        using var posted = new ManualResetEventSlim();
        scheduler.After(TimeSpan.FromSeconds(1), process, _ =>
        {
            ThreadPool.QueueUserWorkItem(_ =>
            {
                process.Post(_ => { }, null);
                posted.Set();
            });
            posted.Wait();
        });
        Run(scheduler);
        Assert.Contains("thread of the pool", scheduler.Failure);
    }

    [Fact]
    public void An_exception_that_nobody_catches_fails_the_run()
    {
        var scheduler = Make();
        var process = new SimProcess(1, "node-1", scheduler);
        process.Post(async _ =>
        {
            await Task.Yield();
            throw new InvalidDataException("a fault");
        }, null);
        Run(scheduler);
        Assert.Contains("a fault", scheduler.Failure);
    }

    private Scheduler Make(ulong seed = 1) => new(new SeededRandom(seed), _trace);

    private static void Run(Scheduler scheduler) => scheduler.Run(TimeSpan.FromDays(1).Ticks, () => false);

    private List<int> OrderOf(ulong seed)
    {
        var scheduler = Make(seed);
        var process = new SimProcess(1, "node-1", scheduler);
        var order = new List<int>();
        for (var i = 0; i < 50; i++)
        {
            var number = i;
            process.Post(_ => order.Add(number), null);
        }
        Run(scheduler);
        return order;
    }
}
