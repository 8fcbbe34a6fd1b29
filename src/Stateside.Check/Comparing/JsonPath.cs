using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Stateside.Check.Comparing;

/// <summary>One step of a path into JSON: the name of a member, or (name null) an index, which counts from the end if it is negative.</summary>
internal readonly record struct JsonSegment(string? Name, int Index);

/// <summary>Paths into JSON as places write them: <c>$.a['odd name'][0]</c>, the part of JSONPath (RFC 9535) that names one value.</summary>
internal static class JsonPath
{
    /// <summary>Reads a path.</summary>
    /// <exception cref="FormatException">It is not one, or names more than one value.</exception>
    public static List<JsonSegment> Parse(string path)
    {
        var segments = new List<JsonSegment>();
        if (!path.StartsWith('$')) throw Fault(path);
        var i = 1;
        while (i < path.Length)
        {
            if (path[i] == '.')
            {
                var end = path.AsSpan(i + 1).IndexOfAny('.', '[') is var e and >= 0 ? i + 1 + e : path.Length;
                if (end == i + 1 || path[i + 1] == '*') throw Fault(path);
                segments.Add(new(path[(i + 1)..end], 0));
                i = end;
            }
            else if (path[i] == '[' && i + 1 < path.Length && path[i + 1] is '\'' or '"')
            {
                i = Quoted(path, i + 1, segments);
            }
            else if (path[i] == '[' && path.IndexOf(']', i) is var close and > 0
                && int.TryParse(path.AsSpan(i + 1, close - i - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            {
                segments.Add(new(null, index));
                i = close + 1;
            }
            else
            {
                throw Fault(path);
            }
        }
        return segments;
    }

    /// <summary>The value at a path, or null where there is none.</summary>
    public static JsonElement? Find(JsonElement root, IReadOnlyList<JsonSegment> path)
    {
        var at = root;
        foreach (var segment in path)
        {
            if (segment.Name is { } name)
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at)) return null;
                continue;
            }
            if (at.ValueKind != JsonValueKind.Array) return null;
            var index = segment.Index < 0 ? at.GetArrayLength() + segment.Index : segment.Index;
            if (index < 0 || index >= at.GetArrayLength()) return null;
            at = at[index];
        }
        return at;
    }

    /// <summary>A path and the name of a member of what is there.</summary>
    public static string Append(string path, string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? $"{path}.{name}"
            : $"{path}['{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}']";

    private static int Quoted(string path, int at, List<JsonSegment> segments)
    {
        var name = new StringBuilder();
        var i = at + 1;
        for (; i < path.Length && path[i] != path[at]; i++)
        {
            if (path[i] == '\\' && i + 1 < path.Length) i++;
            name.Append(path[i]);
        }
        if (i + 1 >= path.Length || path[i + 1] != ']') throw Fault(path);
        segments.Add(new(name.ToString(), 0));
        return i + 2;
    }

    private static FormatException Fault(string path) =>
        new($"'{path}' does not name one value of JSON: write $.name, $['odd name'] or $.list[0]; wildcards and filters are not supported");
}
