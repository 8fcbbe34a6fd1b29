using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Stateside.Tool.Replay;

/// <summary>One request: what a retry and a resend repeat exactly.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path, from the root.</param>
/// <param name="Key">The <c>Idempotency-Key</c>; null: none, the request changes nothing.</param>
/// <param name="Body">JSON, or nothing.</param>
internal sealed record ShopRequest(HttpMethod Method, string Path, string? Key = null, byte[]? Body = null)
{
    public static ShopRequest Add(OrderLine line) => new(HttpMethod.Post, "/cart/add", $"row-{line.Row}",
        JsonSerializer.SerializeToUtf8Bytes(new AddBody(line.Product, line.Quantity, line.UnitPrice), ShopJson.Default.AddBody));

    public static ShopRequest Order(string invoice) => new(HttpMethod.Post, "/orders", invoice);

    /// <summary>The same with its lines, for a cart that could not hold them.</summary>
    public static ShopRequest Order(Invoice invoice) => new(HttpMethod.Post, "/orders", invoice.Number,
        JsonSerializer.SerializeToUtf8Bytes(
            new OrderBody([.. invoice.Lines.Select(l => new AddBody(l.Product, l.Quantity, l.UnitPrice))]), ShopJson.Default.OrderBody));

    public static ShopRequest Clear(string invoice) => new(HttpMethod.Delete, "/cart", $"clear-{invoice}");

    public override string ToString() => Key is null ? $"{Method} {Path}" : $"{Method} {Path} (key {Key})";
}

/// <summary>The final answer to a request. Two answers are the same if status and body are.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="BodyHash">The first half of the body's SHA-256.</param>
/// <param name="Location">The <c>Location</c> header.</param>
/// <param name="Body">The body, if it was asked for or the status is not a success.</param>
internal sealed record Answer(int Status, UInt128 BodyHash, string? Location, byte[] Body)
{
    public bool SameAs(Answer other) => Status == other.Status && BodyHash == other.BodyHash;

    /// <summary>For a message: the status and what the problem document says.</summary>
    public override string ToString() => ShopClient.ReadProblem(Body) is { } problem ? $"{Status} {problem.Detail ?? problem.Title}" : $"{Status}";
}

/// <summary>The shop has not served a request for too long.</summary>
internal sealed class GaveUpException(string message) : Exception(message);

/// <summary>
/// Talks to the shop as a careful client does: it keeps connections, and repeats a request under the same key for as long
/// as the answer is lost, or says that nothing was applied or that it cannot tell.
/// </summary>
internal sealed class ShopClient : IDisposable
{
    /// <summary>How long one request is tried; the server may be killed and started again meanwhile.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string SessionRequired = "urn:stateside:problem:session-required";
    private const int MaxBodyBytes = 16 * 1024 * 1024;
    private static readonly TimeSpan s_attemptTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(1);
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        UseProxy = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
    });

    private readonly Uri _root;
    private readonly TimeProvider _time;
    private long _requests;
    private long _retries;

    public ShopClient(Uri root, TimeProvider time) => (_root, _time) = (root, time);

    /// <summary>Requests sent, retries and resends among them.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Requests sent again because the answer was lost or not final.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Sends a request until it has a final answer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="session">Whose cookies it bears; null: nobody's.</param>
    /// <param name="keepBody">Whether the caller reads the body.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="GaveUpException">There was none within <see cref="Patience"/>.</exception>
    public async Task<Answer> SendAsync(ShopRequest request, ShopSession? session, bool keepBody, CancellationToken cancellationToken)
    {
        var begun = _time.GetTimestamp();
        for (var delay = s_firstDelay; ; delay = Min(delay * 2, s_longestDelay))
        {
            var hadSession = session?.Header is not null;
            var (answer, retryAfter, reason) = await AttemptAsync(request, session, keepBody, cancellationToken);
            if (answer is { Status: 400 } && !hadSession && session?.Header is not null && ReadProblem(answer.Body)?.Type == SessionRequired)
                // The refusal brought the session's cookie: the same request now has a caller, and is the first one of it.
                (answer, retryAfter, reason) = await AttemptAsync(request, session, keepBody, cancellationToken);
            if (answer is not null) return answer;
            if (_time.GetElapsedTime(begun) > Patience)
                throw new GaveUpException($"{request} had no final answer for {Patience.TotalSeconds:0} seconds; the last: {reason}.");
            Interlocked.Increment(ref _retries);
            await Task.Delay(retryAfter ?? delay, _time, cancellationToken);
        }
    }

    /// <summary>One attempt: the final answer, or why there is none and when to try again.</summary>
    private async Task<(Answer? Final, TimeSpan? RetryAfter, string? Reason)> AttemptAsync(
        ShopRequest request, ShopSession? session, bool keepBody, CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(s_attemptTimeout);
        try
        {
            using var message = Message(request, session?.Header);
            Interlocked.Increment(ref _requests);
            using var response = await _http.SendAsync(message, bound.Token);
            if (session is not null && response.Headers.TryGetValues("Set-Cookie", out var cookies))
                session.Absorb(cookies);
            var answer = await ReadAsync(response, keepBody, bound.Token);
            return IsFinal(answer, response, out var retryAfter) ? (answer, null, null) : (null, retryAfter, answer.ToString());
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, null, (e.InnerException ?? e).Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, null, $"no answer in {s_attemptTimeout.TotalSeconds:0} seconds");
        }
    }

    private HttpRequestMessage Message(ShopRequest request, string? cookie)
    {
        var message = new HttpRequestMessage(request.Method, new Uri(_root, request.Path));
        if (cookie is not null) message.Headers.TryAddWithoutValidation("Cookie", cookie);
        // In quotes, as the IETF draft wants it, so that a strict server takes it too.
        if (request.Key is not null) message.Headers.TryAddWithoutValidation("Idempotency-Key", $"\"{request.Key.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"");
        if (request.Body is not null) message.Content = new ByteArrayContent(request.Body) { Headers = { ContentType = s_json } };
        return message;
    }

    private static async Task<Answer> ReadAsync(HttpResponseMessage response, bool keepBody, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            var length = 0;
            await using var content = await response.Content.ReadAsStreamAsync(cancellationToken);
            while (await content.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var read)
            {
                length += read;
                if (length > MaxBodyBytes) throw new IOException($"an answer of more than {MaxBodyBytes} bytes");
                if (length == buffer.Length) Grow(ref buffer);
            }

            var body = buffer.AsSpan(0, length);
            return new Answer((int)response.StatusCode, Hash(body), response.Headers.Location?.OriginalString,
                keepBody || !response.IsSuccessStatusCode ? body.ToArray() : []);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Grow(ref byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }

    private static UInt128 Hash(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    private static bool IsFinal(Answer answer, HttpResponseMessage response, out TimeSpan? retryAfter)
    {
        retryAfter = response.Headers.RetryAfter?.Delta is { } delta ? Min(delta, s_longestDelay * 5) : null;
        if (answer.Status < 400) return true;
        return answer.Status switch
        {
            408 or 429 or 502 or 503 or 504 => false,
            409 => retryAfter is null,
            >= 500 => ReadProblem(answer.Body)?.Applied is not ("no" or "unknown"),
            _ => true,
        };
    }

    /// <summary>The problem document in a body; null if there is none.</summary>
    public static Problem? ReadProblem(byte[] body)
    {
        try
        {
            return body.Length == 0 ? null : JsonSerializer.Deserialize(body, ShopJson.Default.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    public void Dispose() => _http.Dispose();
}
