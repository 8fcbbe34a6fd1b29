using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>A node of a cluster: its states are in its memory, and a request that comes to another node is passed on to it.</summary>
internal sealed class ClusterNode(NodeSetting setting) : INodeSoftware, IAsyncDisposable
{
    private const int MostBytes = 65_536;
    private static readonly TimeSpan s_lease = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);
    private readonly StateDefinition<Ledger> _ledger = new("ledger", LedgerJson.Default.Ledger, Ledger.Empty, Needs.None, schema: 1);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StatesideRuntime? _runtime;
    private int _requests;
    private bool _isStopping;

    public async ValueTask StartAsync()
    {
        var capabilities = await setting.Store.OpenAsync(CancellationToken.None);
        _ledger.Configure(Place.Node, new StateModel(null, MostBytes) { Durability = NodeDurability.Commit });
        var model = StoreNode.Model with
        {
            // So that states are dropped from memory and loaded again within a run.
            Node = NodeModel.Default with { IdleAfter = TimeSpan.FromSeconds(1) },
            Cluster = new ClusterModel(setting.Process.Name, "simulated", setting.Process.Id, IsGateway: false, s_lease, new byte[ClusterView.SecretBytes]),
        };
        ILoggerFactory logs = setting.World.Trace.IsKept ? new TraceLogs(setting.World, setting.Process.Name) : NullLoggerFactory.Instance;
        var telemetry = setting.World.Own(new Telemetry(setting.Clock));
        var agent = new ClusterAgent(setting.Store, model.Cluster, setting.Clock, logs.CreateLogger<ClusterAgent>());
        _runtime = new StatesideRuntime(model, new StateRegistry([_ledger]), setting.Store, capabilities, setting.Clock, telemetry, logs, cluster: agent);
        await _runtime.JoinAsync(CancellationToken.None);
    }

    public async ValueTask StopAsync()
    {
        await _runtime!.LeaveAsync(CancellationToken.None);
        _isStopping = true;
        if (_requests > 0) await _idle.Task;
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_runtime is not null) await _runtime.StopAsync();
    }

    public long EpochOf(int shard) =>
        _runtime?.Cluster is { HoldsLease: true } cluster && cluster.Shards[shard] is { IsOwned: true } owned ? owned.Epoch : 0;

    public async ValueTask<SimReply> HandleAsync(SimRequest request, CancellationToken aborted)
    {
        if (_isStopping) return SimReply.Refused("stopping", Applied.No);
        _requests++;
        try
        {
            return await RouteAsync(request, aborted);
        }
        catch (StatesideException e)
        {
            return SimReply.Refused(e.Code, e.Applied) with { View = _runtime!.Cluster!.View?.Number ?? 0 };
        }
        finally
        {
            if (--_requests == 0 && _isStopping) _idle.TrySetResult();
        }
    }

    /// <summary>What the middleware does for an HTTP request: passes it on once, or runs it here.</summary>
    private async ValueTask<SimReply> RouteAsync(SimRequest request, CancellationToken aborted)
    {
        SimReply? relayed = null;
        var group = StoreNode.KeyOf(request.Key).Group;
        var isRepeatable = request.Kind == OperationKind.Read || request.IsIdempotent;
        while (true)
        {
            var isPassed = await _runtime!.Router!.TryForwardAsync(group, isRepeatable, request.View, async (owner, view) =>
            {
                if (request.Hops > 0) throw Errors.Elsewhere();
                (relayed, var attempt) = await SendAsync(owner, request with { Hops = 1, View = view });
                return attempt;
            }, aborted);
            if (isPassed) return relayed!;
            try
            {
                var turn = new LedgerTurn(_ledger, request, aborted);
                return turn.Reply(await _runtime.RunAsync(turn));
            }
            catch (StatesideException e) when (e.Kind == Errors.ElsewhereKind && request.Hops == 0)
            {
                // It was passed on while this one waited; nothing was applied, so it follows.
            }
        }
    }

    private async ValueTask<(SimReply? Reply, ForwardAttempt Attempt)> SendAsync(Member owner, SimRequest request)
    {
        try
        {
            var reply = await setting.World.Network.SendAsync(setting.Process.Id, owner.Port, request, s_patience);
            var isMisdirected = reply.Code == Errors.ElsewhereKind.Code;
            return (reply, new ForwardAttempt(isMisdirected ? Forwarded.Misdirected : Forwarded.Answered, reply.View, CanRepeat: true));
        }
        catch (NetworkException e)
        {
            return (null, new ForwardAttempt(e.Applied == Applied.No ? Forwarded.NotSent : Forwarded.Lost, 0, CanRepeat: true));
        }
    }
}
