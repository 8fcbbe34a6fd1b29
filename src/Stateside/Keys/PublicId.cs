using System.Diagnostics.CodeAnalysis;

namespace Stateside;

/// <summary>
/// The id of a state that was made under <c>[NewKey]</c>, as it stands in URLs: it leads back to the group and gives no
/// credential away (the internal id of a session is not its credential).
/// </summary>
/// <remarks>
/// Wire format (ADR 0001): the kind (<c>s</c>, <c>u</c> or <c>n</c>), the value of the group (22, 43 or 22 characters), and
/// the item (22 characters, 128 random bits that make the id unguessable).
/// Text that is not exactly that is an ordinary key; each text has one meaning, so nothing can be reached under two ids.
/// </remarks>
internal static class PublicId
{
    public static string Format(Group group, string item) => string.Concat(group.Value.AsSpan(0, 1), group.Value.AsSpan(2), item);

    public static bool TryParse(string? id, out Group group, [NotNullWhen(true)] out string? item)
    {
        group = default;
        item = null;
        if (id is null || id.Length < 1 + TurnId.TextLength) return false;
        var value = id.AsSpan(1, id.Length - 1 - TurnId.TextLength);
        var valid = id[0] switch
        {
            's' or 'n' => Base64Text.TryDecode(value, stackalloc byte[16]),
            'u' => Base64Text.TryDecode(value, stackalloc byte[32]),
            _ => false,
        };
        if (!valid || !TurnId.TryParse(id.AsSpan(id.Length - TurnId.TextLength), out _)) return false;
        group = Group.Parse($"{id[0]}:{value}");
        item = id[^TurnId.TextLength..];
        return true;
    }
}
