using System.Buffers;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>The sets of characters that the grammar of RFC 9651 speaks of.</summary>
internal static class Characters
{
    private const string Lower = "abcdefghijklmnopqrstuvwxyz";
    private const string Letters = Lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Digits = "0123456789";

    /// <summary>What a key may hold after its first character (§3.1.2).</summary>
    public static readonly SearchValues<char> InKey = SearchValues.Create(Lower + Digits + "_-.*");

    /// <summary>What a token may hold after its first character (§3.3.4): tchar of RFC 9110, colon and slash.</summary>
    public static readonly SearchValues<char> InToken = SearchValues.Create(Letters + Digits + "!#$%&'*+-.^_`|~:/");

    public static readonly SearchValues<char> InBase64 = SearchValues.Create(Letters + Digits + "+/");

    public static bool BeginsKey(char c) => char.IsAsciiLetterLower(c) || c == '*';

    public static bool BeginsToken(char c) => char.IsAsciiLetter(c) || c == '*';

    /// <summary>VCHAR and the space: all that a String, and the text of a Display String, may hold as it is.</summary>
    public static bool IsPrintable(char c) => c is >= ' ' and <= '~';
}
