using System.Globalization;

namespace Stateside.Check.Comparing;

/// <summary>Arrays of a response: items of JSON, blocks of a page, lines of a text.</summary>
internal static class Sequences
{
    /// <summary>The place of how many items an array has.</summary>
    public static string CountOf(string array) => array + "[#]";

    /// <summary>The outermost array that a place is in, the item's index and the rest of the place; null where it is in none.</summary>
    public static (string Array, int Index, string Suffix)? Take(string place)
    {
        for (var open = place.IndexOf('['); open >= 0; open = place.IndexOf('[', open + 1))
        {
            var close = place.IndexOf(']', open);
            if (close < 0) return null;
            if (int.TryParse(place.AsSpan(open + 1, close - open - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                return (place[..open], index, place[(close + 1)..]);
        }
        return null;
    }

    /// <summary>The outermost arrays of a response with their items in order, each as one text.</summary>
    public static Dictionary<string, List<string>> Of(Observation observation, Labels labels)
    {
        var arrays = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var place in observation.Places)
        {
            if (Take(place) is not var (array, index, rest)) continue;
            if (!arrays.TryGetValue(array, out var items)) arrays.Add(array, items = []);
            while (items.Count <= index) items.Add("");
            var value = observation[place]!;
            var shown = Labels.IsNumber(value, out _) && Ids.IsIdLike(rest) && labels.NameOf(value) is { } name ? name : labels.Apply(value);
            items[index] += $"{rest}={shown}\n";
        }
        return arrays;
    }

    /// <summary>How often each item comes.</summary>
    public static Dictionary<string, int> Counts(IEnumerable<string> items) => items.GroupBy(i => i, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
}

/// <summary>Places that hold ids, by their names.</summary>
internal static class Ids
{
    private static readonly string[] s_endings = ["id", "Id", "ID", "_no", "_nr", "number", "Number", "key", "Key", "seq", "location"];

    /// <summary>Whether a place's last name is that of an id: <c>json:$.id</c>, <c>json:$.orderId</c>, <c>header:location</c>.</summary>
    public static bool IsIdLike(string place)
    {
        var bracket = place.EndsWith(']') ? place.LastIndexOf('[') : place.Length;
        return bracket >= 0 && s_endings.Any(ending => place.AsSpan(0, bracket).EndsWith(ending, StringComparison.Ordinal));
    }
}
