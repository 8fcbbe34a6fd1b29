using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.States;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;
using Stateside.Turns;

namespace Stateside.Tests.Nodes;

/// <summary>A node with its engine, without HTTP, on a store that it may share with others.</summary>
internal sealed class NodeEngine : IAsyncDisposable
{
    public static readonly TimeSpan Lease = TimeSpan.FromMilliseconds(300);
    private static readonly byte[] s_agreement = new byte[ClusterView.SecretBytes];
    private readonly Telemetry _telemetry;

    private NodeEngine(IStore shared, string name, StateModel state, NodeModel node, byte[]? agreement, int port)
    {
        Store = new CountingStore(shared);
        _telemetry = new Telemetry(TimeProvider.System);
        Count.Configure(Place.Node, state);
        Room.Configure(Place.Node, new StateModel(null, 65_536));
        var model = new StatesideModel("memory:", false,
            new SessionModel("id", TimeSpan.FromMinutes(20), TimeSpan.FromDays(14), false),
            new IdempotencyModel(false, TimeSpan.FromDays(1), TimeSpan.FromSeconds(30), 65_536),
            new LimitsModel(1000, 1000, MaxRuns: 10, 65_536, 65_536), new Dictionary<string, Place>()) { Node = node };
        Cluster = new ClusterAgent(Store, new ClusterModel(name, "127.0.0.1", port, IsGateway: false, Lease, agreement ?? s_agreement), TimeProvider.System, NullLogger.Instance);
        var capabilities = new StoreCapabilities("memory", Durability.None, StoreReach.Process, false, 65_536, []);
        Runtime = new StatesideRuntime(model, new StateRegistry([Count, Room]), Store, capabilities, TimeProvider.System, _telemetry, NullLoggerFactory.Instance, cluster: Cluster);
        States = new StatesOutsideHttp(Runtime);
    }

    public CountingStore Store { get; }

    public ClusterAgent Cluster { get; }

    public StatesideRuntime Runtime { get; }

    public IStates States { get; }

    public StateDefinition<Count> Count { get; } = new("count", TurnJson.Default.Count, new Count(0), Needs.None, schema: 1);

    public StateDefinition<Room> Room { get; } = Turns.Room.Define();

    public static async Task<NodeEngine> JoinAsync(
        IStore shared, string name = "one", NodeDurability durability = NodeDurability.Commit, NodeModel? node = null, TimeSpan? expires = null, byte[]? agreement = null, int port = 9)
    {
        var engine = new NodeEngine(shared, name, new StateModel(expires, 65_536) { Durability = durability }, node ?? NodeModel.Default, agreement, port);
        await engine.Runtime.JoinAsync(CancellationToken.None);
        return engine;
    }

    public static StateKey Key(string id = "a") => new(Group.Keyed(id), "count");

    public static StateKey RoomKey(string id = "a") => new(Group.Keyed(id), "room");

    public TestHost Add(StateKey key, int by = 1, ReceiptRequest? receipt = null) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new SlotRequest(Count, key, Writes: true)], Group = key.Group, Receipt = receipt },
        Handler = run =>
        {
            ((State<Count>)run.Slots[0]).Update(c => new Count(c.Value + by));
            return new(new TurnReply(false, receipt is null ? null : TestHost.Response(receipt)));
        },
    };

    /// <summary>Adds to a counter that is 1, and refuses any other without a receipt, as a handler does that answers 400.</summary>
    public TestHost AddOnce(StateKey key, ReceiptRequest receipt) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new SlotRequest(Count, key, Writes: true)], Group = key.Group, Receipt = receipt },
        Handler = run =>
        {
            var count = (State<Count>)run.Slots[0];
            if (count.Value.Value != 1) return new(new TurnReply(false, null));
            count.Update(c => new Count(c.Value + 1));
            return new(new TurnReply(false, TestHost.Response(receipt)));
        },
    };

    /// <summary>Takes a counter without changing it, and adds to another of its group.</summary>
    public TestHost AddBeside(StateKey key) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new SlotRequest(Count, key, Writes: true), new SlotRequest(Count, key with { Item = "beside" }, Writes: true)], Group = key.Group },
        Handler = run =>
        {
            ((State<Count>)run.Slots[1]).Update(c => new Count(c.Value + 1));
            return new(new TurnReply(false, null));
        },
    };

    public async Task<int> AddAsync(StateKey key, int by = 1) => (await States.RunAsync<Count>(key, c => new Count(c.Value + by))).Value;

    public Task<string> SayAsync(string text, string id = "a") => Turns.Room.SayAsync(States, RoomKey(id), text);

    public async Task<int> ReadAsync(StateKey key) => (await States.ReadAsync<Count>(key)).Value.Value;

    /// <summary>A key whose shard this node owns.</summary>
    public StateKey OwnKey() => Enumerable.Range(0, 10_000).Select(i => Key($"own {i}")).First(k => Cluster.Shards[k.Group.Shard].IsOwned);

    public async Task LeaveAsync()
    {
        await Runtime.LeaveAsync(CancellationToken.None);
        await Runtime.StopAsync();
    }

    /// <summary>Ends the node as a crash would: it gives no sign of life any more, and passes nothing on.</summary>
    public ValueTask CrashAsync() => Runtime.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await Runtime.StopAsync();
        _telemetry.Dispose();
    }

    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var i = 0; i < 2000 && !holds(); i++) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.True(holds(), what);
    }
}

/// <summary>Counts the trips that turns make, without those of the cluster, and lets a test come between.</summary>
internal sealed class CountingStore(IStore inner) : DelegatingStore(inner)
{
    private int _loads;
    private int _commits;

    public (int Loads, int Commits) Trips => (_loads, _commits);

    public int JournalReads { get; private set; }

    /// <summary>Comes before each commit of a turn; may throw.</summary>
    public Func<Commit, ValueTask>? BeforeCommit { get; set; }

    /// <summary>Comes after each commit of a turn; may throw.</summary>
    public Func<Commit, ValueTask>? AfterCommit { get; set; }

    /// <summary>While it is set, nothing comes through, of the cluster neither.</summary>
    public bool IsAway { get; set; }

    /// <summary>How long it takes to refuse while it is away, as a server that does not answer.</summary>
    public TimeSpan RefusesAfter { get; set; }

    public void Forget() => (_loads, _commits) = (0, 0);

    public override async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        if (IsAway) await RefuseAsync();
        if (!request.Keys.Any(k => k.Name[0] == '$')) Interlocked.Increment(ref _loads);
        return await base.LoadAsync(request, cancellationToken);
    }

    private async ValueTask RefuseAsync()
    {
        await Task.Delay(RefusesAfter, TimeProvider.System);
        throw new StoreException("away", Applied.No);
    }

    public override ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken)
    {
        JournalReads++;
        return base.ReadJournalAsync(key, after, limit, cancellationToken);
    }

    public override async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        if (IsAway) await RefuseAsync();
        if (commit.Group.Value[0] == 'x') return await base.CommitAsync(commit, cancellationToken);
        Interlocked.Increment(ref _commits);
        if (BeforeCommit is { } before) await before(commit);
        var result = await base.CommitAsync(commit, cancellationToken);
        if (AfterCommit is { } after) await after(commit);
        return result;
    }
}
