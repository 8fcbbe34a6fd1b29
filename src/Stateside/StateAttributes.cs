using Microsoft.Extensions.DependencyInjection;

namespace Stateside;

// The attributes are keyed-service attributes because that is how minimal APIs and MVC tell two parameters of one type apart (ADR 0002).

/// <summary>The state is found under a value of the route: <c>[RouteKey("id")] Snapshot&lt;Order&gt; order</c>.</summary>
/// <param name="name">The name of the route value.</param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class RouteKeyAttribute(string name) : FromKeyedServicesAttribute("route:" + name)
{
    /// <summary>The name of the route value.</summary>
    public string Name { get; } = name;
}

/// <summary>The state is new: its id is made by the turn, it must be absent when the turn commits, and it belongs to the caller's group.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class NewKeyAttribute() : FromKeyedServicesAttribute("new");

/// <summary>The state is that of the signed-in user (issuer and subject). An anonymous request is answered 401.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class UserKeyAttribute() : FromKeyedServicesAttribute("user");

/// <summary>Of several states, the one whose version is the response's <c>ETag</c> and is compared with <c>If-Match</c>.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ETagAttribute : Attribute;
