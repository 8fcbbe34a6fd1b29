using System.Buffers;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.StructuredFields;

namespace Stateside.AspNetCore.Idempotency;

/// <summary>
/// Reads the header <c>Idempotency-Key</c>. The IETF draft makes it a String of RFC 9651, in quotes; nearly everybody
/// sends it bare. Both spellings name the same key, unless strict reading refuses the bare one.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Quoted: any printable ASCII, with <c>\"</c> and <c>\\</c> as the only escapes. Parameters after it are checked for form
/// and left out of the key: the draft defines none.</item>
/// <item>Bare: visible ASCII without comma, semicolon, quote and backslash. A comma is how proxies join two lines, a semicolon
/// would begin a parameter, and quote and backslash would make it doubtful which spelling was meant. What would be a token,
/// a number, a date or bytes to RFC 9651 is plain text here.</item>
/// </list>
/// </remarks>
internal static class IdempotencyKeyHeader
{
    public const string Name = "Idempotency-Key";

    /// <summary>Most characters of a key, without quotes and escapes.</summary>
    public const int MaxKeyLength = 255;

    /// <summary>Most characters of the header: the longest key with each character escaped, and room for parameters. Nothing longer is looked at.</summary>
    public const int MaxHeaderLength = 1024;

    private const string TooLong = "An Idempotency-Key may have at most 255 characters.";
    private const string Empty = "The Idempotency-Key is empty.";
    private const string Several = "A request may carry one Idempotency-Key only.";
    private const string NotQuoted = "The Idempotency-Key must be a string in double quotes of printable ASCII, with \\\" and \\\\ as the only escapes, and nothing but parameters after it.";
    private const string NotBare = "An Idempotency-Key without quotes may hold visible ASCII only, and no comma, semicolon, quote or backslash.";

    private static readonly SearchValues<char> Bare =
        SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Except(",;\"\\")]);

    /// <summary>Reads the header's lines.</summary>
    /// <param name="header">All lines of that name.</param>
    /// <param name="strict">Whether the bare form is refused.</param>
    public static KeyResult Read(StringValues header, bool strict)
    {
        if (header.Count == 0) return KeyResult.Missing;
        if (header.Count > 1) return KeyResult.Invalid(Several);
        var text = header[0].AsSpan();
        if (text.Length > MaxHeaderLength) return KeyResult.Invalid(TooLong);
        text = text.Trim(' ');
        if (text.IsEmpty) return KeyResult.Invalid(Empty);
        return strict || text[0] == '"' ? ReadQuoted(text) : ReadBare(text);
    }

    private static KeyResult ReadQuoted(ReadOnlySpan<char> text)
    {
        if (!StructuredField.TryParseItem(text, out var item) || item.Value.Type != BareItemType.String) return KeyResult.Invalid(NotQuoted);
        return item.Value.Text.Length switch
        {
            0 => KeyResult.Invalid(Empty),
            > MaxKeyLength => KeyResult.Invalid(TooLong),
            _ => KeyResult.Valid(item.Value.Text),
        };
    }

    private static KeyResult ReadBare(ReadOnlySpan<char> text)
    {
        if (text.Length > MaxKeyLength) return KeyResult.Invalid(TooLong);
        return text.ContainsAnyExcept(Bare) ? KeyResult.Invalid(NotBare) : KeyResult.Valid(text.ToString());
    }
}

/// <summary>What the header came to: missing (both null), valid (a key) or invalid (a reason).</summary>
internal readonly record struct KeyResult
{
    private KeyResult(string? key, string? reason) => (Key, Reason) = (key, reason);

    /// <summary>The request bore no such header.</summary>
    public static KeyResult Missing => default;

    /// <summary>The key, 1 to 255 characters of printable ASCII; null unless it is valid.</summary>
    public string? Key { get; }

    /// <summary>Why it is refused, for the client; never repeats what was sent. Null unless it is invalid.</summary>
    public string? Reason { get; }

    public bool IsMissing => Key is null && Reason is null;

    public static KeyResult Valid(string key) => new(key, null);

    public static KeyResult Invalid(string reason) => new(null, reason);
}
