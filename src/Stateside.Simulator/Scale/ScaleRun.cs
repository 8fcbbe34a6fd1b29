using Stateside.Cluster;
using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What a node that came or went has moved.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Shards">Shards that have another owner after it.</param>
/// <param name="LeastShards">The least that have to move: the fair share of the node that came, or what the one that went had.</param>
/// <param name="Keys">Keys in the shards that moved.</param>
/// <param name="Seconds">Virtual time until each shard was served by its home again.</param>
/// <param name="Views">How often the view changed.</param>
internal sealed record ScaleChange(string Kind, int Shards, double LeastShards, int Keys, double Seconds, long Views);

/// <summary>What a cluster of so many nodes costs.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Keys">How many keys there are; a key is where the hash of its group puts it.</param>
/// <param name="LeaseSeconds">The lease.</param>
/// <param name="LoadsPerSecond">Loads that all nodes together send to the store while nothing happens.</param>
/// <param name="CommitsPerSecond">The same of commits.</param>
/// <param name="BytesPerSecond">Bytes of rows that these loads bring.</param>
/// <param name="ViewBytes">Bytes of the view.</param>
/// <param name="MostShards">Shards of the node that owns the most.</param>
/// <param name="LeastShards">Shards of the node that owns the fewest.</param>
/// <param name="Changes">What a join, a leave and a crash move.</param>
internal sealed record ScaleResult(
    int Nodes, int Keys, double LeaseSeconds, double LoadsPerSecond, double CommitsPerSecond, double BytesPerSecond, int ViewBytes, int MostShards, int LeastShards,
    IReadOnlyList<ScaleChange> Changes);

/// <summary>Measures clusters of many nodes in virtual time: the nodes' agents and the store's rows are the engine's own, and nobody asks for anything.</summary>
internal sealed class ScaleRun : IDisposable
{
    private const long MostSteps = 1_000_000_000;
    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(1);
    private readonly World _world;
    private readonly int _nodes;
    private readonly TimeSpan _lease;
    private readonly int[] _keys;
    private readonly List<Member> _forming = [];
    private readonly TaskCompletionSource _formed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ScaleRun(int nodes, TimeSpan lease, int[] keys)
    {
        (_nodes, _lease, _keys) = (nodes, lease, keys);
        _world = new World(1, new SimulationOptions { Software = setting => new AgentNode(setting, lease, FormAsync), MostNodes = nodes, Gateways = 0, Keys = 0 }, keepsTrace: false);
        (_world.Scheduler.Preemption, _world.Scheduler.MostSteps) = (0, MostSteps);
    }

    /// <param name="nodes">How many nodes, 4 or more; the last of them joins the others.</param>
    /// <param name="keys">How many keys.</param>
    /// <param name="lease">How long a node may rely on its last sign of life.</param>
    /// <exception cref="InvalidOperationException">The cluster has not come to rest.</exception>
    public static ScaleResult Of(int nodes, int keys, TimeSpan lease)
    {
        var inShards = new int[Group.ShardCount];
        for (var i = 0; i < keys; i++) inShards[Group.Keyed($"key-{i}").Shard]++;
        using var run = new ScaleRun(nodes, lease, inShards);
        RandomBytes.DrawFrom(run._world.Random.Fork().Fill);
        try
        {
            return run.Measure(keys);
        }
        finally
        {
            RandomBytes.DrawFrom(null);
        }
    }

    public void Dispose() => _world.Dispose();

