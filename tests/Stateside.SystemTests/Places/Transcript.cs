using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Places;

/// <summary>
/// A conversation with the shop, written down request by request with everything that a client sees of the answers: what must be
/// the same wherever the state lives. What differs from run to run is replaced by a name: the same value by the same name.
/// </summary>
internal sealed partial class Transcript : IDisposable
{
    /// <summary>Headers that say nothing of the state, or that no two answers share.</summary>
    private static readonly HashSet<string> s_left = new(StringComparer.OrdinalIgnoreCase) { "Date", "Server", "Transfer-Encoding", "Content-Length" };

    private readonly StringBuilder _text = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CookieJar> _jars = [];
    private readonly Dictionary<string, string> _etags = [];
    private readonly HttpClient _http;

    public Transcript(Uri url) => _http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = url };

    public string Text => _text.ToString();

    /// <summary>Where the last answer that had a <c>Location</c> led.</summary>
    public string Location { get; private set; } = "";

    /// <summary>The entity tag of the last answer to this visitor that had one.</summary>
    public string ETag(string visitor) => _etags[visitor];

    /// <summary>Sends one request for a visitor, who keeps the cookie, and writes down both sides.</summary>
    public async Task SendAsync(string visitor, string method, string path, string? json = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (!_jars.TryGetValue(visitor, out var jar)) jar = _jars[visitor] = new CookieJar();
        if (jar.Header is { } cookies) request.Headers.Add("Cookie", cookies);
        foreach (var (name, value) in headers)
        {
            if (name == "Content-Type") request.Content!.Headers.ContentType = new MediaTypeHeaderValue(value);
            else request.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await _http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();

        _text.AppendLine(CultureInfo.InvariantCulture, $"{visitor}> {method} {Masked(path)}{(json is null ? "" : " " + json)}{string.Concat(headers.Select(h => $"  {h.Name}: {Masked(h.Value)}"))}");
        _text.AppendLine(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {Masked(body)}");
        foreach (var (name, value) in response.Headers.Concat(response.Content.Headers).SelectMany(h => h.Value.Select(v => (h.Key, v))).Where(h => !s_left.Contains(h.Key)).OrderBy(h => h.Key, StringComparer.Ordinal))
            _text.AppendLine(CultureInfo.InvariantCulture, $"  {name}: {Masked(value)}");
        _text.AppendLine();

        if (response.Headers.TryGetValues("Set-Cookie", out var set)) jar.Keep(set);
        if (response.Headers.Location is { } location) Location = location.OriginalString;
        if (response.Headers.ETag is { } tag) _etags[visitor] = tag.ToString();
    }

    /// <summary>Throws the visitor's cookies away.</summary>
    public void Forget(string visitor) => _jars.Remove(visitor);

    /// <summary>Gives the visitor another cookie.</summary>
    public void Forge(string visitor, string cookie) => (_jars[visitor] = new CookieJar()).Keep([cookie]);

    public void Dispose() => _http.Dispose();

    private string Masked(string text)
    {
        text = CookieValue().Replace(text, m => m.Groups[1].Value + Name("credential", m.Groups[2].Value));
        text = SealedValue().Replace(text, m => m.Groups[1].Value + Name("seal", m.Groups[2].Value));
        text = Tag().Replace(text, m => $"\"{m.Groups[1].Value}-{Name("turn", m.Groups[2].Value)}\"");
        text = OrderId().Replace(text, m => m.Groups[1].Value + Name("order", m.Groups[2].Value));
        return TraceId().Replace(text, "$1<trace>");
    }

    /// <summary>The same value has the same name wherever it appears.</summary>
    private string Name(string kind, string value)
    {
        if (_names.TryGetValue(value, out var name)) return name;
        return _names[value] = $"<{kind} {_names.Values.Count(n => n.StartsWith("<" + kind, StringComparison.Ordinal)) + 1}>";
    }

    [GeneratedRegex(@"(\bid=)([A-Za-z0-9_-]{44,})")]
    private static partial Regex CookieValue();

    [GeneratedRegex(@"(\bcart=)([A-Za-z0-9_-]{44,})")]
    private static partial Regex SealedValue();

    [GeneratedRegex("\"(\\d+)-([A-Za-z0-9_-]{22})\"")]
    private static partial Regex Tag();

    [GeneratedRegex("(/orders/|\"id\":\")([A-Za-z0-9_~.-]{20,})")]
    private static partial Regex OrderId();

    [GeneratedRegex("(\"trace_?[iI]d\":\")[0-9a-f-]+")]
    private static partial Regex TraceId();
}
