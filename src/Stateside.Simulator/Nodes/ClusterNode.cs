using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Cluster;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>A node of a cluster: its states are in its memory, and a request that comes to another node is passed on to it. A gateway has none.</summary>
internal sealed class ClusterNode(NodeSetting setting) : INodeSoftware, IAsyncDisposable
{
    /// <summary>Most times that a turn which has come too late for its shard is routed again.</summary>
    private const int MostAttempts = 5;

    /// <summary>What stands for a connection that is refused, since nobody listens any more.</summary>
    private const string Stopping = "stopping";
    private static readonly TimeSpan s_lease = TimeSpan.FromMilliseconds(500);
    private readonly LedgerStates _states = new(Place.Node, setting.World.Options);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StatesideRuntime? _runtime;
    private int _requests;
    private bool _isStopping;

    private ClusterAgent Cluster => _runtime!.Cluster!;

    public UInt128 Incarnation => Cluster.Self.Incarnation;

    public async ValueTask StartAsync()
    {
        var capabilities = await setting.Store.OpenAsync(CancellationToken.None);
        var id = setting.Process.Id;
        var model = StoreNode.Model with
        {
            // So that states are dropped from memory and loaded again within a run.
            Node = NodeModel.Default with { IdleAfter = TimeSpan.FromSeconds(1) },
            Cluster = new ClusterModel(setting.Process.Name, "simulated", id, setting.World.IsGateway(id), s_lease, new byte[ClusterView.SecretBytes]),
        };
        ILoggerFactory logs = setting.World.Trace.IsKept ? new TraceLogs(setting.World, setting.Process.Name) : NullLoggerFactory.Instance;
        var telemetry = setting.World.Own(new Telemetry(setting.Clock));
        var agent = new ClusterAgent(setting.Store, model.Cluster, setting.Clock, logs.CreateLogger<ClusterAgent>());
        _runtime = new StatesideRuntime(model, _states.ToRegistry(), setting.Store, capabilities, setting.Clock, telemetry, logs, cluster: agent);
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
        if (_isStopping) return SimReply.Refused(Stopping, Applied.No);
        _requests++;
        var sent = new Sent { MayBeApplied = request.IsAgain };
        try
        {
            return await RouteAsync(request, sent, aborted);
        }
        catch (StatesideException e)
        {
            if (sent.MayBeApplied && Router.LeavesOpen(e)) e = Errors.ForwardLost();
            return SimReply.Refused(e.Code, e.Applied) with { View = Cluster.View?.Number ?? 0 };
        }
        finally
        {
            if (--_requests == 0 && _isStopping) _idle.TrySetResult();
        }
    }

    /// <summary>What the middleware does for an HTTP request (<c>OwnerRouting</c>): passes it on, or runs it here. One that was passed on is not passed on again.</summary>
    private async ValueTask<SimReply> RouteAsync(SimRequest request, Sent sent, CancellationToken aborted)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (request.Hops == 0)
            {
                if (await TryForwardAsync(request, sent, aborted) is { } relayed) return relayed;
            }
            else if (await IsMisdirectedAsync(request, aborted)) throw Errors.Elsewhere();
            try
            {
                var turn = new LedgerTurn(_states, request, aborted);
                return turn.Reply(await _runtime!.RunAsync(turn));
            }
            catch (StatesideException e) when (e.Kind == Errors.ElsewhereKind || e.Kind == Errors.FencedKind)
            {
                // It was passed on while this one waited; nothing was applied, so it follows.
                if (request.Hops > 0) throw Errors.Elsewhere();
                if (attempt == MostAttempts) throw;
            }
        }
    }

    /// <returns>The reply of another node; null if this one is to answer.</returns>
    private async ValueTask<SimReply?> TryForwardAsync(SimRequest request, Sent sent, CancellationToken aborted)
    {
        SimReply? relayed = null;
        var isRepeatable = request.Kind == OperationKind.Read || request.IsIdempotent;
        var isPassed = await _runtime!.Router!.TryForwardAsync(LedgerStates.LedgerOf(request.Key).Group, isRepeatable, 0, async (owner, view) =>
        {
            (relayed, var attempt) = await SendAsync(owner, request with { Hops = 1, View = view, IsAgain = sent.MayBeApplied }, aborted);
            sent.MayBeApplied |= attempt.Result == Forwarded.Lost && request.Kind != OperationKind.Read;
            return attempt;
        }, aborted);
        return isPassed ? relayed : null;
    }

    private async ValueTask<bool> IsMisdirectedAsync(SimRequest request, CancellationToken aborted)
    {
        try
        {
            var view = await Cluster.RefreshAsync(request.View, aborted);
            return view.Owner(LedgerStates.LedgerOf(request.Key).Group.Shard) is { } owner && !owner.Is(Cluster.Self);
        }
        catch (StoreException)
        {
            // What this node knows may be old; the turn will find out.
            return false;
        }
    }

    private async ValueTask<(SimReply? Reply, ForwardAttempt Attempt)> SendAsync(Member owner, SimRequest request, CancellationToken aborted)
    {
        var life = Cluster.LifeOf(owner);
        if (life.IsCancellationRequested) return (null, new ForwardAttempt(Forwarded.NotSent, 0, CanRepeat: true));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, life);
        try
        {
            var reply = await setting.World.Network.PassOnAsync(setting.Process, owner.Port, owner.Incarnation, request, end.Token);
            if (reply.Code == Stopping) return (null, new ForwardAttempt(Forwarded.NotSent, 0, CanRepeat: true));
            var isMisdirected = reply.Code == Errors.ElsewhereKind.Code;
            return (reply, new ForwardAttempt(isMisdirected ? Forwarded.Misdirected : Forwarded.Answered, reply.View, CanRepeat: true));
        }
        catch (NetworkException e)
        {
            return (null, new ForwardAttempt(e.Applied == Applied.No ? Forwarded.NotSent : Forwarded.Lost, 0, CanRepeat: true));
        }
    }

    /// <summary>What is known of a request that is passed on.</summary>
    private sealed class Sent
    {
        public bool MayBeApplied { get; set; }
    }
}
