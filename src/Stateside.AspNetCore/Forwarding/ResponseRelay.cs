using System.Buffers;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Gives the client what the other node answers, as it comes.</summary>
internal static class ResponseRelay
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Relays the response. If it throws before the response has begun, nothing of it was touched.</summary>
    public static async Task RunAsync(HttpContext context, HttpResponseMessage from, CancellationToken cancellationToken)
    {
        var to = context.Response;
        using var body = await from.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var reading = body.ReadAsync(buffer, cancellationToken);
        // The head of an event stream, or of a large file, is worth a packet of its own. A small response is not cut in two: one whose body
        // never comes has not begun, and its client is told so instead of being left with a connection that ends without a word.
        var goesAhead = !reading.IsCompleted && from.Content.Headers.ContentLength is not <= BufferSize;
        if (goesAhead)
        {
            CopyHead(from, to);
            await to.Body.FlushAsync(CancellationToken.None);
        }
        var count = await reading;
        if (!goesAhead) CopyHead(from, to);
        if (count > 0) await CopyAsync(body, buffer, count, WholeAt(from), to, goesAhead, cancellationToken);
        // Not given back where the exchange breaks: a read may still be under way.
        ArrayPool<byte>.Shared.Return(buffer);
        if (to.SupportsTrailers()) CopyTrailers(from.TrailingHeaders.NonValidated, to);
    }

    private static void CopyHead(HttpResponseMessage from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        CopyHeaders(from, to.Headers);
    }

    public static void CopyHeaders(HttpResponseMessage from, IHeaderDictionary to)
    {
        Copy(from.Headers.NonValidated, to);
        Copy(from.Content.Headers.NonValidated, to);
    }

    /// <summary>With how many bytes of its body the response is whole, whatever becomes of the node then; null where only its end tells, as before trailers.</summary>
    private static long? WholeAt(HttpResponseMessage from) => from.Headers.NonValidated.Contains("Trailer") ? null : from.Content.Headers.ContentLength;

    /// <summary>What has come leaves before more is waited for. Where the end has come with it, the server sends both at once.</summary>
    private static async ValueTask CopyAsync(Stream body, byte[] buffer, int count, long? wholeAt, HttpResponse to, bool isFlushed, CancellationToken cancellationToken)
    {
        // Begun before anything is written: should the rest not come, the response is cut, and nothing else is put after these bytes.
        await to.StartAsync(CancellationToken.None);
        var writer = to.BodyWriter;
        var (unsent, received) = (0, 0L);
        while (count > 0)
        {
            writer.Write(buffer.AsSpan(0, count));
            unsent += count;
            received += count;
            var reading = body.ReadAsync(buffer, cancellationToken);
            if (unsent >= BufferSize || !reading.IsCompleted)
            {
                await writer.FlushAsync(cancellationToken);
                (unsent, isFlushed) = (0, true);
            }
            try
            {
                count = await reading;
            }
            catch (Exception e) when (received == wholeAt && e is HttpRequestException or IOException or OperationCanceledException)
            {
                // The node has died between the last byte and the end of its stream, or is held for dead. What it did it has answered, and nothing of that is missing.
                break;
            }
        }
        // The server sends what is left with the end only where nothing has left before: of a response with a length it takes the end for sent.
        if (unsent > 0 && isFlushed) await writer.FlushAsync(CancellationToken.None);
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
