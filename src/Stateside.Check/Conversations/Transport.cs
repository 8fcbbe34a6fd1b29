using System.IO.Compression;
using System.Net;
using System.Text;

namespace Stateside.Check.Conversations;

/// <summary>What came of one request.</summary>
internal readonly record struct Arrival(Answer? Answer, Trouble? Trouble, string? Detail);

/// <summary>The connections of one conversation: HTTP/1.1, without cookies, redirects, proxies or decompression of their own, all of which would hide what the service does.</summary>
internal sealed class Transport(ConversationOptions options, TimeProvider time, bool anyCertificate) : IDisposable
{
    private const int MaxHeaderKilobytes = 64;
    private static readonly TimeSpan s_longestStream = TimeSpan.FromSeconds(2);

    /// <summary>A stream of events that is silent for as long is not waited for: it seldom ends by itself.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(300);

    /// <summary>Shorter than servers keep idle connections, so that no request meets one that is just being closed.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromMilliseconds(900);

    private readonly HttpMessageInvoker _kept = New(s_idle, anyCertificate);

    // A server of HTTP/1.0 closes every connection, and not always before it would be used again.
    private readonly HttpMessageInvoker _unkept = New(TimeSpan.Zero, anyCertificate);
    private volatile bool _keeps = true;

    private static HttpMessageInvoker New(TimeSpan idle, bool anyCertificate) => new(new SocketsHttpHandler
    {
        PooledConnectionIdleTimeout = idle,
        PooledConnectionLifetime = idle == TimeSpan.Zero ? TimeSpan.Zero : Timeout.InfiniteTimeSpan,
        UseCookies = false,
        AllowAutoRedirect = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        MaxResponseHeadersLength = MaxHeaderKilobytes,
        ActivityHeadersPropagator = null,
        // Octets pass through unchanged in both directions: cookies may hold any.
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        SslOptions = Certificates.Believed(anyCertificate),
    });

    /// <summary>Sends a request and reads the whole response, within the limits.</summary>
    public async Task<Arrival> SendAsync(SentRequest request, CancellationToken ct, bool isSecond = false)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        HttpResponseMessage response;
        try
        {
            using var message = Message(request);
            response = await (_keeps ? _kept : _unkept).SendAsync(message, both.Token);
            if (response.Version < HttpVersion.Version11) _keeps = false;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && Understand(e, headCame: false) is { } arrival)
        {
            // Who reads asks once more where a connection broke, as browsers do: a server may have closed it just then (RFC 9110, section 9.2.2).
            return !isSecond && e is HttpRequestException { HttpRequestError: not HttpRequestError.ConnectionError } && Scenarios.Step.IsSafeMethod(request.Method)
                ? await SendAsync(request, ct, isSecond: true)
                : arrival;
        }
        using (response)
        {
            return await ReadAsync(request, response, both.Token, ct);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        _kept.Dispose();
        _unkept.Dispose();
    }

