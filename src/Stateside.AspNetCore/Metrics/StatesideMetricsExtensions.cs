using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Stateside.AspNetCore.Metrics;

namespace Stateside;

/// <summary>Shows Stateside's metrics to a scraper.</summary>
public static class StatesideMetricsExtensions
{
    /// <summary>
    /// Maps a page with the metrics of the meter <c>Stateside</c> in Prometheus' text format (docs/telemetry.md lists them). For other
    /// exporters and other meters use OpenTelemetry; both can be used together.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route. The page tells of load and failures and is open unless the returned builder says otherwise.</param>
    public static IEndpointConventionBuilder MapStatesideMetrics(this IEndpointRouteBuilder endpoints, string pattern = "/metrics")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var collector = endpoints.ServiceProvider.GetRequiredService<MetricsCollector>();
        return endpoints.MapGet(pattern, context =>
        {
            context.Response.ContentType = PrometheusText.ContentType;
            context.Response.Headers.CacheControl = "no-store";
            return context.Response.WriteAsync(PrometheusText.Write(collector.Collect()), context.RequestAborted);
        }).ExcludeFromDescription().WithDisplayName("Stateside metrics");
    }
}
