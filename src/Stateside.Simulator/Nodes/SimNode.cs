namespace Stateside.Simulator;

/// <summary>One node through all lives of its process: started, killed, paused, drained, and started again by whoever supervises it.</summary>
internal sealed class SimNode(World world, int id, Func<NodeSetting, INodeSoftware> software)
{
    private static readonly TimeSpan s_restartAfter = TimeSpan.FromSeconds(1);
    private readonly int _drift = world.Random.Below(2 * world.Options.MostDrift) - world.Options.MostDrift;
    private TimeSpan _wrong;

    public int Id => id;

    /// <summary>The process that lives now or lived last; null: it was never started.</summary>
    public SimProcess? Process { get; private set; }

    public SimClock? Clock { get; private set; }

    /// <summary>What handles requests; null while the node is coming up or gone.</summary>
    public INodeSoftware? Software { get; private set; }

    public bool IsRunning => Process is { IsDead: false };

    /// <summary>Whether it is going down by order, so that nobody starts it again before it is down.</summary>
    public bool IsDraining { get; private set; }

    public void Start()
    {
        if (IsRunning) return;
        var process = Process = new SimProcess(id, $"node-{id}", world.Scheduler);
        var clock = Clock = new SimClock(process, _drift) { Wrong = _wrong };
        Software = null;
        world.Note($"start of node {id}");
        world.Scheduler.Soon(process, _ => ComeUp(process, software(new NodeSetting(world, process, clock, world.Connect(process)))), null);
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public void Kill()
    {
        if (!IsRunning) return;
        world.Note($"death of node {id}");
        world.Deaths.Add(world.Now);
        End(Process!);
    }

    public void Pause()
    {
        if (!IsRunning) return;
        world.Note($"pause of node {id}");
        Process!.Pause();
    }

    public void Resume()
    {
        if (Process is not { IsPaused: true } process) return;
        world.Note($"end of the pause of node {id}");
        process.Resume();
    }

    /// <summary>As SIGTERM, and starts it again if asked to.</summary>
    public void Drain(bool restarts)
    {
        if (!IsRunning || IsDraining || Software is not { } software) return;
        world.Note($"drain of node {id}");
        IsDraining = true;
        world.Scheduler.Soon(Process!, _ => GoDown(Process!, software, restarts), null);
    }

    /// <summary>Somebody sets the time of day.</summary>
    public void SetClock(TimeSpan wrong)
    {
        _wrong = wrong;
        if (Clock is { } clock) clock.Wrong = wrong;
    }

    private async void ComeUp(SimProcess process, INodeSoftware software)
    {
        try
        {
            await software.StartAsync();
        }
        catch (Exception e) when (e is StatesideException or Stores.StoreException)
        {
            world.Note($"node {id} could not start: {e.Message}");
            End(process);
            world.Scheduler.After(s_restartAfter, world.Outside, _ => Start());
            return;
        }
        world.Note($"node {id} serves");
        Software = software;
    }

    private async void GoDown(SimProcess process, INodeSoftware software, bool restarts)
    {
        await software.StopAsync();
        world.Note($"node {id} is down");
        End(process);
        if (restarts) world.Scheduler.After(world.Random.Span(100, 1000), world.Outside, _ => Start());
    }

    private void End(SimProcess process)
    {
        if (process.IsDead) return;
        process.Kill();
        world.Network.Break(process);
        if (process == Process) (Software, IsDraining) = (null, false);
    }
}
