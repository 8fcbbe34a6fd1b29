namespace Stateside.Simulator;

/// <summary>
/// Does to the world what its seed says: every fault begins at some moment and is over at a later one, several at a time. Which kinds come at
/// all differs from seed to seed, since faults of one kind hide those of another.
/// </summary>
internal sealed class Nemesis(World world)
{
    private const double MostHoursWrong = 6;
    private readonly SeededRandom _random = world.Random.Fork();
    private readonly List<Action> _mend = [];
    private Task _rolling = Task.CompletedTask;

    /// <summary>Plans all faults of the run.</summary>
    public void Plan()
    {
        Action[] kinds = [Crash, Pause, Crash, Pause, Drain, CutFromStore, CutFromStore, CutBetweenNodes, CutFromClients, StopStore, SlowStore, SlowNetwork, LoseMessages, LoseRequests, LoseAnswers, DelayCalls, SetClock, SetClock, Join, Leave, Roll];
        var chosen = kinds.Where(k => world.Options.Kinds is { } only ? only.Contains(k.Method.Name) : _random.Chance(0.6)).DefaultIfEmpty(Crash).ToArray();
        for (var left = _random.Below(18) + 4; left > 0; left--)
        {
            var fault = _random.Pick(chosen);
            world.Scheduler.After(world.Options.Faults * (_random.Below(1000) / 1000.0), world.Outside, _ => fault());
        }
        world.Scheduler.After(world.Options.Faults, world.Outside, _ => Heal());
    }

    /// <summary>Ends every fault that is still going on. What a fault has ended before is not ended twice.</summary>
    private void Heal()
    {
        world.Note($"the faults are over");
        foreach (var mend in _mend.ToArray()) mend();
        foreach (var node in world.Nodes)
        {
            if (!world.Listed.Contains(node.Id)) continue;
            node.Resume();
            node.Start();
        }
    }

    /// <summary>A fault that is going on until its time is over, or all are.</summary>
    private void For(TimeSpan time, Action begin, Action end)
    {
        if (world.Now >= world.Options.Faults.Ticks) return;
        begin();
        void Mend()
        {
            if (_mend.Remove(Mend)) end();
        }
        _mend.Add(Mend);
        world.Scheduler.After(time, world.Outside, _ => Mend());
    }

    private SimNode AnyNode() => world.Node(_random.Pick(world.Listed));

    private void Crash()
    {
        var node = AnyNode();
        For(_random.Span(20, 4000), node.Kill, node.Start);
    }

    private void Pause()
    {
        var node = AnyNode();
        For(_random.Span(20, 6000), node.Pause, node.Resume);
    }

    private void Drain() => AnyNode().Drain(restarts: true);

    private void CutFromStore() => Cut(AnyNode().Id, world.Links.Store, _random.Span(50, 5000));

    private void CutFromClients() => Cut(Links.Clients, AnyNode().Id, _random.Span(50, 3000));

    private void CutBetweenNodes() => Cut(AnyNode().Id, AnyNode().Id, _random.Span(50, 5000));

    /// <summary>Both ways, or one.</summary>
    private void Cut(int one, int other, TimeSpan time)
    {
        var ways = _random.Below(3);
        world.Note($"cut between {one} and {other}: {(ways == 0 ? "both ways" : ways == 1 ? "there" : "back")}");
        if (ways != 2) For(time, () => world.Links.Cut(one, other), () => world.Links.Mend(one, other));
        if (ways != 1) For(time, () => world.Links.Cut(other, one), () => world.Links.Mend(other, one));
    }

    private void StopStore()
    {
        world.Note($"the store stops");
        For(_random.Span(50, 3000), () => world.Store.Outages++, () => world.Store.Outages--);
    }

    private void SlowStore()
    {
        var times = _random.Span(3, 100).TotalMilliseconds;
        world.Note($"slow store: {times} times");
        For(_random.Span(100, 4000), () => world.Store.Slowness *= times, () => world.Store.Slowness /= times);
    }

    private void SlowNetwork()
    {
        var times = _random.Span(3, 100).TotalMilliseconds;
        world.Note($"slow network: {times} times");
        For(_random.Span(100, 4000), () => world.Links.Slowness *= times, () => world.Links.Slowness /= times);
    }

    private void LoseMessages()
    {
        var share = _random.Span(10, 200).TotalMilliseconds / 1000;
        For(_random.Span(100, 5000), () => world.Links.Loss = share, () => world.Links.Loss = 0);
    }

    private void LoseAnswers()
    {
        var share = _random.Span(10, 500).TotalMilliseconds / 1000;
        For(_random.Span(100, 5000), () => world.Store.LostAnswers = share, () => world.Store.LostAnswers = 0);
    }

    private void LoseRequests()
    {
        var share = _random.Span(10, 500).TotalMilliseconds / 1000;
        For(_random.Span(100, 5000), () => world.Store.LostRequests = share, () => world.Store.LostRequests = 0);
    }

    private void DelayCalls()
    {
        var share = _random.Span(10, 500).TotalMilliseconds / 1000;
        For(_random.Span(100, 5000), () => world.Store.LateCalls = share, () => world.Store.LateCalls = 0);
    }

    /// <summary>Somebody sets the time of day of a node or of the store, and it stays wrong.</summary>
    private void SetClock()
    {
        var wrong = TimeSpan.FromHours(((_random.Below(2000) / 1000.0) - 1) * MostHoursWrong);
        var node = AnyNode();
        var isStore = _random.Chance(0.3);
        // What has expired by the store's clock is there again if that is set back, so where something expires it is only set forward.
        if (isStore && world.Options.NotesLife is not null && wrong < world.Store.Clock.Wrong) return;
        world.Note($"set the clock of {(isStore ? "the store" : $"node {node.Id}")}: {wrong} wrong");
        if (isStore) world.Store.Clock.Wrong = wrong;
        else node.SetClock(wrong);
    }

    private void Join()
    {
        if (world.Nodes.FirstOrDefault(n => !world.IsGateway(n.Id) && !world.Listed.Contains(n.Id) && !n.IsRunning) is not { } node) return;
        world.Listed.Add(node.Id);
        node.Start();
    }

    private void Leave()
    {
        var node = AnyNode();
        if (world.IsGateway(node.Id) || world.Listed.Count(id => !world.IsGateway(id)) < 3) return;
        world.Listed.Remove(node.Id);
        node.Drain(restarts: false);
    }

    private void Roll()
    {
        if (_rolling.IsCompleted) _rolling = RollAsync();
    }

    /// <summary>One node after the other is drained and started again, as an upgrade does.</summary>
    private async Task RollAsync()
    {
        foreach (var id in world.Listed.ToArray())
        {
            world.Node(id).Drain(restarts: true);
            await world.DelayAsync(_random.Span(300, 2000));
        }
    }
}
