using System.Globalization;
using System.Text;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>The canonical text of structured fields (RFC 9651 §4.1). Each method answers false for what cannot be written; the text is then void.</summary>
internal static class FieldWriter
{
    private const decimal LargestInteger = 999_999_999_999_999;
    private const decimal DecimalBound = 1_000_000_000_000;

    /// <summary>§4.1.1.</summary>
    public static bool TryList(StringBuilder text, IReadOnlyList<Member> list)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0) text.Append(", ");
            if (!TryMember(text, list[i])) return false;
        }
        return true;
    }

    /// <summary>§4.1.2: a member that is true is written as its key alone.</summary>
    public static bool TryDictionary(StringBuilder text, IReadOnlyList<KeyValuePair<string, Member>> dictionary)
    {
        for (var i = 0; i < dictionary.Count; i++)
        {
            var (key, member) = dictionary[i];
            if (i > 0) text.Append(", ");
            if (!TryKey(text, key)) return false;
            if (!member.IsInnerList && member.Item.Value.IsTrue)
            {
                if (!TryParameters(text, member.Parameters)) return false;
                continue;
            }
            text.Append('=');
            if (!TryMember(text, member)) return false;
        }
        return true;
    }

    /// <summary>§4.1.3.</summary>
    public static bool TryItem(StringBuilder text, Item item) => TryBareItem(text, item.Value) && TryParameters(text, item.Parameters);

    /// <summary>§4.1.1.1 for an Inner List.</summary>
    private static bool TryMember(StringBuilder text, Member member)
    {
        if (!member.IsInnerList) return TryItem(text, member.Item);
        text.Append('(');
        for (var i = 0; i < member.InnerList.Length; i++)
        {
            if (i > 0) text.Append(' ');
            if (!TryItem(text, member.InnerList[i])) return false;
        }
        text.Append(')');
        return TryParameters(text, member.Parameters);
    }

    /// <summary>§4.1.1.2.</summary>
    private static bool TryParameters(StringBuilder text, Parameters parameters)
    {
        for (var i = 0; i < parameters.Count; i++)
        {
            var (key, value) = parameters[i];
            text.Append(';');
            if (!TryKey(text, key)) return false;
            if (value.IsTrue) continue;
            text.Append('=');
            if (!TryBareItem(text, value)) return false;
        }
        return true;
    }

    /// <summary>§4.1.1.3.</summary>
    private static bool TryKey(StringBuilder text, string key)
    {
        if (key.Length == 0 || !Characters.BeginsKey(key[0]) || key.AsSpan().ContainsAnyExcept(Characters.InKey)) return false;
        text.Append(key);
        return true;
    }

    /// <summary>§4.1.3.1.</summary>
    private static bool TryBareItem(StringBuilder text, BareItem item)
    {
        switch (item.Type)
        {
            case BareItemType.Integer: return TryInteger(text, item.Number);
            case BareItemType.Decimal: return TryDecimal(text, item.Number);
            case BareItemType.String: return TryString(text, item.Text);
            case BareItemType.Token: return TryToken(text, item.Text);
            case BareItemType.Date: return TryInteger(text.Append('@'), item.Number);
            case BareItemType.DisplayString: return TryDisplayString(text, item.Text);
            case BareItemType.ByteSequence:
                text.Append(':').Append(Convert.ToBase64String(item.Bytes.Span)).Append(':');
                return true;
            default:
                text.Append(item.IsTrue ? "?1" : "?0");
                return true;
        }
    }

    /// <summary>§4.1.4.</summary>
    private static bool TryInteger(StringBuilder text, decimal value)
    {
        if (Math.Abs(value) > LargestInteger) return false;
        text.Append(value.ToString("0", CultureInfo.InvariantCulture));
        return true;
    }

    /// <summary>§4.1.5: rounded to the nearest thousandth, ties to even, with at least one digit after the point.</summary>
    private static bool TryDecimal(StringBuilder text, decimal value)
    {
        var rounded = Math.Round(value, 3, MidpointRounding.ToEven);
        if (Math.Abs(rounded) >= DecimalBound) return false;
        text.Append(rounded.ToString("0.0##", CultureInfo.InvariantCulture));
        return true;
    }

    /// <summary>§4.1.6.</summary>
    private static bool TryString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            if (!Characters.IsPrintable(c)) return false;
            if (c is '"' or '\\') text.Append('\\');
            text.Append(c);
        }
        text.Append('"');
        return true;
    }

    /// <summary>§4.1.7.</summary>
    private static bool TryToken(StringBuilder text, string value)
    {
        if (value.Length == 0 || !Characters.BeginsToken(value[0]) || value.AsSpan().ContainsAnyExcept(Characters.InToken)) return false;
        text.Append(value);
        return true;
    }

    /// <summary>§4.1.11: UTF-8, with percent signs for what is not printable ASCII. Unpaired surrogates have no UTF-8.</summary>
    private static bool TryDisplayString(StringBuilder text, string value)
    {
        text.Append("%\"");
        Span<byte> utf8 = stackalloc byte[4];
        for (var rest = value.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != System.Buffers.OperationStatus.Done) return false;
            rest = rest[length..];
            if (rune.Value is >= ' ' and <= '~' and not ('%' or '"'))
            {
                text.Append((char)rune.Value);
                continue;
            }
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)]) text.Append('%').Append(Convert.ToHexStringLower([b]));
        }
        text.Append('"');
        return true;
    }
}
