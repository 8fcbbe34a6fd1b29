using Microsoft.Extensions.Logging;
using Stateside.Caching;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sealing;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Watching;

namespace Stateside.Turns;

/// <summary>What runs once the configuration is validated and the store is open.</summary>
internal sealed class StatesideRuntime : IAsyncDisposable
{
    private readonly Telemetry _telemetry;
    private readonly TurnRunner _runner;
    private readonly ITurnWatch? _watch;
    private int _stopped;

    public StatesideRuntime(
        StatesideModel model, StateRegistry registry, IStore store, StoreCapabilities capabilities, TimeProvider time, Telemetry telemetry, ILoggerFactory logs,
        ITurnWatch? watch = null, Sealer? sealer = null, ClusterAgent? cluster = null)
    {
        (Model, Registry, Store, Capabilities, Time, _telemetry, _watch) = (model, registry, store, capabilities, time, telemetry, watch);
        Gate = new TurnGate(model.Limits.MaxTurns, model.Limits.MaxQueue);
        telemetry.Watch(() => Gate.Turns);
        var cache = NearCache.Of(model, registry, time, telemetry);
        telemetry.WatchCache(() => cache?.Bytes ?? 0);
        var news = new StoreNews(store, cache);
        news.Listen();
        var turns = new TurnStore(store, telemetry, cache);
        if (cluster is not null)
        {
            (Cluster, Node) = (cluster, new NodePlace(cluster, turns, registry, model.Node, time));
            Router = new Router(cluster, model.Node, time);
        }
        turns.Watches = Watches = new WatchHub(turns, Node, news, capabilities.Watchable, time);
        Node?.Tell(Watches);
        telemetry.WatchNode(Cluster, Node);
        telemetry.WatchWatchers(() => Watches.Count);
        Sessions = new SessionIssuer(sealer, model.Session, time) { IsHome = cluster is null ? null : group => cluster.Shards[group.Shard].IsOwned };
        var client = sealer is null ? null : new ClientPlace(sealer, model, time);
        _runner = new TurnRunner(turns, client, Node, Sessions, Gate, model, time, telemetry, logs.CreateLogger<TurnRunner>());
    }

    public StatesideModel Model { get; }

    public StateRegistry Registry { get; }

    public IStore Store { get; }

    public StoreCapabilities Capabilities { get; }

    public TimeProvider Time { get; }

    public TurnGate Gate { get; }

    /// <summary>This node among the others; null where no state lives on nodes.</summary>
    public ClusterAgent? Cluster { get; }

    /// <summary>States in memory; null where none lives on nodes.</summary>
    public NodePlace? Node { get; }

    /// <summary>Hop 2; null where no state lives on nodes.</summary>
    public Router? Router { get; }

    public SessionIssuer Sessions { get; }

    /// <summary>Those who watch states.</summary>
    public WatchHub Watches { get; }

    /// <summary>Runs one turn, counted and timed by its outcome.</summary>
    public async ValueTask<TurnOutcome> RunAsync(ITurnHost host)
    {
        var started = _telemetry.Start();
        using var activity = _telemetry.Source.StartActivity("stateside.turn");
        var outcome = "error";
        try
        {
            var result = await _runner.RunAsync(_watch?.Around(host) ?? host);
            outcome = result.Replay is not null ? "replayed" : "done";
            return result;
        }
        catch (StatesideException e)
        {
            outcome = e.Code;
            throw;
        }
        finally
        {
            _telemetry.Turn(outcome, started);
        }
    }

    /// <summary>Passes on what this node owns and writes what is in memory only. Turns still run meanwhile, and wait where they must.</summary>
    public async ValueTask LeaveAsync(CancellationToken cancellationToken)
    {
        Watches.Stop(onNode: false);
        if (Cluster is not null) await Cluster.LeaveAsync(cancellationToken);
    }

    /// <summary>Joins the cluster, if states live on nodes.</summary>
    /// <exception cref="StatesideException">SS4003 to SS4006: this node does not fit into it.</exception>
    public async ValueTask JoinAsync(CancellationToken cancellationToken)
    {
        if (Cluster is not null) await Cluster.JoinAsync(Node!.FlushAsync, cancellationToken);
    }

    /// <summary>Ends what runs beside the turns; the store stays with whoever opened it.</summary>
    public async ValueTask StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 1) return;
        Watches.Stop(onNode: true);
        if (Node is not null) await Node.DisposeAsync();
        if (Cluster is not null) await Cluster.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Store.DisposeAsync();
    }
}
