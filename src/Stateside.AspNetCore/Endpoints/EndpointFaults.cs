namespace Stateside.AspNetCore.Endpoints;

/// <summary>The words of every fault that can be found in the mapped endpoints.</summary>
internal static class EndpointFaults
{
    public static ConfigurationFault MiddlewareMissing() => new(Errors.MiddlewareKind.Code,
        "Endpoints take states, but app.UseStateside() is not called. Call it after authentication and authorization, before app.Run().");

    public static ConfigurationFault Undeclared(string endpoint, string type, IEnumerable<string> declared) => new(Errors.UndeclaredKind.Code,
        $"Endpoint \"{endpoint}\" takes a state of type {type}, which is not declared. Declared: {string.Join(", ", declared)}. Add it: builder.AddStateside().AddState(\"name\", Json.Default.{type}).");

    public static ConfigurationFault GetWrites(string endpoint) => new(Errors.GetWritesKind.Code,
        $"Endpoint \"{endpoint}\" answers GET or HEAD and takes a State<T>. Caches and crawlers repeat such requests: take a Snapshot<T>, or map another method.");

    public static ConfigurationFault ManyGroups(string endpoint) => new(Errors.ManyGroupsKind.Code,
        $"Endpoint \"{endpoint}\" takes State<T> parameters under keys of different groups, and a turn writes one group. Take all but one of them as Snapshot<T>, or put them under one key.");

    public static ConfigurationFault NoRouteValue(string endpoint, string route) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" takes [RouteKey(\"{route}\")], but its route has no {{{route}}}. Spell both alike.");

    public static ConfigurationFault ClientKey(string endpoint, string state) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" takes \"{state}\" under a key of its own, but the state lives with the client (Stateside:States:{state}:Place), where it would grow without bound. Let it live in the store, or take it under the session's or the user's key.");

    public static ConfigurationFault GuardedUser(string endpoint, string state) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" takes \"{state}\" under [UserKey], and the state is guarded in the client's hands (Stateside:States:{state}:Guard): a user's second device would be refused, as it does not have what the first was given. Let it live in the store, or take it under the session's key.");

    public static ConfigurationFault NoReceipts(string endpoint) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" asks for an Idempotency-Key, but there is no store (none:) that could keep its receipts. Name a store (Stateside:Store).");

    public static ConfigurationFault NotWatchable(string endpoint, string state) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" watches \"{state}\", but the state lives with the client (Stateside:States:{state}:Place), and nobody else sees it change. Let it live in the store or on nodes.");

    public static ConfigurationFault NewSnapshot(string endpoint) => new(Errors.BadEndpointKind.Code,
        $"Endpoint \"{endpoint}\" takes [NewKey] on a Snapshot<T>; what is new cannot be read. Take a State<T>.");
}
