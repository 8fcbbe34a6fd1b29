using System.Globalization;

namespace Stateside.Testing.Tests.Histories;

/// <summary>
/// Reads as much of EDN, the notation of Clojure, as histories use: a map is a dictionary by its keywords, a vector, list or set a list, nil null; keywords, symbols and
/// texts are strings, a keyword with its colon.
/// </summary>
internal sealed class Edn(string text)
{
    private int _at;

    /// <summary>All values of the text, one after the other.</summary>
    public static List<object?> ReadAll(string text)
    {
        var reader = new Edn(text);
        var values = new List<object?>();
        while (reader.SkipBlank()) values.Add(reader.Read());
        return values;
    }

    /// <summary>Commas are blank, and a semicolon starts a comment.</summary>
    private bool SkipBlank()
    {
        for (; _at < text.Length; _at++)
        {
            if (text[_at] == ';') while (_at < text.Length && text[_at] != '\n') _at++;
            else if (!char.IsWhiteSpace(text[_at]) && text[_at] != ',') return true;
        }
        return false;
    }

    private object? Read()
    {
        SkipBlank();
        switch (text[_at])
        {
            case '{':
                var items = ReadUntil('}');
                return Enumerable.Range(0, items.Count / 2).ToDictionary(i => (string)items[2 * i]!, i => items[2 * i + 1]);
            case '[':
                return ReadUntil(']');
            case '(':
                return ReadUntil(')');
            case '#':
                _at++;
                return ReadUntil(text[_at] == '{' ? '}' : ']');
            case '"':
                var end = text.IndexOf('"', _at + 1);
                var quoted = text[(_at + 1)..end];
                _at = end + 1;
                return quoted;
            default:
                return ReadAtom();
        }
    }

    private List<object?> ReadUntil(char close)
    {
        var items = new List<object?>();
        for (_at++; SkipBlank() && text[_at] != close;) items.Add(Read());
        _at++;
        return items;
    }

    private object? ReadAtom()
    {
        var from = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && !",;()[]{}\"".Contains(text[_at], StringComparison.Ordinal)) _at++;
        if (_at == from) throw new FormatException($"Nothing can be read at {from}.");
        var atom = text[from.._at];
        if (atom == "nil") return null;
        return long.TryParse(atom, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : atom;
    }
}