    private static HttpRequestMessage Message(SentRequest request)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), request.Url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var type = request.Headers.Any(h => h.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase));
        // An unsafe request always has a content, if an empty one: the handler sends a request without content once more when a kept connection
        // turns out to be closed, and would so itself double the effect that the audit looks for.
        // What a WebSocket step says is said once there is one.
        var body = WebSocketTalk.Asks(request.Headers) ? ReadOnlyMemory<byte>.Empty : request.Body;
        if (!body.IsEmpty || type || !Scenarios.Step.IsSafeMethod(request.Method)) message.Content = new ReadOnlyMemoryContent(body);
        foreach (var (name, value) in request.Headers)
            if (!message.Headers.TryAddWithoutValidation(name, value)) message.Content?.Headers.TryAddWithoutValidation(name, value);
        return message;
    }

    private async Task<Arrival> ReadAsync(SentRequest request, HttpResponseMessage response, CancellationToken token, CancellationToken ct)
    {
        var headers = response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
            .SelectMany(h => h.Value.Select(v => KeyValuePair.Create(h.Key, v))).ToList();
        var answer = new Answer((int)response.StatusCode, headers, ReadOnlyMemory<byte>.Empty, false);
        if (request.Method == "HEAD") return new(answer, null, null);
        var stream = Comparing.BodyText.MediaType(answer.Header("content-type")) == "text/event-stream";
        var begun = time.GetTimestamp();
        // Who waits less for an answer listens less to a stream; the limit is not to be met by listening.
        var longest = options.Timeout / 2 < s_longestStream ? options.Timeout / 2 : s_longestStream;
        using var cut = new CancellationTokenSource(stream ? longest : Timeout.InfiniteTimeSpan, time);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(token, cut.Token);
        var body = new MemoryStream();
        try
        {
            await using var raw = await response.Content.ReadAsStreamAsync(all.Token);
            if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
            {
                if (!WebSocketTalk.Asks(request.Headers)) return new(answer, null, null);
                var (heard, isCut) = await WebSocketTalk.HoldAsync(raw, request.Body, options.MaxBodyBytes, time, all.Token);
                return new(answer with { Body = heard, Truncated = isCut }, null, null);
            }
            await using var decoded = ContentCoding.Undo(raw, answer.Header("content-encoding"));
            var more = await CopyAsync(decoded, body, options.MaxBodyBytes, () =>
            {
                var left = longest - time.GetElapsedTime(begun);
                if (stream) cut.CancelAfter(left < s_silence ? left > TimeSpan.Zero ? left : TimeSpan.Zero : s_silence);
            }, all.Token);
            return new(answer with { Body = body.ToArray(), Truncated = more }, null, more ? $"the body is over {options.MaxBodyBytes} bytes and was cut there" : null);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return new(answer with { Body = body.ToArray(), Truncated = true }, null, "the stream of events did not end by itself: each session listens until it is silent, and two seconds at most");
        }
        catch (Exception e) when (!ct.IsCancellationRequested && Understand(e, headCame: true) is { } arrival)
        {
            return arrival with { Answer = answer with { Body = body.ToArray(), Truncated = true } };
        }
    }

    /// <summary>Copies at most <paramref name="limit"/> bytes.</summary>
    /// <returns>Whether there was more.</returns>
    private static async Task<bool> CopyAsync(Stream from, MemoryStream to, int limit, Action came, CancellationToken ct)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(buffer, ct);
            if (read == 0) return false;
            came();
            var room = limit - (int)to.Length;
            to.Write(buffer, 0, Math.Min(read, room));
            if (read > room) return true;
        }
    }

    private Arrival? Understand(Exception e, bool headCame) => e switch
    {
        OperationCanceledException => new(null, Trouble.TimedOut, headCame ? $"the body did not end within {options.Timeout.TotalSeconds:0.#} s" : $"nothing came within {options.Timeout.TotalSeconds:0.#} s"),
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse } =>
            new(null, Trouble.BadResponse, "what came is not HTTP"),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => new(null, Trouble.BadResponse, $"the header is over {MaxHeaderKilobytes} KiB"),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } insecure => new(null, Trouble.NoConnection, Certificates.Fault(insecure)),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => new(null, Trouble.NoConnection, "nobody accepts connections there"),
        InvalidDataException => new(null, Trouble.BadResponse, "the body is not in the coding that Content-Encoding names"),
        IOException or HttpRequestException => headCame
            ? new(null, Trouble.BrokenOff, "the connection broke within the body")
            : new(null, Trouble.NoConnection, "the connection broke before the head of the response"),
        _ => null,
    };
}

/// <summary>Content codings (RFC 9110, section 8.4.1).</summary>
internal static class ContentCoding
{
    private const int MaxCodings = 3;

    /// <summary>The codings that can be undone, as Accept-Encoding names them.</summary>
    public static readonly string[] Known = ["gzip", "deflate", "br"];

    /// <summary>The field's codings, in the order in which they were applied, or null if one is unknown.</summary>
    public static IReadOnlyList<string>? Read(string? contentEncoding)
    {
        var codings = (contentEncoding ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(c => c.ToLowerInvariant()).Where(c => c != "identity").Select(c => c == "x-gzip" ? "gzip" : c).ToList();
        return codings.Count <= MaxCodings && codings.All(Known.Contains) ? codings : null;
    }

    /// <summary>A stream of the content with its codings undone; the stream itself if one is unknown.</summary>
    public static Stream Undo(Stream raw, string? contentEncoding) => (Read(contentEncoding) ?? []).Reverse().Aggregate(raw, (stream, coding) => coding switch
    {
        "gzip" => new GZipStream(stream, CompressionMode.Decompress),
        "br" => new BrotliStream(stream, CompressionMode.Decompress),
        _ => new ZLibStream(stream, CompressionMode.Decompress),
    });
}
