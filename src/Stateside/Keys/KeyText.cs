using System.Text;

namespace Stateside;

/// <summary>What a key given from outside may look like. One rule for all stores, so that a key that works on one works on every other.</summary>
internal static class KeyText
{
    /// <summary>Most bytes of UTF-8 in a key.</summary>
    public const int MaxBytes = 512;

    /// <summary>Most characters in the name of a state.</summary>
    public const int MaxNameLength = 32;

    public const string Rule = "A key is 1 to 512 bytes of UTF-8 without control characters and without unpaired surrogates.";

    public const string NameRule = "A state's name is 1 to 32 characters: a lower-case letter, then lower-case letters, digits and hyphens.";

    public static bool IsValid(string? id)
    {
        if (string.IsNullOrEmpty(id) || id.Length > MaxBytes) return false;
        var bytes = 0;
        foreach (var rune in id.EnumerateRunes())
        {
            // EnumerateRunes turns an unpaired surrogate into U+FFFD; a real U+FFFD is refused with it, which no caller will miss.
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) return false;
            bytes += rune.Utf8SequenceLength;
        }
        return bytes <= MaxBytes;
    }

    public static bool IsValidName(string? name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxNameLength || !char.IsAsciiLetterLower(name[0])) return false;
        foreach (var c in name)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        return true;
    }
}
