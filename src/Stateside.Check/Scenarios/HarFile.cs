using System.Text;
using System.Text.Json;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>An entry of a HAR: a request as a browser sent it, and what it was answered.</summary>
/// <param name="Method">In upper case.</param>
/// <param name="Origin">Scheme, host and port; <c>ws</c> counts as <c>http</c>.</param>
/// <param name="Target">Path and query as they were sent.</param>
/// <param name="Headers">Without HTTP/2's pseudo fields.</param>
/// <param name="Body">The text of the body, or null.</param>
/// <param name="BodyBytes">The body where it is no text, or null.</param>
/// <param name="Answer">The recorded response, decoded; status 0 where there was none.</param>
/// <param name="Kind">The browser's word for what was loaded, or empty.</param>
internal sealed record HarEntry(string Method, string Origin, string Target, List<KeyValuePair<string, string>> Headers, string? Body, byte[]? BodyBytes, Answer Answer, string Kind)
{
    /// <summary>The type of the response in lower case, without parameters.</summary>
    public string ResponseType => Comparing.BodyText.MediaType(Answer.Header("content-type"));
}

/// <summary>Reads HAR 1.2 as Chrome, Firefox, Safari and proxies export it. It is untrusted input.</summary>
internal static class HarFile
{
    private const int MaxEntries = 2000;
    private const int MaxDepth = 64;

    /// <summary>What stands between two messages of a WebSocket in the body of its entry.</summary>
    public const string MessageDivider = $"\n{Conversations.WebSocketTalk.Separator}\n";

    /// <summary>The entries, by the time at which they began.</summary>
    public static List<HarEntry> Read(string file, byte[] bytes)
    {
        try
        {
            var start = bytes.AsSpan().StartsWith([(byte)0xEF, (byte)0xBB, (byte)0xBF]) ? 3 : 0;
            using var json = JsonDocument.Parse(bytes.AsMemory(start), new JsonDocumentOptions { MaxDepth = MaxDepth });
            if (Get(Get(json.RootElement, "log"), "entries") is not { ValueKind: JsonValueKind.Array } entries)
                throw new ScenarioException($"{file}: is not a HAR: it has no log.entries; export it from the network tab of the browser's developer tools");
            if (entries.GetArrayLength() > MaxEntries) throw new ScenarioException($"{file}: has over {MaxEntries} entries; record less at a time");
            return [.. entries.EnumerateArray().Select((e, i) => (Began: Text(Get(e, "startedDateTime")), Entry: Entry(file, e, i)))
                .OrderBy(e => DateTimeOffset.TryParse(e.Began, System.Globalization.CultureInfo.InvariantCulture, out var began) ? began : DateTimeOffset.MinValue).Select(e => e.Entry)];
        }
        catch (JsonException e)
        {
            throw new ScenarioException($"{file}:{(e.LineNumber ?? 0) + 1}: is no JSON, or is nested over {MaxDepth} deep; export the HAR anew", e);
        }
        catch (InvalidOperationException e)
        {
            // Half a surrogate pair in a string.
            throw new ScenarioException($"{file}: holds a text that is no Unicode; export the HAR anew", e);
        }
    }

    private static HarEntry Entry(string file, JsonElement entry, int index)
    {
        var request = Get(entry, "request");
        var response = Get(entry, "response");
        var url = Text(Get(request, "url"));
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        var (origin, target) = ("", "");
        // Other schemes (data:, blob:, extensions) are of no origin, and so are left out with the other hosts.
        if (scheme > 0 && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "ws" or "wss")
        {
            var path = url.AsSpan(scheme + 3).IndexOfAny('/', '?', '#');
            target = path < 0 ? "/" : url[(scheme + 3 + path)..].Split('#')[0];
            if (!target.StartsWith('/')) target = "/" + target;
            origin = $"{uri.Scheme.Replace("ws", "http", StringComparison.Ordinal)}://{uri.Authority}";
        }
        var method = Text(Get(request, "method")).ToUpperInvariant();
        if (method.Length is 0 or > 20 || !method.All(c => char.IsAsciiLetterUpper(c) || c == '-')) throw new ScenarioException($"{file}: entry {index + 1} has no method; export the HAR anew");
        var headers = Headers(Get(request, "headers"));
        var (body, bytes) = Body(Get(request, "postData"), headers);
        var kind = Text(Get(entry, "_resourceType"));
        var answer = Response(response);
        if (Get(entry, "_webSocketMessages") is { ValueKind: JsonValueKind.Array } messages)
        {
            (kind, bytes) = ("websocket", null);
            (body, answer) = (Messages(messages, "send", MessageDivider), answer with { Body = Encoding.UTF8.GetBytes(Messages(messages, "receive", "\n") ?? "") });
        }
        return new(method, origin, target, headers, body, bytes, answer, kind);
    }

