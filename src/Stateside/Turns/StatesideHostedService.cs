using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.Cluster;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Sealing;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>
/// Starts and stops the engine with the host. Everything happens in StartingAsync, which hosts call before the StartAsync of
/// any service, so that nothing runs on a configuration that does not hold together. The store is let go in StoppedAsync,
/// after the web server and every service have let their last turns end.
/// </summary>
internal sealed class StatesideHostedService(
    StatesideBuilder builder, StateRegistry registry, StatesideRuntimeHolder holder, IEnumerable<IStoreProvider> providers,
    TimeProvider time, Telemetry telemetry, ILoggerFactory logs, IStore? given = null, ITurnWatch? watch = null, INodePort? port = null)
    : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>Most rows that one clean-up removes, so that it never holds the store for long.</summary>
    public const int CleanUpBatch = 1000;

    /// <summary>The pause between two clean-ups while there is more to remove.</summary>
    public static readonly TimeSpan CleanUpPause = TimeSpan.FromMilliseconds(100);

    /// <summary>The pause between two clean-ups when nothing was left, give or take <see cref="CleanUpJitter"/>.</summary>
    public static readonly TimeSpan CleanUpPeriod = TimeSpan.FromSeconds(60);

    /// <summary>Keeps processes on one store from cleaning up in step.</summary>
    public static readonly TimeSpan CleanUpJitter = TimeSpan.FromSeconds(6);

    private readonly ILogger _log = logs.CreateLogger<StatesideHostedService>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _cleaning = Task.CompletedTask;
    private bool _hasEnded;
    private IStore? _own;
    private KeyRing? _keys;
    private StatesideRuntime? _runtime;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            var runtime = _runtime = await OpenAsync(cancellationToken);
            // A node that others are to reach joins once its port listens.
            if (runtime.Model.Cluster.Listen is null) await runtime.JoinAsync(cancellationToken);
            holder.Publish(runtime);
            _cleaning = KeepCleanAsync(runtime.Store);
        }
        catch
        {
            await ReleaseAsync();
            throw;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (_runtime is not { Model.Cluster.Listen: not null } runtime) return;
        if (port is not null) runtime.Cluster!.ListensOn(port.Port);
        await runtime.JoinAsync(cancellationToken);
    }

    /// <summary>While the web server still serves: requests that come meanwhile are passed on to the nodes that take the shards over.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (_runtime is { } runtime) await runtime.LeaveAsync(cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        EndCleaning();
        await _cleaning.WaitAsync(cancellationToken);
    }

    public async Task StoppedAsync(CancellationToken cancellationToken) => await ReleaseAsync();

    /// <summary>For a host that did not come to its stop: another service failed to start.</summary>
    public async ValueTask DisposeAsync()
    {
        EndCleaning();
        await _cleaning;
        await ReleaseAsync();
        _stopping.Dispose();
    }

    /// <summary>A host that is disposed while it stops, as test hosts are, comes here twice.</summary>
    private void EndCleaning()
    {
        if (Interlocked.Exchange(ref _hasEnded, true)) return;
        _stopping.Cancel();
    }

    private async Task<StatesideRuntime> OpenAsync(CancellationToken cancellationToken)
    {
        var faults = new List<ConfigurationFault>();
        var model = ConfigurationReader.Read(builder.Configuration, registry.All, faults);
        var store = given ?? (_own = StoreChoice.Create(builder.Configuration, model.StoreUrl, [.. providers], time, faults));
        if (faults.Count > 0) throw new StatesideConfigurationException(faults);

        var capabilities = await OpenAsync(store!, cancellationToken);
        Fit.Check(builder.Configuration, model, registry.All, capabilities, isConfigured: given is null, faults);
        if (faults.Count > 0) throw new StatesideConfigurationException(faults);

        _log.StoreOpened(capabilities.Name, capabilities.Durability, capabilities.Reach);
        foreach (var definition in registry.All)
        {
            definition.Configure(model.Places[definition.Name], model.States[definition.Name]);
            _log.StatePlaced(definition.Name, model.Places[definition.Name]);
        }
        if (registry.All.Any(d => d.IsCarried)) _keys = await OpenKeysAsync(model, store!, cancellationToken);
        var isNode = registry.All.Any(d => d.Place == Place.Node) || model.Cluster.Listen is not null || model.Cluster.IsGateway;
        var cluster = isNode ? new ClusterAgent(store!, model.Cluster, time, logs.CreateLogger<ClusterAgent>()) : null;
        return new StatesideRuntime(model, registry, store!, capabilities, time, telemetry, logs, watch, _keys?.Sealer, cluster);
    }

    private async Task<KeyRing> OpenKeysAsync(StatesideModel model, IStore store, CancellationToken cancellationToken)
    {
        try
        {
            return await KeyRing.OpenAsync(store is NoStore ? null : store, model.Keys, time, logs.CreateLogger<KeyRing>(), cancellationToken);
        }
        catch (StoreException e)
        {
            throw Errors.StoreUnusable(e);
        }
    }

    private static async Task<StoreCapabilities> OpenAsync(IStore store, CancellationToken cancellationToken)
    {
        try
        {
            return await store.OpenAsync(cancellationToken);
        }
        catch (StoreException e)
        {
            throw Errors.StoreUnusable(e);
        }
    }

    private async Task KeepCleanAsync(IStore store)
    {
        try
        {
            var pause = Period();
            while (true)
            {
                await Task.Delay(pause, time, _stopping.Token);
                pause = await CleanUpAsync(store) < CleanUpBatch ? Period() : CleanUpPause;
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The host stops; what is left is removed after the next start.
        }
    }

    private async Task<int> CleanUpAsync(IStore store)
    {
        try
        {
            var removed = await store.CleanUpAsync(CleanUpBatch, _stopping.Token);
            if (removed > 0) _log.CleanedUp(removed);
            return removed;
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
        {
            _log.CleanUpFailed(e);
            return 0;
        }
    }

    private static TimeSpan Period() => RandomBytes.Wait(CleanUpPeriod - CleanUpJitter, CleanUpPeriod + CleanUpJitter);

    /// <summary>Lets go of the store that this service made. One from the container belongs to whoever registered it.</summary>
    private async ValueTask ReleaseAsync()
    {
        holder.Publish(null);
        if (Interlocked.Exchange(ref _runtime, null) is { } runtime) await runtime.StopAsync();
        if (Interlocked.Exchange(ref _keys, null) is { } keys) await keys.DisposeAsync();
        if (Interlocked.Exchange(ref _own, null) is { } store) await store.DisposeAsync();
    }
}
