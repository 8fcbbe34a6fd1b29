using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Endpoints;

/// <summary>Remembers that <c>UseStateside</c> was called.</summary>
internal sealed class MiddlewareMark
{
    public bool IsUsed { get; set; }
}

/// <summary>Looks at all mapped endpoints once the pipeline stands and before the server listens, and stops the start with every fault in one message.</summary>
internal sealed class EndpointChecks(EndpointPlans plans, StateRegistry registry, MiddlewareMark mark, StatesideRuntimeHolder holder) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        next(app);
        var faults = new List<ConfigurationFault>();
        var any = false;
        foreach (var endpoint in app.ApplicationServices.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).Distinct())
        {
            if (plans.Of(endpoint) is not { } plan) continue;
            any = true;
            Check(endpoint, plan, faults);
        }
        if (any && !mark.IsUsed) faults.Add(EndpointFaults.MiddlewareMissing());
        if (faults.Count > 0) throw new StatesideConfigurationException(faults);
    };

    private void Check(Endpoint endpoint, EndpointPlan plan, List<ConfigurationFault> faults)
    {
        var name = endpoint.DisplayName ?? plan.Route;
        foreach (var parameter in plan.Parameters)
        {
            if (parameter.Definition is null)
                faults.Add(EndpointFaults.Undeclared(name, parameter.HandleType.GenericTypeArguments[0].Name, registry.All.Select(d => d.Name)));
            if (parameter.Source == KeySource.Route && (endpoint as RouteEndpoint)?.RoutePattern.GetParameter(parameter.RouteName) is null)
                faults.Add(EndpointFaults.NoRouteValue(name, parameter.RouteName));
            if (parameter.Definition?.Place == Place.Client && parameter.Source is KeySource.Route or KeySource.New)
                faults.Add(EndpointFaults.ClientKey(name, parameter.Definition!.Name));
            if (parameter is { Source: KeySource.User, Definition: { Place: Place.Client, Guard: not null } })
                faults.Add(EndpointFaults.GuardedUser(name, parameter.Definition.Name));
            if (parameter.Source == KeySource.New && !parameter.Writes)
                faults.Add(EndpointFaults.NewSnapshot(name));
        }
        // An endpoint that names no method answers every one of them.
        if (plan.Writes && (plan.Methods.Count == 0 || plan.Methods.Any(m => HttpMethods.IsGet(m) || HttpMethods.IsHead(m))))
            faults.Add(EndpointFaults.GetWrites(name));
        if (plan.Streams && plan.Parameters.Count > 0 && plan.Parameters.All(p => p.Definition?.Place == Place.Client))
            faults.Add(EndpointFaults.NotWatchable(name, plan.Parameters[0].Definition!.Name));
        if (plan.Receipt is not null && holder.Runtime.Store is NoStore) faults.Add(EndpointFaults.NoReceipts(name));
        if (plan.WriteSources.Count > 1 || plan.WriteSources is [(KeySource.Route, _)] && plan.Parameters.Any(p => p.Source == KeySource.New))
            faults.Add(EndpointFaults.ManyGroups(name));
    }
}
