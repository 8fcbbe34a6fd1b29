using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Stateside.AspNetCore.Diagnostics;

namespace Stateside.AspNetCore.Watching;

/// <summary>One event as it leaves.</summary>
/// <param name="Id">What the client sends as <c>Last-Event-ID</c> when it comes back; null: what it had before.</param>
/// <param name="Name">Its type; null: a plain message.</param>
/// <param name="Data">Its data, in UTF-8.</param>
internal readonly record struct ServerSentEvent(string? Id, string? Name, byte[] Data);

/// <summary>Where a request that only reads may leave a stream, which runs once its turn has ended: a stream lasts, and a turn holds what others wait for.</summary>
internal sealed class StreamSlot
{
    public EventStream? Stream { get; set; }
}

/// <summary>A response of Server-Sent Events. It ends when the client goes, when the state moves to another node, and when the process stops; then the client comes back by itself.</summary>
/// <param name="watcher">Who watches.</param>
/// <param name="next">The next event; null if none came for so long.</param>
internal sealed class EventStream(IDisposable watcher, Func<TimeSpan, ValueTask<ServerSentEvent?>> next) : IDisposable
{
    /// <summary>After so long a silence a comment is sent: it keeps what stands between from giving up, and finds out who is gone.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>When a client comes back after the stream has ended.</summary>
    public static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    public async Task RunAsync(HttpContext context, ILogger log, string route)
    {
        var output = Begin(context);
        output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {Retry.TotalMilliseconds}\n\n")));
        await output.FlushAsync(context.RequestAborted);
        try
        {
            while (true)
            {
                if (await next(Heartbeat) is { } e) Write(output, e);
                else output.Write(":\n\n"u8);
                await output.FlushAsync(context.RequestAborted);
            }
        }
        catch (StatesideException e)
        {
            // The head has left, so an end is all that can be said. Whoever comes back is told the reason, if it still stands.
            if (e.Kind.Status == StatusCodes.Status500InternalServerError) log.Failed(e.Code, context.Request.Method, route, e.Applied, e.InnerException);
            else log.StreamEnded(e.Code, context.Request.Method, route);
        }
    }

    public void Dispose() => watcher.Dispose();

    private static PipeWriter Begin(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = WatchResult.MediaType;
        response.Headers.CacheControl = "no-store";
        // nginx holds responses back unless it is told not to.
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.Remove("ETag");
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        return response.BodyWriter;
    }

    private static void Write(PipeWriter output, ServerSentEvent e)
    {
        if (e.Id is not null) Write(output, "id: "u8, Encoding.ASCII.GetBytes(e.Id));
        if (e.Name is not null) Write(output, "event: "u8, Encoding.ASCII.GetBytes(e.Name));
        // JSON may be written in several lines, as the application's options say.
        ReadOnlySpan<byte> data = e.Data;
        foreach (var line in data.Split((byte)'\n')) Write(output, "data: "u8, data[line].TrimEnd((byte)'\r'));
        output.Write("\n"u8);
    }

    private static void Write(PipeWriter output, ReadOnlySpan<byte> field, ReadOnlySpan<byte> value)
    {
        output.Write(field);
        output.Write(value);
        output.Write("\n"u8);
    }
}
