using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Stateside.SystemTests.Support;

/// <summary>An answer, or as much of it as came.</summary>
/// <param name="Status">0: none came.</param>
/// <param name="Body">Its content.</param>
/// <param name="Location">The header.</param>
/// <param name="IsReplay">Whether it came from a receipt.</param>
/// <param name="RetryAfter">The header.</param>
/// <param name="IsWhole">False if the connection broke off.</param>
internal sealed record Reply(int Status, string Body, string? Location, bool IsReplay, TimeSpan? RetryAfter, bool IsWhole)
{
    public static Reply None { get; } = new(0, "", null, false, null, false);

    /// <summary>What a retry must get again.</summary>
    public (int, string, string?) Content => (Status, Body, Location);

    /// <summary>The header.</summary>
    public string? ETag { get; init; }

    public JsonNode Json => JsonNode.Parse(Body) ?? throw new InvalidOperationException("null");

    /// <summary>The code of a problem, or null.</summary>
    public string? Code => Problem("code");

    /// <summary>What a problem says of whether the request took effect.</summary>
    public string? Applied => Problem("applied");

    public override string ToString() => $"{Status} {Body} Location={Location} replay={IsReplay} whole={IsWhole}";

    private string? Problem(string name) => Status >= 400 && Body.StartsWith('{') ? (string?)Json[name] : null;
}

/// <summary>Somebody who uses the shop: keeps cookies, and tells what came back, however little.</summary>
internal sealed class Visitor(Uri url) : IDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        UseProxy = false,
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
    });

    private readonly CookieJar _jar = new();

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Reply> PostAsync(string path, string? body = null, string? key = null, Action? onContent = null) =>
        SendAsync(HttpMethod.Post, path, body, key, onContent);

    /// <summary>Sends a request once.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path.</param>
    /// <param name="body">JSON, or null.</param>
    /// <param name="key">The Idempotency-Key, or null.</param>
    /// <param name="onContent">Called when the first part of the content has come.</param>
    /// <param name="ifMatch">The entity tag that must be the state's, or null.</param>
    public async Task<Reply> SendAsync(HttpMethod method, string path, string? body = null, string? key = null, Action? onContent = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(url, path));
        if (_jar.Header is { } cookies) request.Headers.Add("Cookie", cookies);
        if (key is not null) request.Headers.Add("Idempotency-Key", $"\"{key}\"");
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            using var response = await _http.SendAsync(request, patience.Token);
            if (response.Headers.TryGetValues("Set-Cookie", out var set)) _jar.Keep(set);
            var (content, isWhole) = await ReadAsync(response, onContent, patience.Token);
            return new Reply(
                (int)response.StatusCode, content, response.Headers.Location?.OriginalString, response.Headers.Contains("Idempotent-Replayed"),
                response.Headers.RetryAfter?.Delta, isWhole) { ETag = response.Headers.ETag?.ToString() };
        }
        catch (HttpRequestException)
        {
            return Reply.None;
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<(string Content, bool IsWhole)> ReadAsync(HttpResponseMessage response, Action? onContent, CancellationToken cancellationToken)
    {
        var content = new MemoryStream();
        var buffer = new byte[16 * 1024];
        var isWhole = false;
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                content.Write(buffer, 0, read);
                onContent?.Invoke();
                onContent = null;
            }
            isWhole = true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // What came is what the caller gets.
        }
        return (Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length), isWhole);
    }
}
