using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>Takes responses apart, by their content type, within limits: 100,000 facts, JSON 64 deep.</summary>
internal static class FactReader
{
    private const int MaxName = 200;
    private static readonly DateTimeOffset LongAgo = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whether a header field is no fact: added by connections and proxies, or different by its nature in every response.</summary>
    public static bool IsLeftOut(string header) => header.ToLowerInvariant() is "date" or "age" or "connection" or "keep-alive" or "content-length" or "transfer-encoding" or "content-encoding"
        or "trailer" or "via" or "server-timing" or "set-cookie" or "sec-websocket-accept" or "proxy-connection";

    /// <summary>Reads an exchange.</summary>
    public static Facts Read(Exchange exchange)
    {
        var facts = new FactList();
        facts.Add("status", exchange.Answer?.Status.ToString(CultureInfo.InvariantCulture) ?? "none");
        if (exchange.Trouble is { } trouble) facts.Add("trouble", trouble.ToString());
        for (var i = 0; i < exchange.Hops.Count; i++)
        {
            var hop = exchange.Hops[i].Answer;
            facts.Add(Indexed("redirect", i), $"{hop?.Status.ToString(CultureInfo.InvariantCulture)} {Places.Split(hop?.Header("location") ?? "").Path}");
        }
        if (exchange.Answer is not { } answer) return new(facts.Facts);
        foreach (var header in answer.Headers.Where(h => !IsLeftOut(h.Key)).GroupBy(h => h.Key.ToLowerInvariant()))
            Header(facts, header.Key, string.Join(", ", header.Select(h => h.Value)));
        Cookies(facts, exchange);
        if (answer.Truncated) facts.Add("bytes:truncated", "yes");
        Body(facts, answer);
        if (facts.Full) facts.AddLast("bytes:sha256", Convert.ToHexStringLower(SHA256.HashData(answer.Body.Span)));
        return new(facts.Facts);
    }

    private static void Header(FactList facts, string name, string value)
    {
        if (name != "location")
        {
            facts.Add("header:" + name, value);
            return;
        }
        var query = value.IndexOfAny(['?', '#']);
        facts.Add("header:location", query < 0 ? value : value[..query]);
        foreach (var (key, text) in Places.Parameters(Places.Split(value).Query)) facts.Add($"header:location?{Name(key)}", text);
    }

