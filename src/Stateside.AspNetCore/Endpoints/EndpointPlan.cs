using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Stateside.States;

namespace Stateside.AspNetCore.Endpoints;

/// <summary>Under which key a parameter's state is found.</summary>
internal enum KeySource
{
    Session,
    User,
    Route,
    New,
}

/// <summary>One parameter of an endpoint that is a state.</summary>
/// <param name="Definition">Which state; null if none of this type is declared, which start-up refuses.</param>
/// <param name="HandleType"><c>State&lt;T&gt;</c> or <c>Snapshot&lt;T&gt;</c>.</param>
/// <param name="Writes">Whether it is <c>State&lt;T&gt;</c>.</param>
/// <param name="Source">Under which key.</param>
/// <param name="RouteName">The name of the route value (<see cref="KeySource.Route"/>).</param>
/// <param name="ServiceKey">The key of the parameter's attribute, by which the binding asks for it; null without one.</param>
/// <param name="IsTagged">Whether it is marked <c>[ETag]</c>.</param>
internal sealed record StateParameter(
    StateDefinition? Definition, Type HandleType, bool Writes, KeySource Source, string RouteName, object? ServiceKey, bool IsTagged);

/// <summary>Marks an endpoint that must be called with an <c>Idempotency-Key</c>, or that calls the outside world.</summary>
internal interface IReceiptMetadata
{
    /// <summary>The handler calls the outside world.</summary>
    bool CallsOutside { get; }

    /// <summary>Its calls are safe to repeat with the turn's ids.</summary>
    bool SafeToRepeat { get; }
}

/// <inheritdoc/>
internal sealed record ReceiptMetadata(bool CallsOutside, bool SafeToRepeat) : IReceiptMetadata;

/// <summary>Hop 1: what one endpoint takes. Made once for each endpoint, from what its parameters say.</summary>
internal sealed class EndpointPlan
{
    private EndpointPlan(Endpoint endpoint, IReadOnlyList<StateParameter> parameters)
    {
        Parameters = parameters;
        Receipt = endpoint.Metadata.GetMetadata<IReceiptMetadata>();
        Route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? endpoint.DisplayName ?? "";
        Methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];
        RequiresAuthorization = endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null;
        Writes = parameters.Any(p => p.Writes);
        WriteSources = [.. parameters.Where(p => p.Writes && p.Source != KeySource.New).Select(p => (p.Source, p.RouteName)).Distinct()];
        NeedsSession = parameters.Any(p => p.Source == KeySource.Session);
        NeedsUser = parameters.Any(p => p.Source == KeySource.User);
        Streams = endpoint.Metadata.GetMetadata<WatchMetadata>() is not null;
        TaggedIndex = Streams ? -1 : TaggedParameter(parameters);
    }

    public IReadOnlyList<StateParameter> Parameters { get; }

    /// <summary>Whether the endpoint asks for receipts by itself; null: it honours the header where it writes.</summary>
    public IReceiptMetadata? Receipt { get; }

    /// <summary>The route pattern, part of a receipt's id.</summary>
    public string Route { get; }

    public IReadOnlyList<string> Methods { get; }

    public bool RequiresAuthorization { get; }

    public bool Writes { get; }

    /// <summary>What decides the group that a turn writes; more than one is refused at start-up, none means the caller's.</summary>
    public IReadOnlyList<(KeySource Source, string RouteName)> WriteSources { get; }

    public bool NeedsSession { get; }

    /// <summary>Whether a state of it lives on nodes. Places are known once the host has started, later than this plan may be made.</summary>
    public bool IsOnNode
    {
        get
        {
            for (var i = 0; i < Parameters.Count; i++)
                if (Parameters[i].Definition?.Place == Place.Node) return true;
            return false;
        }
    }

    public bool NeedsUser { get; }

    /// <summary>Whether it answers with a stream that follows a state, as far as its handler's type tells.</summary>
    public bool Streams { get; }

    public int TaggedIndex { get; }

    /// <summary>The plan of an endpoint; null for one that takes no state and asks for no receipt.</summary>
    public static EndpointPlan? Of(Endpoint endpoint, StateRegistry registry)
    {
        var parameters = ParametersOf(endpoint).Select(p => ToState(p, registry)).OfType<StateParameter>().ToArray();
        return parameters.Length == 0 && endpoint.Metadata.GetMetadata<IReceiptMetadata>() is null ? null : new EndpointPlan(endpoint, parameters);
    }

    private static IEnumerable<ParameterInfo> ParametersOf(Endpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<ControllerActionDescriptor>() is { } action)
            return action.Parameters.OfType<ControllerParameterDescriptor>().Select(p => p.ParameterInfo);
        return endpoint.Metadata.OfType<IParameterBindingMetadata>().Select(p => p.ParameterInfo);
    }

    private static StateParameter? ToState(ParameterInfo parameter, StateRegistry registry)
    {
        var type = parameter.ParameterType;
        if (!type.IsGenericType) return null;
        var generic = type.GetGenericTypeDefinition();
        if (generic != typeof(State<>) && generic != typeof(Snapshot<>)) return null;
        var attribute = parameter.GetCustomAttributes(inherit: true).OfType<FromKeyedServicesAttribute>().FirstOrDefault();
        var source = attribute switch
        {
            RouteKeyAttribute => KeySource.Route,
            NewKeyAttribute => KeySource.New,
            UserKeyAttribute => KeySource.User,
            _ => KeySource.Session,
        };
        return new StateParameter(
            registry.Find(type.GenericTypeArguments[0]), type, generic == typeof(State<>), source,
            (attribute as RouteKeyAttribute)?.Name ?? "", attribute?.Key,
            parameter.GetCustomAttributes(inherit: true).OfType<ETagAttribute>().Any());
    }

    /// <summary>The only state, or the one marked <c>[ETag]</c>.</summary>
    private static int TaggedParameter(IReadOnlyList<StateParameter> parameters)
    {
        if (parameters.Count == 1) return 0;
        for (var i = 0; i < parameters.Count; i++)
            if (parameters[i].IsTagged) return i;
        return -1;
    }
}
