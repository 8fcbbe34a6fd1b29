using System.Diagnostics.CodeAnalysis;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>The structures of RFC 9651 §4.2: Lists, Dictionaries, Inner Lists, Items and parameters. Each method reads what its name says and moves on.</summary>
internal ref struct FieldParser(ReadOnlySpan<char> field)
{
    private BareItemParser _rest = new(field);

    /// <summary>§4.2 steps 2 to 4: spaces before the value.</summary>
    public bool TryBegin()
    {
        _rest.SkipSpaces();
        return true;
    }

    /// <summary>§4.2 steps 6 and 7: nothing but spaces after the value.</summary>
    public bool TryEnd()
    {
        _rest.SkipSpaces();
        return _rest.IsEmpty;
    }

    /// <summary>§4.2.1.</summary>
    public bool TryList([NotNullWhen(true)] out List<Member>? list)
    {
        var members = new List<Member>();
        list = null;
        while (!_rest.IsEmpty)
        {
            if (members.Count == StructuredField.MaxMembers || !TryMember(out var member)) return false;
            members.Add(member);
            if (!TrySeparator()) return false;
        }
        list = members;
        return true;
    }

    /// <summary>§4.2.2.</summary>
    public bool TryDictionary([NotNullWhen(true)] out List<KeyValuePair<string, Member>>? dictionary)
    {
        var members = new List<KeyValuePair<string, Member>>();
        dictionary = null;
        while (!_rest.IsEmpty)
        {
            if (!_rest.TryKey(out var key)) return false;
            Member member;
            if (_rest.TrySkip('='))
            {
                if (!TryMember(out member)) return false;
            }
            else
            {
                if (!TryParameters(out var parameters)) return false;
                member = new Member(new Item(BareItem.Boolean(true), parameters));
            }
            if (!KeyedList.TrySet(members, key, member, StructuredField.MaxMembers) || !TrySeparator()) return false;
        }
        dictionary = members;
        return true;
    }

    /// <summary>§4.2.3.</summary>
    public bool TryItem(out Item item)
    {
        item = default;
        if (!_rest.TryBareItem(out var value) || !TryParameters(out var parameters)) return false;
        item = new Item(value, parameters);
        return true;
    }

    /// <summary>§4.2.1.1: an Item or an Inner List.</summary>
    private bool TryMember(out Member member)
    {
        if (_rest.TrySkip('(')) return TryInnerList(out member);
        var ok = TryItem(out var item);
        member = new Member(item);
        return ok;
    }

    /// <summary>§4.2.1.2, after its opening parenthesis. Inner Lists hold Items only, so nothing nests deeper.</summary>
    private bool TryInnerList(out Member member)
    {
        member = default;
        List<Item>? items = null;
        while (true)
        {
            _rest.SkipSpaces();
            if (_rest.TrySkip(')')) break;
            if (items?.Count == StructuredField.MaxInner || !TryItem(out var item)) return false;
            if (_rest.Next is not (' ' or ')')) return false;
            (items ??= []).Add(item);
        }
        if (!TryParameters(out var parameters)) return false;
        member = new Member(items?.ToArray() ?? [], parameters);
        return true;
    }

    /// <summary>§4.2.3.2.</summary>
    private bool TryParameters(out Parameters parameters)
    {
        parameters = default;
        List<KeyValuePair<string, BareItem>>? pairs = null;
        while (_rest.TrySkip(';'))
        {
            _rest.SkipSpaces();
            if (!_rest.TryKey(out var key)) return false;
            var value = BareItem.Boolean(true);
            if (_rest.TrySkip('=') && !_rest.TryBareItem(out value)) return false;
            if (!KeyedList.TrySet(pairs ??= [], key, value, StructuredField.MaxInner)) return false;
        }
        if (pairs is not null) parameters = new Parameters(pairs);
        return true;
    }

    /// <summary>What stands after a member: the end, or a comma with another member behind it. Only here a tab counts as white space.</summary>
    private bool TrySeparator()
    {
        _rest.SkipWhiteSpace();
        if (_rest.IsEmpty) return true;
        if (!_rest.TrySkip(',')) return false;
        _rest.SkipWhiteSpace();
        return !_rest.IsEmpty;
    }
}
