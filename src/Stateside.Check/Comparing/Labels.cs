using System.Globalization;

namespace Stateside.Check.Comparing;

/// <summary>
/// Names for values of one run that are new in it (ids, tokens, names made up for the run), by where they came first. A later value that is or holds one is compared by
/// that name, so that "the id that step 2 made is shown at step 4" is a fact, although the id differs from run to run.
/// </summary>
internal sealed class Labels
{
    private const int MostTexts = 500;
    private const int ShortestText = 6;
    private readonly List<(string Value, string Name)> _texts = [];
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _numbers = new(StringComparer.Ordinal);

    /// <summary>Whether a value is long and odd enough to be looked for within other texts.</summary>
    public static bool IsDistinctive(string value) => value.Length >= ShortestText && (value.Length >= 16 || value.Any(char.IsAsciiDigit)) && !IsNumber(value, out _);

    /// <summary>Whether a value is a number, as it is counted and compared here.</summary>
    public static bool IsNumber(string value, out decimal number) =>
        decimal.TryParse(value, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) && value.Length <= 20;

    /// <summary>What a name stands for in this run; what is no name stands for itself.</summary>
    public string ValueOf(string word) => _values.GetValueOrDefault(word, word);

    /// <summary>Whether a text has this name in this run.</summary>
    public bool Knows(string name) => _values.ContainsKey(name);

    /// <summary>Gives a distinctive text a name.</summary>
    public void AddText(string name, string value)
    {
        // One value has the first of its names; where a list has shifted that may be another one than in the twins, so what the others stand for is known too.
        _values[name] = value;
        if (_texts.Count == MostTexts || _texts.Exists(t => t.Value == value)) return;
        // The longest first, so that a text is found before its parts are.
        var at = _texts.FindIndex(t => t.Value.Length < value.Length);
        _texts.Insert(at < 0 ? _texts.Count : at, (value, name));
    }

    /// <summary>Gives an id that is a number a name. What is sent again may give another one under the same name.</summary>
    public void AddNumber(string name, string value)
    {
        if (!_numbers.TryGetValue(name, out var values)) _numbers.Add(name, values = []);
        values.Add(value);
    }

    /// <summary>The names of the numbers.</summary>
    public IEnumerable<string> NumberNames => _numbers.Keys;

    /// <summary>Whether a number has a name; null where the name was never given in this run.</summary>
    public bool? Is(string name, string number) => _numbers.TryGetValue(name, out var values) ? values.Contains(number) : null;

    /// <summary>The name of a number, or null.</summary>
    public string? NameOf(string number) => _numbers.Where(n => n.Value.Contains(number)).Select(n => n.Key).FirstOrDefault();

    /// <summary>The text with names in the place of the values.</summary>
    public string Apply(string text)
    {
        foreach (var (value, name) in _texts)
            if (text.Length >= value.Length && text.Contains(value, StringComparison.Ordinal)) text = text.Replace(value, name, StringComparison.Ordinal);
        return text;
    }
}
