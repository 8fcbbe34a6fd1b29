using Microsoft.Extensions.Logging;
using Stateside.Caching;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Places;
using Stateside.Sealing;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>What runs once the configuration is validated and the store is open.</summary>
internal sealed class StatesideRuntime : IAsyncDisposable
{
    private readonly Telemetry _telemetry;
    private readonly TurnRunner _runner;
    private readonly ITurnWatch? _watch;

    public StatesideRuntime(
        StatesideModel model, StateRegistry registry, IStore store, StoreCapabilities capabilities, TimeProvider time, Telemetry telemetry, ILoggerFactory logs,
        ITurnWatch? watch = null, Sealer? sealer = null)
    {
        (Model, Registry, Store, Capabilities, Time, _telemetry, _watch) = (model, registry, store, capabilities, time, telemetry, watch);
        Gate = new TurnGate(model.Limits.MaxTurns, model.Limits.MaxQueue);
        telemetry.Watch(() => Gate.Turns);
        var cache = NearCache.Of(model, registry, time, telemetry);
        telemetry.WatchCache(() => cache?.Bytes ?? 0);
        if (cache is not null) store.Watch(cache);
        Sessions = new SessionIssuer(sealer, model.Session, time);
        var client = sealer is null ? null : new ClientPlace(sealer, model, time);
        _runner = new TurnRunner(new TurnStore(store, telemetry, cache), client, Sessions, Gate, model, time, telemetry, logs.CreateLogger<TurnRunner>());
    }

    public StatesideModel Model { get; }

    public StateRegistry Registry { get; }

    public IStore Store { get; }

    public StoreCapabilities Capabilities { get; }

    public TimeProvider Time { get; }

    public TurnGate Gate { get; }

    public SessionIssuer Sessions { get; }

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

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
