using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Stateside.AspNetCore.Tests.Support;

/// <summary>A whole response: status, headers and content.</summary>
internal sealed partial record Reply(int Status, IReadOnlyDictionary<string, string[]> Headers, byte[] Content)
{
    public string Text => Encoding.UTF8.GetString(Content);

    public JsonElement Json => JsonDocument.Parse(Content).RootElement;

    public string? this[string header] => Headers.TryGetValue(header, out var values) ? string.Join(",", values) : null;

    /// <summary>The first part of the first cookie that is set: <c>name=value</c>.</summary>
    public string? Cookie => Headers.TryGetValue("Set-Cookie", out var values) ? values[0].Split(';')[0] : null;

    public string? Code => Json.TryGetProperty("code", out var code) ? code.GetString() : null;

    public string? Applied => Json.TryGetProperty("applied", out var applied) ? applied.GetString() : null;

    /// <summary>Everything that must not differ between two runs of one request: without the date, and with turn ids, trace ids and other random text masked.</summary>
    public string Comparable()
    {
        var text = new StringBuilder().Append(Status).Append('\n');
        foreach (var (name, values) in Headers.Where(h => h.Key != "Date").OrderBy(h => h.Key, StringComparer.OrdinalIgnoreCase))
            foreach (var value in values) text.Append(name).Append(": ").Append(RandomText().Replace(value, "*")).Append('\n');
        return text.Append('\n').Append(RandomText().Replace(Encoding.Latin1.GetString(Content), "*")).ToString();
    }

    public static async Task<Reply> OfAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var content = await response.Content.ReadAsByteArrayAsync();
            var headers = response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
                .ToDictionary(h => h.Key, h => h.Value.ToArray(), StringComparer.OrdinalIgnoreCase);
            return new Reply((int)response.StatusCode, headers, content);
        }
    }

    [GeneratedRegex("[A-Za-z0-9_-]{22,}|0HN[0-9A-Z]+:[0-9]+")]
    private static partial Regex RandomText();
}

/// <summary>Short ways to send a request.</summary>
internal static class Sending
{
    public static async Task<Reply> SendAsync(this HttpClient client, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content, Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        foreach (var (name, value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
        return await Reply.OfAsync(await client.SendAsync(request));
    }

    public static Task<Reply> SendAsync(this TestApp app, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers) =>
        app.Client.SendAsync(method, path, content, headers);

    public static Task<Reply> GetAsync(this TestApp app, string path, params (string Name, string Value)[] headers) => app.SendAsync(HttpMethod.Get, path, null, headers);

    public static Task<Reply> PostAsync(this TestApp app, string path, params (string Name, string Value)[] headers) => app.SendAsync(HttpMethod.Post, path, null, headers);

    public static Task<Reply> PostAsync(this TestApp app, string path, string json, params (string Name, string Value)[] headers) =>
        app.SendAsync(HttpMethod.Post, path, Json(json), headers);

    public static HttpContent Json(string json) => new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));

    /// <summary>The same without a length: sent in chunks.</summary>
    public static HttpContent Chunked(string text, string type = "application/json") => new ChunkedContent(Encoding.UTF8.GetBytes(text), type);

    /// <summary>Begins a session and gives its cookie.</summary>
    public static async Task<(string Name, string Value)> BeginSessionAsync(this TestApp app, string path)
    {
        var reply = await app.PostAsync(path);
        Assert.NotNull(reply.Cookie);
        return ("Cookie", reply.Cookie);
    }

    private sealed class ChunkedContent : HttpContent
    {
        private readonly byte[] _bytes;

        public ChunkedContent(byte[] bytes, string type)
        {
            _bytes = bytes;
            Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var half = _bytes.Length / 2;
            await stream.WriteAsync(_bytes.AsMemory(0, half));
            await stream.FlushAsync();
            await stream.WriteAsync(_bytes.AsMemory(half));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>What every problem document of Stateside holds.</summary>
internal static class Problem
{
    public static void Is(Reply reply, string code, int status, string applied = "no")
    {
        Assert.True(reply.Status == status && reply["Content-Type"] == "application/problem+json", $"Expected {status} {code}, got {reply.Status} {reply["Content-Type"]}: {reply.Text}");
        Assert.Equal(code, reply.Code);
        Assert.Equal(applied, reply.Applied);
        Assert.Equal(status, reply.Json.GetProperty("status").GetInt32());
        var kind = Errors.All.Single(k => k.Code == code);
        Assert.Equal("urn:stateside:problem:" + kind.Name, reply.Json.GetProperty("type").GetString());
        Assert.Equal(kind.Title, reply.Json.GetProperty("title").GetString());
        Assert.False(string.IsNullOrEmpty(reply.Json.GetProperty("detail").GetString()));
        Assert.Equal("no-store", reply["Cache-Control"]);
        Assert.DoesNotContain("Exception", reply.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-detail", reply.Text, StringComparison.Ordinal);
    }
}
