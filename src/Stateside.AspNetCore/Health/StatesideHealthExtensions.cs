using Microsoft.Extensions.DependencyInjection;
using Stateside.AspNetCore.Health;

namespace Stateside;

/// <summary>Adds Stateside to an application's health checks.</summary>
public static class StatesideHealthExtensions
{
    /// <summary>
    /// Adds the check <c>stateside</c> with the tag <c>ready</c>: healthy while the store answers a load within 2 seconds and the host is not stopping. It
    /// belongs on a readiness page only: a process that is restarted because its store is away is away longer.
    /// </summary>
    public static IHealthChecksBuilder AddStateside(this IHealthChecksBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<ReadinessCheck>("stateside", tags: ["ready"]);
    }
}
