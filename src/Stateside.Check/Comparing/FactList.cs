using System.Globalization;

namespace Stateside.Check.Comparing;

/// <summary>Collects facts within limits, each place once.</summary>
internal sealed class FactList
{
    /// <summary>The most facts of one response.</summary>
    public const int MaxFacts = 100_000;

    // Places repeat the names above them, so that a small response could otherwise become very large.
    private const long MaxCharacters = 32 << 20;

    private readonly List<KeyValuePair<string, string>> _facts = [];
    private readonly Dictionary<string, int> _seen = [];
    private long _characters;

    /// <summary>Whether a limit was reached: what is added now is lost.</summary>
    public bool Full { get; private set; }

    /// <summary>What was collected.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts => _facts;

    /// <summary>Adds a fact; a place that is there already gets a number: <c>html:form[0].field[tag]#2</c>.</summary>
    public void Add(string place, string value)
    {
        if (Full) return;
        var count = _seen[place] = _seen.GetValueOrDefault(place) + 1;
        if (count > 1) place = string.Create(CultureInfo.InvariantCulture, $"{place}#{count}");
        _facts.Add(new(place, value));
        _characters += place.Length + value.Length;
        Full = _facts.Count >= MaxFacts || _characters > MaxCharacters;
    }

    /// <summary>Adds a fact whatever the limits.</summary>
    public void AddLast(string place, string value) => _facts.Add(new(place, value));
}