    /// <summary>The text messages of a WebSocket in one direction, as Chrome records them, or null if there were none. One that holds the dividing line cannot be told from two, and is left out.</summary>
    private static string? Messages(JsonElement messages, string direction, string divider)
    {
        var texts = messages.EnumerateArray().Where(m => Text(Get(m, "type")) == direction && Get(m, "opcode") is { ValueKind: JsonValueKind.Number } code && code.TryGetInt32(out var c) && c == 1)
            .Select(m => Text(Get(m, "data"))).Where(t => t.Length > 0 && !t.Contains(divider, StringComparison.Ordinal)).ToList();
        return texts.Count > 0 ? string.Join(divider, texts) : null;
    }

    private static Answer Response(JsonElement response)
    {
        var headers = Headers(Get(response, "headers"));
        var content = Get(response, "content");
        // The recorded content is decoded already.
        headers.RemoveAll(h => h.Key.Equals("content-encoding", StringComparison.OrdinalIgnoreCase));
        if (!headers.Exists(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)) && Text(Get(content, "mimeType")) is { Length: > 0 } type) headers.Add(new("Content-Type", type));
        var text = Text(Get(content, "text"));
        var body = Text(Get(content, "encoding")) == "base64" ? Base64(text) : Encoding.UTF8.GetBytes(text);
        var status = Get(response, "status") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var s) ? s : 0;
        return new(status, headers, body, false);
    }

    private static (string?, byte[]?) Body(JsonElement data, List<KeyValuePair<string, string>> headers)
    {
        if (data.ValueKind != JsonValueKind.Object) return (null, null);
        var type = headers.Where(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
        if (type is null && Text(Get(data, "mimeType")) is { Length: > 0 } recorded) headers.Add(new("Content-Type", type = recorded));
        var text = Text(Get(data, "text"));
        if (Text(Get(data, "encoding")) == "base64")
            return Base64(text) is var bytes && Comparing.BodyText.Decode(bytes, type) is { } decoded ? (decoded, null) : (null, bytes);
        if (text.Length > 0 || Get(data, "params") is not { ValueKind: JsonValueKind.Array } parameters || parameters.GetArrayLength() == 0) return text.Length > 0 ? (text, null) : (null, null);
        var pairs = parameters.EnumerateArray().Select(p => (Name: Text(Get(p, "name")), Value: Text(Get(p, "value")), File: Text(Get(p, "fileName")))).ToList();
        return type?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true
            ? (Multipart.Write(pairs, type), null)
            : (string.Join('&', pairs.Select(p => $"{FormEncode(p.Name)}={FormEncode(p.Value)}")), null);
    }

    /// <summary>Some exporters write parameters as they were sent, some decoded: what looks encoded is left as it is.</summary>
    private static string FormEncode(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || "-._~*%+[]".Contains(c, StringComparison.Ordinal)) ? text : Uri.EscapeDataString(text);

    private static List<KeyValuePair<string, string>> Headers(JsonElement headers) => headers.ValueKind != JsonValueKind.Array ? [] :
        [.. headers.EnumerateArray().Select(h => (Name: Text(Get(h, "name")), Value: Text(Get(h, "value")))).Where(h => h.Name.Length > 0 && h.Name[0] != ':')
            // Chrome joins several Set-Cookie fields with line breaks.
            .SelectMany(h => h.Value.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).DefaultIfEmpty("").Select(v => KeyValuePair.Create(h.Name, v)))];

    private static byte[] Base64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : Encoding.UTF8.GetBytes(text);
    }

    private static JsonElement Get(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static string Text(JsonElement element) => element.ValueKind == JsonValueKind.String ? element.GetString()! : "";
}

/// <summary>Bodies of the type <c>multipart/form-data</c>.</summary>
internal static class Multipart
{
    /// <summary>The boundary that a Content-Type names, or null.</summary>
    public static string? Boundary(string contentType) =>
        contentType.Split(';').Select(p => p.Trim()).Where(p => p.StartsWith("boundary=", StringComparison.OrdinalIgnoreCase)).Select(p => p["boundary=".Length..].Trim('"')).FirstOrDefault(b => b.Length > 0);

    /// <summary>A body of parameters; the content of files is not in a recording, so that it is empty.</summary>
    public static string Write(IEnumerable<(string Name, string Value, string File)> parameters, string contentType)
    {
        var boundary = Boundary(contentType) ?? "boundary";
        var text = new StringBuilder();
        foreach (var (name, value, file) in parameters)
        {
            text.Append("--").Append(boundary).Append("\r\nContent-Disposition: form-data; name=\"").Append(name.Replace("\"", "%22", StringComparison.Ordinal)).Append('"');
            if (file.Length > 0) text.Append("; filename=\"").Append(Path.GetFileName(file).Replace("\"", "%22", StringComparison.Ordinal)).Append('"');
            text.Append("\r\n\r\n").Append(value).Append("\r\n");
        }
        return text.Append("--").Append(boundary).Append("--\r\n").ToString();
    }
}
