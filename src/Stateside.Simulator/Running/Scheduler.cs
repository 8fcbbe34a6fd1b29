namespace Stateside.Simulator;

/// <summary>
/// Runs everything of one simulation on the thread that made it: callbacks and timers in the order of virtual time, and of those that are
/// due at one moment in an order drawn from the seed. What comes from another thread is not run: it is a fault of the code under test,
/// as its order would be the system's and not the seed's.
/// </summary>
internal sealed class Scheduler(SeededRandom random, Trace trace)
{
    private readonly PriorityQueue<Work, Due> _queue = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile string? _foreign;

    /// <summary>Virtual time since the run began, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    /// <summary>How many callbacks have run. Two moments with the same <see cref="Now"/> are told apart by it.</summary>
    public long Steps { get; private set; }

    /// <summary>A run that takes more steps than this goes round in circles.</summary>
    public long MostSteps { get; set; } = 2_000_000;

    /// <summary>What went wrong in a callback; null: nothing.</summary>
    public string? Failure { get; private set; }

    /// <summary>Called after each callback with the process that ran it.</summary>
    public Action<SimProcess>? Ran { get; set; }

    /// <summary>How likely a callback waits a while for its thread, as on a busy machine.</summary>
    public double Preemption { get; set; }

    /// <summary>Lets a process run a callback after a while.</summary>
    public void After(TimeSpan delay, SimProcess process, SendOrPostCallback callback, object? state = null) => At(Now + delay.Ticks, process, callback, state);

    /// <summary>Lets a process run a callback as soon as it comes to it.</summary>
    public void Soon(SimProcess process, SendOrPostCallback callback, object? state) =>
        At(Preemption > 0 && random.Chance(Preemption) ? Now + random.Span(0.05, 50).Ticks : Now, process, callback, state);

    public void At(long due, SimProcess process, SendOrPostCallback callback, object? state)
    {
        if (IsForeign()) return;
        _queue.Enqueue(new Work(process, callback, state), new Due(Math.Max(due, Now), random.Next()));
    }

    /// <summary>Runs what is due until the given time, or until something fails or <paramref name="isDone"/>.</summary>
    public void Run(long until, Func<bool> isDone)
    {
        var outer = SynchronizationContext.Current;
        try
        {
            while (Failure is null && !isDone() && _queue.TryPeek(out var work, out var due) && due.Time <= until)
            {
                _queue.Dequeue();
                Now = due.Time;
                if (work.Process.Takes(work.Callback, work.State)) Run(work);
                Failure ??= _foreign ?? (Steps > MostSteps ? $"No end after {Steps} steps." : null);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>True, and remembered, if the caller runs on another thread than the simulation.</summary>
    public bool IsForeign()
    {
        if (Environment.CurrentManagedThreadId == _thread) return false;
        _foreign ??= "Something ran on a thread of the pool, where the seed does not decide the order:\n" + Environment.StackTrace;
        return true;
    }

    private void Run(Work work)
    {
        Steps++;
        trace.Mix(Now);
        trace.Mix(work.Process.Id);
        SynchronizationContext.SetSynchronizationContext(work.Process);
        try
        {
            work.Callback(work.State);
        }
        catch (Exception e)
        {
            Failure = $"An exception that nobody caught on {work.Process.Name}: {e}";
        }
        if (work.Process.Id > 0) Ran?.Invoke(work.Process);
    }

    private readonly record struct Work(SimProcess Process, SendOrPostCallback Callback, object? State);

    private readonly struct Due(long time, ulong draw) : IComparable<Due>
    {
        public long Time => time;

        private ulong Draw => draw;

        public int CompareTo(Due other) => time != other.Time ? time.CompareTo(other.Time) : draw.CompareTo(other.Draw);
    }
}
