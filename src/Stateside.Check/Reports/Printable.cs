using System.Globalization;
using System.Text;

namespace Stateside.Check.Reports;

/// <summary>Text of services is hostile: what cannot be seen, turns the direction of writing, or is forbidden in XML is shown by its number.</summary>
internal static class Printable
{
    /// <summary>The same text with such characters written as <c>\u202e</c>; line breaks and tabs stay.</summary>
    public static string Of(string text)
    {
        text = text.ReplaceLineEndings("\n");
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text;
        var shown = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) shown.Append(c).Append(text[++i]);
            else if (c is '\n' or '\t') shown.Append(c);
            else if (IsHidden(c)) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else shown.Append(c);
        }
        return shown.ToString();
    }

    /// <summary>At most so many characters, and how many were left out.</summary>
    public static string Clip(string text, int most) =>
        text.Length <= most ? text : string.Create(CultureInfo.InvariantCulture, $"{text[..most]}\n… {text.Length - most:N0} more characters");

    // Controls, lone surrogates, marks and overrides of direction, separators of lines, what is no character.
    private static bool IsHidden(char c) =>
        char.IsControl(c) || char.IsSurrogate(c) || c is >= '\u200b' and <= '\u200f' or >= '\u2028' and <= '\u202e' or >= '\u2060' and <= '\u206f' or '\u061c' or '\ufeff' or >= '\ufff9' and <= '\uffff' and not '\ufffd';
}
