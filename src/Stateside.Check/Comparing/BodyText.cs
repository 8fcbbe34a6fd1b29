using System.Text;
using System.Text.RegularExpressions;

namespace Stateside.Check.Comparing;

/// <summary>Bodies as text.</summary>
internal static partial class BodyText
{
    /// <summary>The text of a body by its charset (else UTF-8), or null if it is binary: an undecodable byte or a control character says so.</summary>
    public static string? Decode(ReadOnlySpan<byte> body, string? contentType)
    {
        if (body.StartsWith([(byte)0xEF, (byte)0xBB, (byte)0xBF])) body = body[3..];
        try
        {
            var text = EncodingOf(contentType).GetString(body);
            // A stream that was cut may end within a character; that alone does not make it binary.
            var sound = text.EndsWith('\uFFFD') ? text.AsSpan()[..^1] : text;
            return sound.IndexOfAnyInRange('\0', '\x08') >= 0 || sound.Contains('\uFFFD') ? null : text;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The media type in lower case without parameters; empty if there is none.</summary>
    public static string MediaType(string? contentType) => (contentType ?? "").Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>Whether a media type is JSON: <c>application/json</c>, <c>text/json</c> or with the suffix <c>+json</c>.</summary>
    public static bool IsJson(string mediaType) => mediaType is "application/json" or "text/json" || mediaType.EndsWith("+json", StringComparison.Ordinal);

    private static Encoding EncodingOf(string? contentType)
    {
        var charset = Charset().Match(contentType ?? "").Groups[1].Value;
        if (charset.Length == 0) return Encoding.UTF8;
        try { return CodePagesEncodingProvider.Instance.GetEncoding(charset) ?? Encoding.GetEncoding(charset); }
        catch (ArgumentException) { return Encoding.UTF8; }
    }

    [GeneratedRegex("""charset\s*=\s*["']?([\w.:-]{1,40})""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Charset();
}
