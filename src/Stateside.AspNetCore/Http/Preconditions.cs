using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Stateside.Stores;

namespace Stateside.AspNetCore.Http;

/// <summary>Versions as HTTP's own: <c>ETag</c>, <c>If-Match</c>, <c>If-None-Match</c> (RFC 9110, section 13).</summary>
internal static class Preconditions
{
    public static string Quote(StateVersion version)
    {
        Span<char> text = stackalloc char[StateVersion.MaxTextLength + 2];
        var length = version.Format(text[1..]);
        text[0] = text[length + 1] = '"';
        return new string(text[..(length + 2)]);
    }

    /// <summary>Whether a turn may go on. A weak tag never matches <c>If-Match</c> (section 13.1.1).</summary>
    public static bool Hold(IHeaderDictionary headers, Row row, bool writes)
    {
        if (headers.IfMatch is { Count: > 0 } match && !Matches(match, row.Exists ? row.Version : StateVersion.None, weak: false)) return false;
        return !writes || headers.IfNoneMatch is not { Count: > 0 } none || !Matches(none, row.Exists ? row.Version : StateVersion.None, weak: true);
    }

    /// <summary>
    /// Whether <c>If-Match</c> names versions. Where no one state's version is that of the answer (several states, and none marked
    /// <c>[ETag]</c>), no tag can match, and the client that sent one wants no write.
    /// </summary>
    public static bool NamesVersion(IHeaderDictionary headers) => headers.IfMatch is { Count: > 0 } match && match.ToString().Trim() is not "*";

    /// <summary>Whether a reader already has this version (section 13.1.2).</summary>
    public static bool IsNotModified(HttpRequest request, StateVersion version) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && request.Headers.IfNoneMatch is { Count: > 0 } none && Matches(none, version, weak: true);

    private static bool Matches(StringValues header, StateVersion version, bool weak)
    {
        if (version.IsNone) return false;
        var tag = Quote(version);
        foreach (var line in header)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var candidate = line.AsSpan()[range].Trim();
                if (candidate is "*") return true;
                if (weak && candidate.StartsWith("W/")) candidate = candidate[2..];
                if (candidate.SequenceEqual(tag)) return true;
            }
        }
        return false;
    }
}
