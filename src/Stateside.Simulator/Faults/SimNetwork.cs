using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// Carries requests from the clients to the nodes and between the nodes. A message may be late, be lost, or meet a node that is gone: then the caller
/// hears of it at once if the node was gone before, and that its connection broke if it went in between.
/// </summary>
internal sealed class SimNetwork(World world)
{
    private readonly List<Exchange> _open = [];

    /// <summary>Sends a request, and waits for the reply in the process that calls.</summary>
    /// <param name="from">The number of the sender: <see cref="Links.Clients"/>, or a node.</param>
    /// <param name="to">The node that is to handle it.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="patience">How long the caller waits.</param>
    /// <exception cref="NetworkException">There is no reply.</exception>
    public async Task<SimReply> SendAsync(int from, int to, SimRequest request, TimeSpan patience)
    {
        var exchange = new Exchange(from, to, request);
        _open.Add(exchange);
        world.Scheduler.After(patience, world.Outside, _ =>
        {
            if (exchange.IsOver) return;
            Abort(exchange);
            Fail(exchange, Applied.Unknown);
        });
        if (!IsLost(from, to)) world.Scheduler.After(Way(), world.Outside, _ => Arrive(exchange));
        return await exchange.Reply.Task;
    }

    /// <summary>The connections to a process that is gone break.</summary>
    public void Break(SimProcess process)
    {
        foreach (var exchange in _open.FindAll(e => e.Process == process)) world.Scheduler.After(Way(), world.Outside, _ => Fail(exchange, Applied.Unknown));
    }

    private void Arrive(Exchange exchange)
    {
        if (exchange.IsOver) return;
        if (world.Node(exchange.To) is not { Process: { IsDead: false } process, Software: { } software })
        {
            world.Scheduler.After(Way(), world.Outside, _ => Fail(exchange, Applied.No));
            return;
        }
        exchange.Process = process;
        world.Scheduler.Soon(process, _ => Serve(exchange, software), null);
    }

    /// <summary>Runs in the node's process.</summary>
    private async void Serve(Exchange exchange, INodeSoftware software)
    {
        exchange.Abort = new CancellationTokenSource();
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
    }

    /// <summary>The node hears that the caller has hung up, as late as anything else.</summary>
    private void Abort(Exchange exchange)
    {
        if (exchange.Process is { } process && !IsLost(exchange.From, exchange.To))
            world.Scheduler.After(Way(), process, _ => exchange.Abort?.Cancel());
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

    private TimeSpan Way() => world.Random.Span(0.05, 1) * world.Links.Slowness;

    private sealed class Exchange(int from, int to, SimRequest request)
    {
        public int From => from;

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