    private ScaleResult Measure(int keys)
    {
        for (var id = 1; id < _nodes; id++) _world.Node(id).Start();
        var join = Change("join", view => (double)Group.ShardCount / _nodes, _world.Node(_nodes).Start);
        var view = Settle().View;
        var owned = view.Members.Select(m => CountOf(view, m.Port)).ToArray();

        var before = _world.Store.Load;
        _world.Scheduler.Run(_world.Now + s_steady.Ticks, () => false);
        var (loads, commits, bytes) = (_world.Store.Load.Loads - before.Loads, _world.Store.Load.Commits - before.Commits, _world.Store.Load.Bytes - before.Bytes);
        var leave = Change("leave", view => CountOf(view, 1), () => _world.Node(1).Drain(restarts: false));
        var crash = Change("crash", view => CountOf(view, 2), _world.Node(2).Kill);
        return new(_nodes, keys, _lease.TotalSeconds, loads / s_steady.TotalSeconds, commits / s_steady.TotalSeconds, bytes / s_steady.TotalSeconds,
            view.Write().Length, owned.Max(), owned.Min(), [join, leave, crash]);
    }

    /// <summary>The first nodes begin as a cluster that is there already: how it came about, one node after the other, is what a join shows.</summary>
    private Task FormAsync(Member member)
    {
        if (_formed.Task.IsCompleted) return Task.CompletedTask;
        _forming.Add(member);
        if (_forming.Count < _nodes - 1) return _formed.Task;
        var view = ClusterView.Begin(new byte[ClusterView.SecretBytes], new byte[ClusterView.SecretBytes]).Of(_forming);
        _ = new ClusterStore(_world.Store.Inner).PutViewAsync(view, StateVersion.None).AsTask();
        _formed.SetResult();
        return Task.CompletedTask;
    }

    private ScaleChange Change(string kind, Func<ClusterView, double> least, Action change)
    {
        var (before, began) = (Settle().View, _world.Now);
        change();
        // Until the change has shown itself, everything looks as settled as before.
        _world.Scheduler.Run(_world.Now + s_most.Ticks, new Watch(this, v => v.Number != before.Number).IsReached);
        var (after, settled) = Settle();
        var moved = Enumerable.Range(0, Group.ShardCount).Where(s => !after.Owner(s)!.Is(before.Owner(s))).ToArray();
        return new(kind, moved.Length, Math.Round(least(before), 2), moved.Sum(s => _keys[s]), TimeSpan.FromTicks(settled - began).TotalSeconds, after.Number - before.Number);
    }

    private static int CountOf(ClusterView view, int id) => Enumerable.Range(0, Group.ShardCount).Count(s => view.Owner(s)!.Port == id);

    /// <summary>Goes on until each shard is served by its home.</summary>
    private (ClusterView View, long At) Settle()
    {
        var watch = new Watch(this, IsSettled);
        _world.Scheduler.Run(_world.Now + s_most.Ticks, watch.IsReached);
        return watch.Reached is { } view ? (view, _world.Now) : throw new InvalidOperationException($"{_nodes} nodes have not come to rest within {s_most.TotalSeconds} s. {_world.Scheduler.Failure}");
    }

    private bool IsSettled(ClusterView view)
    {
        var agents = view.Members.ToDictionary(m => m.Name, m => (_world.Node(m.Port).Software as AgentNode)?.Agent);
        for (var shard = 0; shard < Group.ShardCount; shard++)
            if (view.Owner(shard) is not { } owner || !owner.Is(view.Home(shard)) || agents[owner.Name]?.Shards[shard] is not { IsOwned: true }) return false;
        return true;
    }

    /// <summary>Looks at the view every now and then until something is so.</summary>
    private sealed class Watch(ScaleRun run, Func<ClusterView, bool> isSo)
    {
        private long _looked = -1;
        private ClusterView? _view;
        private StateVersion _version;

        public ClusterView? Reached { get; private set; }

        public bool IsReached()
        {
            if (run._world.Now < _looked + s_look.Ticks) return Reached is not null;
            _looked = run._world.Now;
            if (run.LookRow() is { Exists: true } row && row.Version != _version) (_view, _version) = (ClusterView.Read(row.Body), row.Version);
            if (_view is { } view && isSo(view)) Reached = view;
            return Reached is not null;
        }
    }

    private Row LookRow() => new ClusterStore(_world.Store.Inner).LoadAsync([], CancellationToken.None).AsTask().Result.View;
}
