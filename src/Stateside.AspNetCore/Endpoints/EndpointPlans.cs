using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Stateside.States;

namespace Stateside.AspNetCore.Endpoints;

/// <summary>The plans of all endpoints seen so far. Endpoints are few and live long, so plans are kept.</summary>
internal sealed class EndpointPlans(StateRegistry registry)
{
    private readonly ConcurrentDictionary<Endpoint, EndpointPlan?> _plans = new(ReferenceEqualityComparer.Instance);

    public EndpointPlan? Of(Endpoint endpoint) => _plans.GetOrAdd(endpoint, static (e, r) => EndpointPlan.Of(e, r), registry);
}
