using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Watching;
using Stateside.Turns;
using Stateside.Watching;

namespace Stateside;

/// <summary>
/// A response of Server-Sent Events that follows a state: made by <see cref="StatesideWatchExtensions"/>, returned by a handler that takes a
/// <see cref="Snapshot{T}"/> and no <see cref="State{T}"/>. It begins after the turn has ended, and holds nothing that a turn waits for.
/// </summary>
public sealed class WatchResult : IResult, IStatusCodeHttpResult, IContentTypeHttpResult, IEndpointMetadataProvider
{
    internal const string MediaType = "text/event-stream";

    private readonly Func<HttpContext, WatchHub, ValueTask<EventStream>> _open;

    internal WatchResult(Func<HttpContext, WatchHub, ValueTask<EventStream>> open) => _open = open;

    /// <inheritdoc/>
    public int? StatusCode => StatusCodes.Status200OK;

    /// <inheritdoc/>
    public string? ContentType => MediaType;

    /// <inheritdoc/>
    /// <exception cref="StatesideException">SS1016: the handler takes a <see cref="State{T}"/>. SS1025: the next event is not kept (410). SS1027: the state lives with the client.</exception>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var slot = httpContext.Features.Get<StreamSlot>() ?? throw Errors.StreamingRefused();
        slot.Stream?.Dispose();
        slot.Stream = await _open(httpContext, httpContext.RequestServices.GetRequiredService<StatesideRuntimeHolder>().Runtime.Watches);
    }

    /// <inheritdoc/>
    static void IEndpointMetadataProvider.PopulateMetadata(MethodInfo method, EndpointBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Metadata.Add(new WatchMetadata());
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), [MediaType]));
    }
}

/// <summary>Marks an endpoint that answers with a stream: it has no version of its own.</summary>
internal sealed class WatchMetadata;

/// <summary>Follows states over HTTP: <c>app.MapGet("/counters/{id}/events", ([RouteKey("id")] Snapshot&lt;Counter&gt; counter) => counter.Watch())</c>.</summary>
public static class StatesideWatchExtensions
{
    private const string LastEventId = "Last-Event-ID";

    /// <summary>Sends the value of a state, and the newest whenever it has changed: JSON as the application's options for HTTP say.</summary>
    /// <param name="state">Which one.</param>
    public static WatchResult Watch<T>(this Snapshot<T> state) where T : class => state.Watch(static value => value);

    /// <summary>The same, as something made of the value.</summary>
    /// <param name="state">Which one.</param>
    /// <param name="view">A pure function of the value.</param>
    public static WatchResult Watch<T, TView>(this Snapshot<T> state, Func<T, TView> view) where T : class
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(view);
        return new WatchResult(async (context, watches) =>
        {
            StateVersion? from = StateVersion.TryParse(LastSeen(context), out var seen) ? seen : null;
            var watcher = await watches.WatchAsync(state.Definition, state.Row.Key, from, context.RequestAborted);
            var json = Json<TView>(context);
            return new EventStream(watcher, async patience => await watcher.NextAsync(patience) is { } next ? EventOf(next, view, json) : null);
        });
    }

    /// <summary>Sends every event of a folded state, in order, with its number as the id.</summary>
    /// <param name="state">Which one.</param>
    /// <param name="from">After which number a client begins that has none of its own: 0 for all that are kept, <see cref="Snapshot{T}.EventNumber"/> for what comes from now on.</param>
    /// <typeparam name="T">The folded state.</typeparam>
    /// <typeparam name="TEvent">The base type of its events.</typeparam>
    public static WatchResult WatchEvents<T, TEvent>(this Snapshot<T> state, long from = 0)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull => state.WatchEvents<T, TEvent, TEvent>(static e => e, from);

    /// <summary>The same, as something made of each event.</summary>
    /// <param name="state">Which one.</param>
    /// <param name="view">A pure function of the event.</param>
    /// <param name="from">As above.</param>
    /// <typeparam name="T">The folded state.</typeparam>
    /// <typeparam name="TEvent">The base type of its events.</typeparam>
    /// <typeparam name="TView">What is sent.</typeparam>
    public static WatchResult WatchEvents<T, TEvent, TView>(this Snapshot<T> state, Func<TEvent, TView> view, long from = 0)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(view);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        return new WatchResult(async (context, watches) =>
        {
            var after = long.TryParse(LastSeen(context), NumberStyles.None, CultureInfo.InvariantCulture, out var seen) ? seen : from;
            var watcher = await watches.WatchEventsAsync<T, TEvent>(state.Definition, state.Row.Key, after, context.RequestAborted);
            var json = Json<TView>(context);
            return new EventStream(watcher, async patience => await watcher.NextAsync(patience) is { } next
                ? new ServerSentEvent(next.Number.ToString(CultureInfo.InvariantCulture), null, JsonSerializer.SerializeToUtf8Bytes(view(next.Event), json))
                : null);
        });
    }

    private static ServerSentEvent EventOf<T, TView>(Snapshot<T> state, Func<T, TView> view, JsonTypeInfo<TView> json) where T : class
    {
        var value = state.Exists ? state.Value : state.Definition.Empty;
        var data = value is null ? "null"u8.ToArray() : JsonSerializer.SerializeToUtf8Bytes(view(value), json);
        // What was never written has no version that a client could come back with.
        return new ServerSentEvent(state.Version.IsNone ? null : state.Version.ToString(), state.Exists ? null : "absent", data);
    }

    private static string? LastSeen(HttpContext context) => context.Request.Headers[LastEventId] is [var only] ? only : null;

    private static JsonTypeInfo<TView> Json<TView>(HttpContext context) =>
        (JsonTypeInfo<TView>)context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions.GetTypeInfo(typeof(TView));
}
