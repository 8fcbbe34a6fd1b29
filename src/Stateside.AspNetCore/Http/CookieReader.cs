using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Http;

/// <summary>How often a cookie was found.</summary>
internal enum CookieMatch
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Once.</summary>
    One,

    /// <summary>More than once: it cannot be told which of them this server set, so none of them counts.</summary>
    Many,
}

/// <summary>
/// Finds one cookie in the raw <c>Cookie</c> header, as browsers write it (RFC 6265 §4.2.1), in one pass and without a byte
/// allocated for the cookies of others.
/// </summary>
/// <remarks>
/// The rules are those that leave an attacker on a sister domain least room. Pairs end at each semicolon, quotes or not. The name
/// is compared as it is: case-sensitively, and nothing is trimmed but the space or tab after the semicolon; servers that trim more
/// take <c>U+2000 __Host-x</c> for <c>__Host-x</c>, which the browser did not protect. A value keeps its quotes. A pair without
/// <c>=</c> has no name. Two cookies of the name are reported as <see cref="CookieMatch.Many"/>, even if they are equal, and never merged.
/// </remarks>
internal static class CookieReader
{
    /// <summary>Looks for <paramref name="name"/> in all lines of the header.</summary>
    /// <param name="header">All lines of the header.</param>
    /// <param name="name">The cookie's name.</param>
    /// <param name="value">The value if there is exactly one, else empty.</param>
    public static CookieMatch Find(StringValues header, string name, out string value)
    {
        value = "";
        var found = false;
        ReadOnlySpan<char> content = default;
        foreach (var line in header)
        {
            for (var rest = line.AsSpan(); !rest.IsEmpty;)
            {
                var end = rest.IndexOf(';');
                var pair = (end < 0 ? rest : rest[..end]).TrimStart(" \t");
                rest = end < 0 ? default : rest[(end + 1)..];
                if (pair.Length <= name.Length || pair[name.Length] != '=' || !pair.StartsWith(name, StringComparison.Ordinal)) continue;
                if (found) return CookieMatch.Many;
                found = true;
                content = pair[(name.Length + 1)..];
            }
        }
        if (!found) return CookieMatch.None;
        value = content.ToString();
        return CookieMatch.One;
    }
}
