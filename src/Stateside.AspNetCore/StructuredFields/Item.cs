namespace Stateside.AspNetCore.StructuredFields;

/// <summary>A bare item and its parameters (RFC 9651 §3.3).</summary>
internal readonly record struct Item(BareItem Value, Parameters Parameters = default);

/// <summary>A member of a List or a Dictionary: an Item, or an Inner List with parameters of its own (RFC 9651 §3.1.1).</summary>
internal readonly struct Member
{
    private readonly Item[]? _items;

    public Member(Item item) => Item = item;

    public Member(Item[] innerList, Parameters parameters) => (_items, Item) = (innerList, new Item(default, parameters));

    public bool IsInnerList => _items is not null;

    /// <summary>The Item; of an Inner List only the parameters mean something.</summary>
    public Item Item { get; }

    /// <summary>The Items of an Inner List; else empty.</summary>
    public ReadOnlySpan<Item> InnerList => _items;

    /// <summary>The parameters of the Item or of the Inner List.</summary>
    public Parameters Parameters => Item.Parameters;
}

/// <summary>The parameters of an Item or an Inner List, in order; each key once (RFC 9651 §3.1.2).</summary>
internal readonly struct Parameters(List<KeyValuePair<string, BareItem>> pairs)
{
    private readonly List<KeyValuePair<string, BareItem>>? _pairs = pairs;

    public int Count => _pairs?.Count ?? 0;

    public KeyValuePair<string, BareItem> this[int index] => _pairs![index];

    /// <summary>The value of <paramref name="key"/>; false if it is not there.</summary>
    public bool TryGet(string key, out BareItem value)
    {
        var at = KeyedList.IndexOf(_pairs, key);
        value = at < 0 ? default : _pairs![at].Value;
        return at >= 0;
    }
}

/// <summary>What Parameters and Dictionaries are: ordered, and a key that comes again replaces the value but keeps its place (§4.2.2, §4.2.3.2).</summary>
internal static class KeyedList
{
    public static int IndexOf<T>(List<KeyValuePair<string, T>>? list, ReadOnlySpan<char> key)
    {
        for (var i = 0; i < (list?.Count ?? 0); i++)
            if (key.SequenceEqual(list![i].Key)) return i;
        return -1;
    }

    /// <summary>Adds or replaces; false if that would be more than <paramref name="most"/>.</summary>
    public static bool TrySet<T>(List<KeyValuePair<string, T>> list, ReadOnlySpan<char> key, T value, int most)
    {
        var at = IndexOf(list, key);
        if (at >= 0)
        {
            list[at] = new(list[at].Key, value);
            return true;
        }
        if (list.Count == most) return false;
        list.Add(new(key.ToString(), value));
        return true;
    }
}
