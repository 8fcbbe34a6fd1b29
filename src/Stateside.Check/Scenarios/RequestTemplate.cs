using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>Where in a request a value stands.</summary>
internal enum SinkKind { PathSegment, Parameter, Header, FormField, Json }

/// <summary>A value that a recorded request sends.</summary>
/// <param name="Kind">Where it stands.</param>
/// <param name="Name">The name of the parameter, header field, form field or JSON member; of a path segment the one before it.</param>
/// <param name="Value">The value, decoded.</param>
/// <param name="Before">Of a path segment: the path before it, with the slash.</param>
internal readonly record struct Sink(SinkKind Kind, string Name, string Value, string Before = "");

/// <summary>Turns recorded requests into templates, value by value: whoever is asked says which expression takes a value's place, or null to leave it as it is.</summary>
internal sealed partial class RequestTemplate(Func<Sink, string?> choose)
{
    /// <summary>A path with its query.</summary>
    public string Target(string target)
    {
        var mark = target.IndexOf('?');
        var segments = (mark < 0 ? target : target[..mark]).Split('/');
        var before = new StringBuilder();
        for (var i = 0; i < segments.Length; i++)
        {
            var raw = segments[i];
            if (raw.Length > 0)
            {
                var previous = i > 0 ? Uri.UnescapeDataString(segments[i - 1]) : "";
                segments[i] = choose(new(SinkKind.PathSegment, previous, Uri.UnescapeDataString(raw), before.ToString())) is { } e ? $"{{{{{e}|percent}}}}" : Template.Literal(raw);
            }
            before.Append(raw).Append('/');
        }
        var path = string.Join('/', segments);
        return mark < 0 ? path : $"{path}?{Pairs(target[(mark + 1)..], SinkKind.Parameter, "percent")}";
    }

    /// <summary>The value of a header field; a scheme in front (<c>Bearer</c>) stays.</summary>
    public string Header(string name, string value)
    {
        if (choose(new(SinkKind.Header, name, value)) is { } whole) return $"{{{{{whole}}}}}";
        var space = value.IndexOf(' ');
        return space > 0 && value.IndexOf(' ', space + 1) < 0 && choose(new(SinkKind.Header, name, value[(space + 1)..])) is { } e
            ? $"{Template.Literal(value[..space])} {{{{{e}}}}}"
            : Template.Literal(value);
    }

    /// <summary>A body by its type.</summary>
    public string Body(string body, string contentType)
    {
        var type = Comparing.BodyText.MediaType(contentType);
        if (type == "application/x-www-form-urlencoded") return Pairs(body, SinkKind.FormField, "form");
        if (type == "multipart/form-data" && Multipart.Boundary(contentType) is { } boundary) return Parts(body, boundary);
        return Comparing.BodyText.IsJson(type) || body.AsSpan().TrimStart() is ['{' or '[', ..] ? Json(body) : Template.Literal(body);
    }

    private string Pairs(string query, SinkKind kind, string encoding) => string.Join('&', query.Split('&').Select(pair =>
    {
        var equals = pair.IndexOf('=');
        if (equals < 0) return Template.Literal(pair);
        return choose(new(kind, Places.FormDecode(pair[..equals]), Places.FormDecode(pair[(equals + 1)..]))) is { } e
            ? $"{Template.Literal(pair[..equals])}={{{{{e}|{encoding}}}}}"
            : Template.Literal(pair);
    }));

    private string Parts(string body, string boundary) => string.Join("--" + boundary, body.Split("--" + boundary).Select(part =>
    {
        var blank = part.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var match = PartName().Match(blank < 0 ? "" : part[..blank]);
        if (!match.Success || part.Length < blank + 6 || part[..blank].Contains("filename", StringComparison.OrdinalIgnoreCase)) return Template.Literal(part);
        return choose(new(SinkKind.FormField, match.Groups[1].Value, part[(blank + 4)..^2])) is { } e
            ? $"{Template.Literal(part[..(blank + 4)])}{{{{{e}}}}}\r\n"
            : Template.Literal(part);
    }));

    private string Json(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var text = new StringBuilder();
        var copied = 0;
        var names = new Stack<string>([""]);
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) names.Push(names.Peek());
                else if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) names.Pop();
                else if (reader.TokenType == JsonTokenType.PropertyName) { names.Pop(); names.Push(reader.GetString()!); }
                if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number)) continue;
                var quote = reader.TokenType == JsonTokenType.String ? 1 : 0;
                var (start, end) = ((int)reader.TokenStartIndex + quote, (int)reader.BytesConsumed - quote);
                var value = quote == 1 ? reader.GetString()! : Encoding.UTF8.GetString(bytes, start, end - start);
                if (choose(new(SinkKind.Json, names.Peek(), value)) is not { } e) continue;
                text.Append(Template.Literal(Encoding.UTF8.GetString(bytes, copied, start - copied))).Append($"{{{{{e}{(quote == 1 ? "|json" : "")}}}}}");
                copied = end;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Template.Literal(body);
        }
        return text.Append(Template.Literal(Encoding.UTF8.GetString(bytes, copied, bytes.Length - copied))).ToString();
    }

    [GeneratedRegex(@"\bname=""([^""]*)""")]
    private static partial Regex PartName();
}
