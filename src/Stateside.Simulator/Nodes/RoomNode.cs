using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>What is said in a room: the number of the one who says it and of what is said.</summary>
internal sealed record Said(int Content);

/// <summary>A folded state of the simulated application.</summary>
internal sealed record Room(int Count) : IFold<Room, Said>
{
    public Room Apply(Said e) => new(Count + 1);

    public static StateKey KeyOf(int number) => new(Group.Keyed($"room-{number}"), "room");
}

[JsonSerializable(typeof(Room)), JsonSerializable(typeof(Said))]
internal sealed partial class RoomJson : JsonSerializerContext;

/// <summary>A node with rooms that can be watched. It passes nothing on: whoever comes to the wrong node is told so, and tries another.</summary>
/// <param name="setting">What it is made with.</param>
/// <param name="place">Where the rooms live.</param>
internal sealed class RoomNode(NodeSetting setting, Place place) : INodeSoftware, IAsyncDisposable
{
    private const int MostBytes = 65_536;
    private static readonly TimeSpan s_lease = TimeSpan.FromMilliseconds(500);
    private readonly StateDefinition<Room> _room = new("room", RoomJson.Default.Room, new Room(0), Needs.None, schema: 1)
    {
        EventJson = e => JsonSerializer.SerializeToUtf8Bytes((Said)e, RoomJson.Default.Said),
        EventReader = body => JsonSerializer.Deserialize(body.Span, RoomJson.Default.Said),
    };
    private StatesideRuntime? _runtime;

    /// <summary>Turns and watches on this node. To be used in its process only.</summary>
    public IStates States => new StatesOutsideHttp(_runtime!);

    public async ValueTask StartAsync()
    {
        var capabilities = await setting.Store.OpenAsync(CancellationToken.None);
        _room.Configure(place, new StateModel(null, MostBytes));
        var model = StoreNode.Model with
        {
            Node = NodeModel.Default with { IdleAfter = TimeSpan.FromSeconds(1) },
            Cluster = new ClusterModel(setting.Process.Name, "simulated", setting.Process.Id, IsGateway: false, s_lease, new byte[ClusterView.SecretBytes]),
        };
        ILoggerFactory logs = setting.World.Trace.IsKept ? new TraceLogs(setting.World, setting.Process.Name) : NullLoggerFactory.Instance;
        var telemetry = setting.World.Own(new Telemetry(setting.Clock));
        var agent = place == Place.Node ? new ClusterAgent(setting.Store, model.Cluster, setting.Clock, logs.CreateLogger<ClusterAgent>()) : null;
        _runtime = new StatesideRuntime(model, new StateRegistry([_room]), setting.Store, capabilities, setting.Clock, telemetry, logs, cluster: agent);
        await _runtime.JoinAsync(CancellationToken.None);
    }

    public async ValueTask StopAsync()
    {
        await _runtime!.LeaveAsync(CancellationToken.None);
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_runtime is not null) await _runtime.StopAsync();
    }

    public long EpochOf(int shard) =>
        _runtime?.Cluster is { HoldsLease: true } cluster && cluster.Shards[shard] is { IsOwned: true } owned ? owned.Epoch : 0;

    public ValueTask<SimReply> HandleAsync(SimRequest request, CancellationToken aborted) => new(SimReply.Refused("rooms only", Applied.No));
}
