using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Tool.Replay;

namespace Stateside.Tool.Torture;

/// <summary>A request, which every attempt repeats exactly.</summary>
internal sealed record TortureRequest(HttpMethod Method, string Path, string? IdempotencyKey = null, byte[]? Body = null);

/// <summary>What came of one attempt.</summary>
/// <param name="Outcome">What it says of the request, as far as this attempt goes.</param>
/// <param name="Status">The status; 0: none came.</param>
/// <param name="Body">The body.</param>
internal sealed record Reply(Outcome Outcome, int Status, byte[] Body);

/// <summary>Sends requests to the gateway and to all nodes, and counts what they are answered.</summary>
/// <remarks>Every POST has a body: one without, .NET's client would by itself send again on a new connection if the old one broke.</remarks>
internal sealed class TortureClient(Uri gateway, IReadOnlyList<Uri> nodes, TimeProvider time) : IDisposable
{
    private const int MostBody = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseCookies = false, UseProxy = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null, ConnectTimeout = TimeSpan.FromSeconds(1),
    });

    private long _next;
    private long _requests;
    private long _succeeded;

    /// <summary>Attempts that did not succeed, by what they were answered and by <c>applied</c>.</summary>
    public ConcurrentDictionary<string, long> Errors { get; } = [];

    public long Requests => Volatile.Read(ref _requests);

    public long Succeeded => Volatile.Read(ref _succeeded);

    /// <summary>One attempt. The gateway gets every second request, the nodes the others in turn.</summary>
    public Task<Reply> SendAsync(TortureRequest request, ShopSession? session, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _next);
        return SendToAsync(number % 2 == 0 ? gateway : nodes[(int)(number / 2 % nodes.Count)], request, session, cancellationToken);
    }

    /// <summary>One attempt, there.</summary>
    public async Task<Reply> SendToAsync(Uri root, TortureRequest request, ShopSession? session, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        var (reply, error) = await AttemptAsync(root, request, session, cancellationToken);
        if (error is null) Interlocked.Increment(ref _succeeded);
        else
        {
            Errors.AddOrUpdate($"{error}, applied: {(reply.Outcome == Outcome.Refused ? "no" : "unknown")}", 1, (_, count) => count + 1);
            await Task.Delay(s_pause, time, cancellationToken);
        }
        return reply;
    }

    /// <summary>Attempts, until one succeeds or the time is over. Refused: every one of them was.</summary>
    public async Task<Reply> SendUntilDoneAsync(TortureRequest request, ShopSession? session, TimeSpan within, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var isUnknown = false;
        while (true)
        {
            var reply = await SendAsync(request, session, cancellationToken);
            if (reply.Outcome == Outcome.Acknowledged) return reply;
            isUnknown |= reply.Outcome == Outcome.Unknown;
            var isFinal = reply.Status is >= 400 and < 500 and not (408 or 409 or 429);
            if (isFinal || time.GetElapsedTime(begun) > within) return reply with { Outcome = isUnknown ? Outcome.Unknown : Outcome.Refused };
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<(Reply Reply, string? Error)> AttemptAsync(Uri root, TortureRequest request, ShopSession? session, CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(s_patience);
        try
        {
            using var message = new HttpRequestMessage(request.Method, new Uri(root, request.Path));
            if (session?.Header is { } cookies) message.Headers.TryAddWithoutValidation("Cookie", cookies);
            if (request.IdempotencyKey is { } key) message.Headers.TryAddWithoutValidation("Idempotency-Key", $"\"{key}\"");
            if (request.Body is { } content) message.Content = new ByteArrayContent(content) { Headers = { ContentType = s_json } };
            using var response = await _http.SendAsync(message, bound.Token);
            await response.Content.LoadIntoBufferAsync(MostBody, bound.Token);
            var body = await response.Content.ReadAsByteArrayAsync(bound.Token);
            if (session is not null && response.Headers.TryGetValues("Set-Cookie", out var set)) session.Absorb(set);
            if (response.IsSuccessStatusCode) return (new Reply(Outcome.Acknowledged, (int)response.StatusCode, body), null);
            var problem = ReadProblem(body);
            return (new Reply(problem?.Applied == "no" ? Outcome.Refused : Outcome.Unknown, (int)response.StatusCode, body),
                string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {problem?.Code ?? problem?.Title}"));
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError)
        {
            // There was no connection, so nothing was sent.
            return (new Reply(Outcome.Refused, 0, []), "not reached");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (new Reply(Outcome.Unknown, 0, []), "connection broken");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (new Reply(Outcome.Unknown, 0, []), "no answer in time");
        }
    }

    private static TortureProblem? ReadProblem(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, TortureJson.Default.TortureProblem);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What is read of a problem document.</summary>
internal sealed record TortureProblem(string? Title, string? Code, string? Applied);

/// <summary>A counter as the shop answers it.</summary>
internal sealed record AnsweredCounter(long Value);

/// <summary>A line of a cart: its product is a number, of which each line of a session has its own.</summary>
internal sealed record TortureLine(string ProductId, int Quantity);

/// <summary>A cart or an order as the shop answers it, and the body of an order.</summary>
internal sealed record TortureLines(List<TortureLine>? Lines, string? Id = null)
{
    public int[] Numbers => [.. (Lines ?? []).Select(line => int.Parse(line.ProductId, CultureInfo.InvariantCulture))];

    public static TortureLine Line(int number) => new(number.ToString(CultureInfo.InvariantCulture), 1);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TortureProblem))]
[JsonSerializable(typeof(AnsweredCounter))]
[JsonSerializable(typeof(TortureLines))]
internal sealed partial class TortureJson : JsonSerializerContext;
