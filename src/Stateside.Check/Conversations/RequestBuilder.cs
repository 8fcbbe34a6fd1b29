using System.Text;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>Makes the request of a step: templates filled, cookies and Host added, changes applied.</summary>
internal sealed class RequestBuilder(Filler filler, CookieJar jar, IReadOnlyList<Uri> replicas, int number, string host, CookieNames names)
{
    /// <summary>Builds it.</summary>
    /// <exception cref="FillException">It cannot be sent.</exception>
    public SentRequest Build(Step step, SendChange change)
    {
        var filled = change.Again is null ? filler.Fill(step, change.HeadersSet.Keys) : null;
        var replica = replicas[number];
        var target = change.Again?.Url.PathAndQuery ?? Relative(FilledPart.Join(filled!.Target));
        if (!target.StartsWith('/')) target = "/" + target;
        // Concatenation, never resolution: "//elsewhere.example" as a target is a path at the replica.
        if (!Uri.TryCreate($"{replica.Scheme}://{replica.Authority}{Escape(target)}", UriKind.Absolute, out var url)) throw new FillException("the target is no path");
        var body = change.Body ?? change.Again?.Body ?? (filled!.Body is { } text ? Encoding.UTF8.GetBytes(FilledPart.Join(text)) : filled.BodyBytes ?? ReadOnlyMemory<byte>.Empty);
        var headers = new List<KeyValuePair<string, string>> { new("Host", host) };
        var own = change.Again?.Headers ?? [.. filled!.Headers.Select(h => KeyValuePair.Create(h.Key, FilledPart.Join(h.Value)))];
        headers.AddRange(own.Where(h => !IsOurs(h.Key) && (change.Again is null || !h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase))).Select(Understood));
        foreach (var (name, value) in change.HeadersSet)
        {
            headers.RemoveAll(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (value is not null) headers.Add(new(name, value));
        }
        Complete(headers);
        foreach (var (name, value) in headers)
            if (value.AsSpan().IndexOfAny("\r\n\0") >= 0 || !name.All(IsToken)) throw new FillException($"the header field {(name.All(IsToken) ? name : "")} would hold a line break or its name is none");
        var request = new SentRequest(step.Method, url, [.. headers.Select(Octets)], body) { Filled = filled ?? change.Again?.Filled };
        return WithCookies(request, CookiesOf(step, change, jar, url, names));
    }

    /// <summary>The target without the origin that it has where it is a URL out of a response, such as a Location.</summary>
    /// <exception cref="FillException">It is a URL of somebody else.</exception>
    private string Relative(string target)
    {
        if (!target.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && !target.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) return target;
        if (!Uri.TryCreate(target, UriKind.Absolute, out var url)) throw new FillException("the target is no URL");
        return url.Authority.Equals(host, StringComparison.OrdinalIgnoreCase) || replicas.Any(r => r.Authority.Equals(url.Authority, StringComparison.OrdinalIgnoreCase))
            ? url.PathAndQuery
            : throw new FillException($"the target leads to {url.Authority}, which is none of the replicas");
    }

    /// <summary>The cookies that a request carries besides those that the step writes itself.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> CookiesOf(Step step, SendChange change, CookieJar jar, Uri url, CookieNames names) =>
        change.WithoutCookies ? []
        : change.Cookies ?? (step.UsesCookies ? [.. jar.For(url.AbsolutePath).Select(c => KeyValuePair.Create(names.Own(url, c.Name), c.Value))] : []);

    /// <summary>The request with cookies; a Cookie field that the step wrote itself comes first, and replaces cookies of the same name.</summary>
    public static SentRequest WithCookies(SentRequest request, IReadOnlyList<KeyValuePair<string, string>> cookies)
    {
        var own = request.Headers.Where(h => h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
            .SelectMany(h => h.Value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToList();
        var names = own.Select(c => c.Split('=')[0]).ToHashSet();
        var all = own.Concat(cookies.Where(c => !names.Contains(c.Key)).Select(c => c.Key.Length > 0 ? $"{c.Key}={c.Value}" : c.Value)).ToList();
        var headers = request.Headers.Where(h => !h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase)).ToList();
        if (all.Count > 0) headers.Add(new("Cookie", string.Join("; ", all)));
        return request with { Headers = headers };
    }

    private static bool IsOurs(string name) => name.ToLowerInvariant() is "host" or "content-length" or "connection" or "keep-alive" or "transfer-encoding" or "te" or "trailer" or "proxy-connection";

    private static bool IsToken(char c) => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal);

