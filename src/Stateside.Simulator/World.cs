using System.Runtime.CompilerServices;
using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>Everything of one run: the scheduler, the nodes, the store, the ways between them, and what has happened.</summary>
internal sealed class World : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly SimNode[] _nodes;
    private readonly SimClock _clock;

    public World(ulong seed, SimulationOptions options, bool keepsTrace)
    {
        Trace = new Trace(keepsTrace);
        Random = new SeededRandom(seed);
        Scheduler = new Scheduler(Random.Fork(), Trace) { Preemption = Random.Pick([0, 0, 0.01, 0.05]) };
        Outside = new SimProcess(0, "outside", Scheduler);
        _clock = new SimClock(Outside, drift: 0);
        Links = new Links(options.MostNodes + options.Gateways);
        Store = new StoreServer(this, new SimClock(Outside, drift: 0), options.DamageStore);
        Network = new SimNetwork(this);
        Options = options;
        Owners = new OwnerWatch(this, [.. Enumerable.Range(0, options.Keys).Select(k => LedgerStates.LedgerOf(k).Group.Shard).Distinct()]);
        Scheduler.Ran = Owners.Ran;
        _nodes = [.. Enumerable.Range(1, options.MostNodes + options.Gateways).Select(id => new SimNode(this, id, options.Software))];
    }

    public SimulationOptions Options { get; }

    public Trace Trace { get; }

    public SeededRandom Random { get; }

    public Scheduler Scheduler { get; }

    /// <summary>Where everything runs that is no node: clients, the store, the network, the faults.</summary>
    public SimProcess Outside { get; }

    public Links Links { get; }

    public StoreServer Store { get; }

    public SimNetwork Network { get; }

    public OwnerWatch Owners { get; }

    public IReadOnlyList<SimNode> Nodes => _nodes;

    /// <summary>The nodes that clients know of.</summary>
    public List<int> Listed { get; } = [];

    public List<Operation> Operations { get; } = [];

    /// <summary>When nodes died, in virtual time: killed, or given up by the others.</summary>
    public List<long> Deaths { get; } = [];

    /// <summary>How many attempts were answered, and how many of them with success.</summary>
    public (int Attempts, int Done) Replies { get; private set; }

    public long Now => Scheduler.Now;

    public SimNode Node(int id) => _nodes[id - 1];

    /// <summary>Whether a node owns nothing.</summary>
    public bool IsGateway(int id) => id > Options.MostNodes;

    public Operation Begin(OperationKind kind, int key, bool isIdempotent)
    {
        var operation = new Operation(Operations.Count + 1, kind, key, isIdempotent, Scheduler.Steps);
        Operations.Add(operation);
        return operation;
    }

    public void Count(SimReply reply) => Replies = (Replies.Attempts + 1, Replies.Done + (reply.Code is null ? 1 : 0));

    /// <summary>A process's client of the store.</summary>
    public IStore Connect(SimProcess process)
    {
        var handle = new StoreHandle(this, Store, process);
        return Options.DamageHandle?.Invoke(handle) ?? handle;
    }

    public Task DelayAsync(TimeSpan delay) => Task.Delay(delay, _clock);

    public void Note([InterpolatedStringHandlerArgument("")] ref Trace.Text text) => Trace.Add(Now, "--", ref text);

    /// <summary>Disposes of it with the run.</summary>
    public T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public void Dispose() => _owned.ForEach(o => o.Dispose());
}
