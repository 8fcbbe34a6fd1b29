using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// Carries requests from the clients to the nodes and between the nodes. A message may be late, be lost, or meet a node that is gone: then the caller
/// hears of it at once if the node was gone before, and that its connection broke if it went in between.
/// </summary>
internal sealed class SimNetwork(World world)
{
    private readonly List<Exchange> _open = [];
    private readonly HashSet<(SimProcess? From, SimProcess To, UInt128 Incarnation)> _ways = [];

    /// <summary>Sends a client's request, and waits for the reply.</summary>
    /// <param name="to">The node that is to handle it.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="patience">How long the client waits.</param>
    /// <exception cref="NetworkException">There is no reply.</exception>
    public async Task<SimReply> SendAsync(int to, SimRequest request, TimeSpan patience)
    {
        var exchange = new Exchange(Links.Clients, null, to, default, request);
        world.Scheduler.After(patience, world.Outside, _ => GiveUp(exchange));
        return await SendAsync(exchange);
    }

    /// <summary>Passes a request on to another life of a node, and waits for the reply in the process that calls.</summary>
    /// <param name="sender">The process of the node that passes it on.</param>
    /// <param name="to">The node that is to handle it.</param>
    /// <param name="incarnation">Which of its lives: another one is found out when a connection is made, and only then.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="end">Ends the exchange: the client has gone, or nobody waits for an answer of the dead.</param>
    /// <exception cref="NetworkException">There is no reply.</exception>
    public async Task<SimReply> PassOnAsync(SimProcess sender, int to, UInt128 incarnation, SimRequest request, CancellationToken end)
    {
        var exchange = new Exchange(sender.Id, sender, to, incarnation, request);
        await using var registration = end.Register(() => GiveUp(exchange));
        return await SendAsync(exchange);
    }

    private async Task<SimReply> SendAsync(Exchange exchange)
    {
        if (exchange.IsOver) return await exchange.Reply.Task;
        _open.Add(exchange);
        if (!IsLost(exchange.From, exchange.To)) world.Scheduler.After(Way(), world.Outside, _ => Arrive(exchange));
        else if (exchange.Sender is not null) world.Scheduler.After(Silence(), world.Outside, _ => GiveUp(exchange));
        return await exchange.Reply.Task;
    }

    /// <summary>The caller waits no longer. What is on a connection that stood before arrives all the same; else nothing of it was sent.</summary>
    private void GiveUp(Exchange exchange)
    {
        if (exchange.IsOver) return;
        var isSent = exchange.From == Links.Clients || exchange.Process is not null || _ways.Any(w => w.From == exchange.Sender && w.Incarnation == exchange.Incarnation);
        exchange.IsWithdrawn = !isSent;
        Abort(exchange);
        Fail(exchange, isSent ? Applied.Unknown : Applied.No);
    }

    /// <summary>The connections to a process that is gone break.</summary>
    public void Break(SimProcess process)
    {
        foreach (var exchange in _open.FindAll(e => e.Process == process)) world.Scheduler.After(Way(), world.Outside, _ => Fail(exchange, Applied.Unknown));
    }

    private void Arrive(Exchange exchange)
    {
        if (exchange.IsWithdrawn) return;
        if (world.Node(exchange.To) is not { Process: { IsDead: false } process, Software: { } software } || !Connects(exchange, process, software))
        {
            world.Scheduler.After(Way(), world.Outside, _ => Fail(exchange, Applied.No));
            return;
        }
        exchange.Process = process;
        world.Scheduler.Soon(process, _ => Serve(exchange, software), null);
    }

    /// <summary>A node is asked who it is when a connection to it is made. One that has begun a new life since then still answers on it.</summary>
    private bool Connects(Exchange exchange, SimProcess process, INodeSoftware software)
    {
        if (exchange.From == Links.Clients || _ways.Contains((exchange.Sender, process, exchange.Incarnation))) return true;
        if (software.Incarnation != exchange.Incarnation) return false;
        _ways.Add((exchange.Sender, process, exchange.Incarnation));
        return true;
    }

    /// <summary>Runs in the node's process.</summary>
    private async void Serve(Exchange exchange, INodeSoftware software)
    {
        exchange.Abort = new CancellationTokenSource();
        if (exchange.IsOver) Abort(exchange);
        SimReply reply;
        try
        {
            reply = await software.HandleAsync(exchange.Request, exchange.Abort.Token);
        }
        catch (OperationCanceledException) when (exchange.Abort.IsCancellationRequested)
        {
            return;
        }
        if (!IsLost(exchange.To, exchange.From)) world.Scheduler.After(Way(), world.Outside, _ => Complete(exchange, reply));
        else if (exchange.Sender is not null) world.Scheduler.After(Silence(), world.Outside, _ => GiveUp(exchange));
    }

    /// <summary>The node hears that the caller has hung up, as late as anything else, or finds out by itself that nobody is there any more.</summary>
    private void Abort(Exchange exchange)
    {
        if (exchange.Process is { } process)
            world.Scheduler.After(IsLost(exchange.From, exchange.To) ? Silence() : Way(), process, _ => exchange.Abort?.Cancel());
    }

    private void Complete(Exchange exchange, SimReply reply)
    {
        _open.Remove(exchange);
        exchange.Reply.TrySetResult(reply);
    }

    private void Fail(Exchange exchange, Applied applied)
    {
        _open.Remove(exchange);
        exchange.Reply.TrySetException(new NetworkException(applied));
    }

    private bool IsLost(int from, int to) => world.Links.IsCut(from, to) || world.Random.Chance(world.Links.Loss);

    /// <summary>After how long without a word a connection is known to be dead, and all that wait on it.</summary>
    private TimeSpan Silence() => world.Random.Span(500, 4000);

    private TimeSpan Way() => world.Random.Span(0.05, 1) * Math.Min(world.Links.Slowness, Links.MostSlowness);

    private sealed class Exchange(int from, SimProcess? sender, int to, UInt128 incarnation, SimRequest request)
    {
        public int From => from;

        public SimProcess? Sender => sender;

        public UInt128 Incarnation => incarnation;

        /// <summary>It never arrives.</summary>
        public bool IsWithdrawn { get; set; }

        public int To => to;

        public SimRequest Request => request;

        public TaskCompletionSource<SimReply> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsOver => Reply.Task.IsCompleted;

        /// <summary>Who handles it, once it has arrived.</summary>
        public SimProcess? Process { get; set; }

        public CancellationTokenSource? Abort { get; set; }
    }
}

/// <summary>A message was not answered.</summary>
internal sealed class NetworkException(Applied applied) : Exception("There was no reply.")
{
    /// <summary><see cref="Applied.No"/> only if nobody can have handled it.</summary>
    public Applied Applied => applied;
}
