using System.Buffers;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Gives the client what the other node answers, as it comes.</summary>
internal static class ResponseRelay
{
    private const int BufferSize = 16 * 1024;

    public static async Task RunAsync(HttpContext context, HttpResponseMessage from, CancellationToken cancellationToken)
    {
        var to = context.Response;
        to.StatusCode = (int)from.StatusCode;
        CopyHeaders(from, to.Headers);
        using var body = await from.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var writer = to.BodyWriter;
        var unsent = 0;
        // The head of an event stream, or of a large file, is worth a packet of its own; a small response is not cut in two.
        var waitsForBody = to.ContentLength is <= BufferSize;
        while (true)
        {
            var reading = body.ReadAsync(buffer, cancellationToken);
            // What has come leaves before more is waited for. Where the end has come with it, the server sends both at once.
            if (unsent >= BufferSize || (!reading.IsCompleted && (unsent > 0 || (!waitsForBody && !to.HasStarted))))
            {
                await writer.FlushAsync(cancellationToken);
                unsent = 0;
            }
            var count = await reading;
            if (count == 0) break;
            writer.Write(buffer.AsSpan(0, count));
            unsent += count;
        }
        // Not given back where the exchange breaks: a read may still be under way.
        ArrayPool<byte>.Shared.Return(buffer);
        if (to.SupportsTrailers()) CopyTrailers(from.TrailingHeaders.NonValidated, to);
    }

    public static void CopyHeaders(HttpResponseMessage from, IHeaderDictionary to)
    {
        Copy(from.Headers.NonValidated, to);
        Copy(from.Content.Headers.NonValidated, to);
    }

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to)
    {
        foreach (var (name, values) in from)
        {
            if (!HopHeaders.IsHopByHop(name)) to[name] = Values(values);
        }
    }

    private static void CopyTrailers(HttpHeadersNonValidated from, HttpResponse to)
    {
        foreach (var (name, values) in from) to.AppendTrailer(name, Values(values));
    }

    private static StringValues Values(HeaderStringValues values)
    {
        if (values.Count == 1) return values.ToString();
        var all = new string[values.Count];
        var i = 0;
        foreach (var value in values) all[i++] = value;
        return all;
    }
}