    private static void Cookies(FactList facts, Exchange exchange)
    {
        // The last one of a name is what a browser is left with.
        var last = new Dictionary<string, (Cookie Cookie, DateTimeOffset Now)>();
        var names = new List<string>();
        foreach (var answer in exchange.Hops.Append(exchange).Select(e => e.Answer).OfType<Answer>())
        {
            var now = DateTimeOffset.TryParse(answer.Header("date"), CultureInfo.InvariantCulture, out var date) ? date : LongAgo;
            foreach (var field in answer.Headers.Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)))
            {
                if (SetCookie.Parse(field.Value, "/") is not { } cookie) continue;
                if (!last.ContainsKey(cookie.Name)) names.Add(cookie.Name);
                last[cookie.Name] = (cookie, now);
            }
        }
        foreach (var name in names)
        {
            var (cookie, now) = last[name];
            var attributes = new List<string>();
            if (cookie.Domain is { } domain) attributes.Add("domain=" + domain);
            if (cookie.Expires is not null && cookie.MaxAge is null) attributes.Add("expires");
            if (cookie.HttpOnly) attributes.Add("httponly");
            if (cookie.MaxAge is { } age) attributes.Add(string.Create(CultureInfo.InvariantCulture, $"max-age={age}"));
            attributes.Add("path=" + cookie.Path);
            if (cookie.Partitioned) attributes.Add("partitioned");
            if (cookie.SameSite is { } site) attributes.Add("samesite=" + site.ToLowerInvariant());
            if (cookie.Secure) attributes.Add("secure");
            facts.Add("cookie:" + Name(name), $"{(cookie.RemovesAt(now) ? "removed" : "set")}; {string.Join("; ", attributes)}");
            facts.Add($"cookie:{Name(name)}=", cookie.Value);
        }
    }

    private static void Body(FactList facts, Answer answer)
    {
        if (answer.Body.IsEmpty) return;
        var type = BodyText.MediaType(answer.Header("content-type"));
        var text = IsBinary(type) || ContentCoding.Read(answer.Header("content-encoding")) is null ? null : BodyText.Decode(answer.Body.Span, answer.Header("content-type"));
        if (text is null)
        {
            facts.Add("bytes:length", answer.Body.Length.ToString(CultureInfo.InvariantCulture));
            facts.Add("bytes:sha256", Convert.ToHexStringLower(SHA256.HashData(answer.Body.Span)));
        }
        else if (type == "text/event-stream") EventStream(facts, text);
        else if (!Json(facts, text, type)) Text(facts, text, type);
    }

    private static bool IsBinary(string type) => (type.StartsWith("image/", StringComparison.Ordinal) && type != "image/svg+xml") || type.StartsWith("audio/", StringComparison.Ordinal)
        || type.StartsWith("video/", StringComparison.Ordinal) || type.StartsWith("font/", StringComparison.Ordinal)
        || type is "application/pdf" or "application/zip" or "application/gzip" or "application/wasm" or "application/x-protobuf" or "application/grpc";

    /// <summary>Reads JSON, also where the type does not say so: many PHP pages call their JSON text/html.</summary>
    private static bool Json(FactList facts, string text, string type)
    {
        var start = text.AsSpan().TrimStart();
        var lines = type is "application/x-ndjson" or "application/ndjson" or "application/jsonl" or "application/json-seq" or "application/stream+json";
        if (!lines && !BodyText.IsJson(type) && (type is not ("" or "text/html" or "text/plain" or "application/octet-stream") || start.IsEmpty || start[0] is not ('{' or '['))) return false;
        if (!lines && TryJson(facts, text, "$")) return true;
        var parts = text.Split(['\n', '\x1E'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        // Several values, one a line, also under the plain JSON type; the last may have been cut.
        if (!lines && (parts.Length < 2 || !IsJson(parts[0]) || !IsJson(parts[1]))) return false;
        for (var i = 0; i < parts.Length && !facts.Full; i++)
            if (!TryJson(facts, parts[i], Indexed("$", i))) facts.Add(Indexed("text:line", i), parts[i]);
        return true;
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryJson(FactList facts, string text, string path)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            Json(facts, json.RootElement, "json:" + path);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Json(FactList facts, JsonElement element, string path)
    {
        if (facts.Full) return;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var any = false;
                foreach (var member in element.EnumerateObject())
                {
                    any = true;
                    Json(facts, member.Value, JsonPath.Append(path, Name(Safe(() => member.Name))));
                }
                if (!any) facts.Add(path, "{}");
                break;
            case JsonValueKind.Array:
                facts.Add(path + ".length()", element.GetArrayLength().ToString(CultureInfo.InvariantCulture));
                var index = 0;
                foreach (var item in element.EnumerateArray()) Json(facts, item, Indexed(path, index++));
                break;
            case JsonValueKind.String:
                facts.Add(path, Safe(() => element.GetString()!));
                break;
            default:
                facts.Add(path, element.GetRawText());
                break;
        }
    }

    /// <summary>A text of JSON; half a surrogate pair, which JSON can write and .NET refuses, is shown as such.</summary>
    private static string Safe(Func<string> read)
    {
        try { return read(); }
        catch (InvalidOperationException) { return "(half a surrogate pair)"; }
    }

    private static void EventStream(FactList facts, string text)
    {
        var events = text.ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        var index = 0;
        foreach (var lines in events.Select(e => e.Split('\n')))
        {
            string Field(string name) => string.Join('\n', lines.Where(l => l.StartsWith(name + ":", StringComparison.Ordinal)).Select(l => l[(name.Length + 1)..]).Select(l => l.StartsWith(' ') ? l[1..] : l));
            var data = Field("data");
            if (data.Length == 0 || facts.Full) continue;
            if (Field("event") is { Length: > 0 } name) facts.Add(Indexed("text:event", index), name);
            if (!TryJson(facts, data, Indexed("$", index))) facts.Add(Indexed("text:line", index), data);
            index++;
        }
    }

    private static void Text(FactList facts, string text, string type)
    {
        var start = text.AsSpan().TrimStart();
        if (type is "text/html" or "application/xhtml+xml" || (type.Length == 0 && (start.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase))))
        {
            Html(facts, HtmlPage.Read(text));
            return;
        }
        // XML often comes on one line; between two tags is where a reader would break it.
        if (type.EndsWith("xml", StringComparison.Ordinal)) text = text.Replace("><", ">\n<", StringComparison.Ordinal);
        var index = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (facts.Full) return;
            if (line.Trim() is { IsEmpty: false } content) facts.Add(Indexed("text:line", index), content.ToString());
            index++;
        }
    }

    private static void Html(FactList facts, HtmlPage page)
    {
        if (page.Title is { } title) facts.Add("html:title", title);
        foreach (var (name, content) in page.Metas) facts.Add($"html:meta[{Name(name)}]", content);
        for (var i = 0; i < page.Texts.Count; i++) facts.Add(Indexed("html:text", i), page.Texts[i]);
        for (var i = 0; i < page.Forms.Count; i++)
        {
            var place = Indexed("html:form", i);
            facts.Add(place + ".action", page.Forms[i].Action);
            facts.Add(place + ".method", page.Forms[i].Method);
            foreach (var field in page.Forms[i].Fields) facts.Add($"{place}.field[{Name(field.Name)}]", field.Value);
        }
        foreach (var field in page.LooseFields) facts.Add($"html:field[{Name(field.Name)}]", field.Value);
        for (var i = 0; i < page.Links.Count; i++) facts.Add(Indexed("html:link", i), page.Links[i]);
    }

    private static string Indexed(string place, int index) => string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]");

    /// <summary>A name that a service chose, short enough for a place.</summary>
    private static string Name(string name) => name.Length <= MaxName ? name
        : name[..MaxName] + "…" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 4));
}
