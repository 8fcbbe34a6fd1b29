namespace Stateside;

/// <summary>Which one: the group, the name of the state, and the item inside the group.</summary>
/// <param name="Group">What it commits with.</param>
/// <param name="Name">The state's name, a wire contract.</param>
/// <param name="Item">Empty where the group itself says which one; for states under <c>[NewKey]</c> the 22 characters of a random id.</param>
public readonly record struct StateKey(Group Group, string Name, string Item)
{
    /// <summary>The state that the group itself names.</summary>
    public StateKey(Group group, string name) : this(group, name, "") { }

    /// <summary>
    /// The key of a state by the id that stands in a URL: a public id leads back to its group, any other text is a key by itself.
    /// </summary>
    /// <param name="name">The state's name.</param>
    /// <param name="id">1 to 512 bytes of UTF-8 without control characters.</param>
    /// <exception cref="ArgumentException"><paramref name="id"/> breaks that rule.</exception>
    public static StateKey From(string name, string id) =>
        PublicId.TryParse(id, out var group, out var item) ? new(group, name, item) : new(Group.Keyed(id), name);
}