    /// <summary>Accept-Encoding without the codings that cannot be undone here, such as zstd.</summary>
    private static KeyValuePair<string, string> Understood(KeyValuePair<string, string> header)
    {
        if (!header.Key.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase)) return header;
        var codings = header.Value.Split(',', StringSplitOptions.TrimEntries).Where(c => c.Split(';')[0].ToLowerInvariant() is "gzip" or "deflate" or "br" or "identity");
        return KeyValuePair.Create(header.Key, string.Join(", ", codings) is { Length: > 0 } some ? some : "identity");
    }

    /// <summary>Adds what every client sends, and what a WebSocket handshake needs.</summary>
    private static void Complete(List<KeyValuePair<string, string>> headers)
    {
        void Default(string name, string value)
        {
            if (!headers.Exists(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase))) headers.Add(new(name, value));
        }
        Default("User-Agent", "stateside-check");
        Default("Accept", "*/*");
        if (!headers.Exists(h => h.Key.Equals("Upgrade", StringComparison.OrdinalIgnoreCase))) return;
        headers.Add(new("Connection", "Upgrade"));
        Default("Sec-WebSocket-Version", "13");
        Default("Sec-WebSocket-Key", Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16)));
    }

    /// <summary>Characters beyond Latin-1 as the octets of UTF-8, since a header field is octets.</summary>
    private static KeyValuePair<string, string> Octets(KeyValuePair<string, string> header) =>
        header.Value.Any(c => c > '\xFF') ? KeyValuePair.Create(header.Key, Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(header.Value))) : header;

    private static string Escape(string target)
    {
        if (target.Length > 64 * 1024) throw new FillException("the target is over 64 KiB");
        return target.Replace(" ", "%20", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal)
            .Replace("\\", "%5C", StringComparison.Ordinal).Replace("#", "%23", StringComparison.Ordinal);
    }
}

/// <summary>Where a redirect leads.</summary>
/// <param name="Request">The next request, without cookies; null if it is not sent.</param>
/// <param name="Refused">Why it is not followed, or null.</param>
internal sealed record Redirect(SentRequest? Request, string? Refused);

/// <summary>Redirects, as browsers follow them, but never away from the replicas.</summary>
internal static class Redirects
{
    /// <summary>Where an exchange leads, or null if it is no redirect.</summary>
    public static Redirect? Next(Exchange exchange, IReadOnlyList<Uri> replicas, string host)
    {
        if (exchange.Answer is not { Status: 301 or 302 or 303 or 307 or 308 } answer || answer.Header("location") is not { Length: > 0 } location || exchange.Request is not { } request) return null;
        // What is relative is resolved as the browser does, against the URL with the shared host.
        if (!Uri.TryCreate(new Uri($"{request.Url.Scheme}://{host}{request.Url.PathAndQuery}"), location, out var to) || to.Scheme is not ("http" or "https"))
            return new(null, "the redirect's Location is no http URL; it was not followed");
        if (!to.Authority.Equals(host, StringComparison.OrdinalIgnoreCase) && !replicas.Any(r => r.Authority.Equals(to.Authority, StringComparison.OrdinalIgnoreCase)))
            return new(null, $"the redirect leads to {to.Authority}, which is none of the replicas; it was not followed");
        var becomesGet = request.Method is not ("GET" or "HEAD") && (answer.Status == 303 || (answer.Status is 301 or 302 && request.Method == "POST"));
        var headers = request.Headers.Where(h => !h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase) && !(becomesGet && h.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))).ToList();
        var url = new Uri($"{request.Url.Scheme}://{request.Url.Authority}{to.PathAndQuery}");
        return new(new(becomesGet ? "GET" : request.Method, url, headers, becomesGet ? ReadOnlyMemory<byte>.Empty : request.Body), null);
    }
}
