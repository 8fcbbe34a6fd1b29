namespace Stateside.Simulator;

/// <summary>
/// One life of a process: what awaits in it is resumed in it. While it is paused its callbacks are held, and time goes on; once it
/// is killed they are dropped for ever, whatever they were about to do.
/// </summary>
internal sealed class SimProcess(int id, string name, Scheduler scheduler) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _held = [];

    /// <summary>0: the world outside, which is neither paused nor killed; else the number of the node.</summary>
    public int Id => id;

    public string Name => name;

    public Scheduler Scheduler => scheduler;

    public bool IsPaused { get; private set; }

    public bool IsDead { get; private set; }

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        foreach (var (callback, state) in _held) scheduler.Soon(this, callback, state);
        _held.Clear();
    }

    public void Kill()
    {
        (IsDead, IsPaused) = (true, false);
        _held.Clear();
    }

    /// <summary>Whether it runs a callback now. One that comes to a paused process is kept.</summary>
    public bool Takes(SendOrPostCallback callback, object? state)
    {
        if (IsPaused) _held.Add((callback, state));
        return !IsDead && !IsPaused;
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsDead) scheduler.Soon(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing in a simulation waits for another thread.");

    public override SynchronizationContext CreateCopy() => this;
}
