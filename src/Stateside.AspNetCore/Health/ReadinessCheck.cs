using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.AspNetCore.Diagnostics;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Health;

/// <summary>
/// Whether requests should come here: the host is not stopping, the node is in the cluster if it belongs to one, and the store answers a load in time. The descriptions are fixed texts, because
/// health pages are often public; what the store said is in the log.
/// </summary>
internal sealed class ReadinessCheck(StatesideRuntimeHolder holder, IHostApplicationLifetime lifetime, ILogger<ReadinessCheck> log) : IHealthCheck
{
    /// <summary>The longest that the store may take.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    /// <summary>A row that nobody writes; that it is absent is an answer.</summary>
    private static readonly LoadRequest Probe = new([new StateKey(Group.Unowned(0), "$ready")]);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return HealthCheckResult.Unhealthy("The host is stopping.");
        if (holder.Current is not { } runtime) return HealthCheckResult.Unhealthy("The host has not started.");
        if (runtime.Cluster is { IsReady: false }) return HealthCheckResult.Unhealthy("The node has not joined the cluster, or its lease has ended.");
        using var bound = new CancellationTokenSource(Bound, runtime.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        try
        {
            // Waited for apart from the load itself, because a store may be stuck in a call that heeds no cancellation.
            await runtime.Store.LoadAsync(Probe, either.Token).AsTask().WaitAsync(either.Token);
            return HealthCheckResult.Healthy("The store answers.");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.NotReady(e);
            return HealthCheckResult.Unhealthy(bound.IsCancellationRequested ? "The store does not answer in time." : "The store fails.");
        }
    }
}
