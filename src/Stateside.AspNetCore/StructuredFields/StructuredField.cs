using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>
/// Structured Fields for HTTP, RFC 9651: the one grammar of modern headers. Parsing is strict where the RFC demands it,
/// never throws, and checks each limit before it allocates.
/// </summary>
internal static class StructuredField
{
    /// <summary>Most characters of a field, all its lines together.</summary>
    public const int MaxLength = 64 * 1024;

    /// <summary>Most members of a List or Dictionary; the RFC asks for at least as many (§3.1, §3.2).</summary>
    public const int MaxMembers = 1024;

    /// <summary>Most Items of an Inner List, and most parameters of an Item; the RFC asks for at least as many (§3.1.1, §3.1.2).</summary>
    public const int MaxInner = 256;

    /// <summary>Parses a field whose value is one Item (§4.2.3).</summary>
    public static bool TryParseItem(ReadOnlySpan<char> field, out Item item)
    {
        item = default;
        var parser = new FieldParser(field);
        return field.Length <= MaxLength && parser.TryBegin() && parser.TryItem(out item) && parser.TryEnd();
    }

    /// <summary>Parses a field whose value is a List (§4.2.1). Lines of one field are joined with a comma first.</summary>
    public static bool TryParseList(ReadOnlySpan<char> field, [NotNullWhen(true)] out List<Member>? list)
    {
        list = null;
        var parser = new FieldParser(field);
        return field.Length <= MaxLength && parser.TryBegin() && parser.TryList(out list) && parser.TryEnd();
    }

    /// <summary>Parses a field whose value is a Dictionary (§4.2.2). Lines of one field are joined with a comma first.</summary>
    public static bool TryParseDictionary(ReadOnlySpan<char> field, [NotNullWhen(true)] out List<KeyValuePair<string, Member>>? dictionary)
    {
        dictionary = null;
        var parser = new FieldParser(field);
        return field.Length <= MaxLength && parser.TryBegin() && parser.TryDictionary(out dictionary) && parser.TryEnd();
    }

    /// <summary>The canonical text of an Item; false if a value breaks the rules of its type (§4.1.3).</summary>
    public static bool TrySerialize(Item item, [NotNullWhen(true)] out string? field)
    {
        var text = new StringBuilder();
        field = FieldWriter.TryItem(text, item) ? text.ToString() : null;
        return field is not null;
    }

    /// <summary>The canonical text of a List; empty for one without members, whose field is left out (§4.1.1).</summary>
    public static bool TrySerialize(IReadOnlyList<Member> list, [NotNullWhen(true)] out string? field)
    {
        var text = new StringBuilder();
        field = FieldWriter.TryList(text, list) ? text.ToString() : null;
        return field is not null;
    }

    /// <summary>The canonical text of a Dictionary; empty for one without members, whose field is left out (§4.1.2).</summary>
    public static bool TrySerialize(IReadOnlyList<KeyValuePair<string, Member>> dictionary, [NotNullWhen(true)] out string? field)
    {
        var text = new StringBuilder();
        field = FieldWriter.TryDictionary(text, dictionary) ? text.ToString() : null;
        return field is not null;
    }
}
