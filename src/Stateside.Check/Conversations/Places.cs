using System.Text.Json;
using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>
/// Looks up single places (see <see cref="Facts"/>) in an exchange. Besides those of facts there are: <c>body</c>, the whole text; <c>json:$.a</c> of an object or array, its JSON;
/// <c>header:location/2</c>, a path segment from 0; <c>html:link[2]?name</c> and <c>html:link[2]/1</c>, a parameter and a path segment of a link (so too of a form's action);
/// <c>html:link[/notes/*;do=remove]/1</c>, the same of the first link of that form; a header that facts leave out.
/// </summary>
public static partial class Places
{
    /// <summary>The value at a place of the response, or null where there is none.</summary>
    public static string? Find(Exchange exchange, string place)
    {
        if (exchange.Answer is not { } answer) return null;
        var colon = place.IndexOf(':');
        var (kind, rest) = colon < 0 ? (place, "") : (place[..colon], place[(colon + 1)..]);
        return kind switch
        {
            "body" => BodyText.Decode(answer.Body.Span, answer.Header("content-type")),
            "json" => Json(answer.Body, answer.Header("content-type"), rest) ?? Facts.Of(exchange)[place],
            "header" => Header(answer.Headers, rest),
            "cookie" when rest.EndsWith('=') => Cookie(exchange, rest[..^1]),
            "html" when UrlPart().Match(rest) is { Success: true } m => Facts.Of(exchange)["html:" + m.Groups[1].Value] is { } url ? PartOfUrl(url, m.Groups[2].Value) : null,
            "html" when FormOfLink().Match(rest) is { Success: true } m => LinkForms.Find(Links(exchange), m.Groups[1].Value) is { } url ? PartOfUrl(url, m.Groups[2].Value) : null,
            _ => Facts.Of(exchange)[place],
        };
    }

    /// <summary>The value at <c>body</c>, <c>json:PATH</c> or <c>header:NAME</c> of the request, or null.</summary>
    internal static string? FindSent(Exchange exchange, string place)
    {
        if (exchange.Request is not { } request) return null;
        var type = Header(request.Headers, "content-type");
        return place == "body" ? BodyText.Decode(request.Body.Span, type)
            : place.StartsWith("json:", StringComparison.Ordinal) ? Json(request.Body, type, place["json:".Length..])
            : Header(request.Headers, place["header:".Length..]);
    }

    /// <summary>A part of a URL: <c>?name</c> a parameter, decoded; <c>/2</c> a path segment from 0, decoded.</summary>
    internal static string? PartOfUrl(string url, string part)
    {
        var (path, query) = Split(url);
        if (part.StartsWith('/'))
        {
            var segments = path.TrimStart('/').Split('/');
            return int.TryParse(part[1..], out var index) && index >= 0 && index < segments.Length ? Uri.UnescapeDataString(segments[index]) : null;
        }
        return Parameters(query).Where(p => p.Key == part[1..]).Select(p => p.Value).FirstOrDefault();
    }

    /// <summary>The decoded parameters of a query or form, in order.</summary>
    internal static IEnumerable<KeyValuePair<string, string>> Parameters(string query) =>
        query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2))
            .Select(p => KeyValuePair.Create(FormDecode(p[0]), p.Length == 2 ? FormDecode(p[1]) : ""));

    /// <summary>Path and query of a URL, absolute or relative, without fragment; a fragment that looks like a query (<c>#access_token=…</c>) counts as one.</summary>
    internal static (string Path, string Query) Split(string url)
    {
        var hash = url.IndexOf('#');
        var fragment = hash >= 0 && url.IndexOf('=', hash) > 0 ? url[(hash + 1)..] : "";
        if (hash >= 0) url = url[..hash];
        if (url.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0 and < 10)
            url = url.IndexOf('/', scheme + 3) is var slash and > 0 ? url[slash..] : "/";
        var mark = url.IndexOf('?');
        return mark < 0 ? (url, fragment) : (url[..mark], fragment.Length > 0 ? $"{url[(mark + 1)..]}&{fragment}" : url[(mark + 1)..]);
    }

    /// <summary>A part of a query or form, decoded.</summary>
    internal static string FormDecode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static string? Header(IReadOnlyList<KeyValuePair<string, string>> headers, string rest)
    {
        var at = rest.IndexOfAny(['?', '/']);
        var name = at < 0 ? rest : rest[..at];
        var value = headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
        return value is null || at < 0 ? value : PartOfUrl(value, rest[at..]);
    }

    private static string? Cookie(Exchange exchange, string name) =>
        exchange.Hops.Append(exchange).Reverse().Where(e => e.Answer is not null)
            .Select(e => e.Answer!.Headers.Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase))
                .Select(h => SetCookie.Parse(h.Value, "/")).Where(c => c?.Name == name).Select(c => c!.Value).LastOrDefault())
            .FirstOrDefault(v => v is not null);

    private static IEnumerable<string> Links(Exchange exchange) => Facts.Of(exchange).Values.Where(f => f.Key.StartsWith("html:link[", StringComparison.Ordinal)).Select(f => f.Value);

    private static string? Json(ReadOnlyMemory<byte> body, string? contentType, string path)
    {
        if (BodyText.Decode(body.Span, contentType) is not { } text) return null;
        try
        {
            using var json = JsonDocument.Parse(text);
            return JsonPath.Find(json.RootElement, JsonPath.Parse(path)) is not { } found ? null
                : found.ValueKind == JsonValueKind.String ? found.GetString() : found.GetRawText();
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            // Not JSON after all, a path that a user mistyped, or a lone surrogate: nothing is there.
            return null;
        }
    }

    [GeneratedRegex(@"^(link\[\d+\]|form\[\d+\]\.action)([?/].*)$", RegexOptions.CultureInvariant)]
    private static partial Regex UrlPart();

    [GeneratedRegex(@"^link\[([^\[\]?]+)\]([?/].*)$", RegexOptions.CultureInvariant)]
    private static partial Regex FormOfLink();
}
