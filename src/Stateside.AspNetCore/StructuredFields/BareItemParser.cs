using System.Globalization;
using System.Text;
using System.Text.Unicode;
using System.Buffers;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>Keys and the eight types of bare items of RFC 9651 §4.2.3.1 to §4.2.10, read from the front of what is left of a field.</summary>
internal ref struct BareItemParser(ReadOnlySpan<char> field)
{
    private const int MaxIntegerDigits = 15;
    private const int MaxWholeDigits = 12;
    private const int MaxFractionDigits = 3;
    private ReadOnlySpan<char> _rest = field;

    public readonly bool IsEmpty => _rest.IsEmpty;

    /// <summary>The next character, or NUL at the end; a field's NUL fits nowhere in the grammar.</summary>
    public readonly char Next => _rest.IsEmpty ? '\0' : _rest[0];

    public void SkipSpaces() => _rest = _rest.TrimStart(' ');

    public void SkipWhiteSpace() => _rest = _rest.TrimStart(" \t");

    /// <summary>Moves over <paramref name="c"/> if it comes next.</summary>
    public bool TrySkip(char c)
    {
        if (Next != c || _rest.IsEmpty) return false;
        _rest = _rest[1..];
        return true;
    }

    /// <summary>§4.2.3.3.</summary>
    public bool TryKey(out ReadOnlySpan<char> key)
    {
        key = Characters.BeginsKey(Next) ? Take(Characters.InKey) : default;
        return !key.IsEmpty;
    }

    /// <summary>§4.2.3.1: the first character says which type it is.</summary>
    public bool TryBareItem(out BareItem item)
    {
        switch (Next)
        {
            case '"': return TryString(out item);
            case ':': return TryByteSequence(out item);
            case '?': return TryBoolean(out item);
            case '@': return TryDate(out item);
            case '%': return TryDisplayString(out item);
            case '-' or (>= '0' and <= '9'): return TryNumber(out item);
            default:
                item = Characters.BeginsToken(Next) ? BareItem.Token(Take(Characters.InToken).ToString()) : default;
                return item.Type == BareItemType.Token;
        }
    }

    /// <summary>§4.2.4.</summary>
    private bool TryNumber(out BareItem item)
    {
        item = default;
        var number = _rest;
        TrySkip('-');
        var whole = TakeDigits();
        var isDecimal = TrySkip('.');
        var fraction = isDecimal ? TakeDigits() : 0;
        if (whole is 0 || whole > (isDecimal ? MaxWholeDigits : MaxIntegerDigits)) return false;
        if (isDecimal && fraction is 0 or > MaxFractionDigits) return false;

        var value = decimal.Parse(number[..^_rest.Length], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        item = isDecimal ? BareItem.Decimal(value) : BareItem.Integer((long)value);
        return true;
    }

    /// <summary>§4.2.5.</summary>
    private bool TryString(out BareItem item)
    {
        item = default;
        TrySkip('"');
        var escapes = 0;
        for (var i = 0; i < _rest.Length; i++)
        {
            var c = _rest[i];
            if (c == '"')
            {
                item = BareItem.String(Unescape(_rest[..i], escapes));
                _rest = _rest[(i + 1)..];
                return true;
            }
            if (!Characters.IsPrintable(c)) return false;
            if (c != '\\') continue;
            if (++i == _rest.Length || _rest[i] is not ('"' or '\\')) return false;
            escapes++;
        }
        return false;
    }

    private static string Unescape(ReadOnlySpan<char> text, int escapes) => escapes == 0
        ? text.ToString()
        : string.Create(text.Length - escapes, text, static (target, source) =>
        {
            for (int to = 0, from = 0; to < target.Length; to++, from++)
            {
                if (source[from] == '\\') from++;
                target[to] = source[from];
            }
        });

    /// <summary>
    /// §4.2.7. Missing padding and unused bits that are not zero are accepted, as the RFC advises; anything after padding is not.
    /// </summary>
    private bool TryByteSequence(out BareItem item)
    {
        item = default;
        TrySkip(':');
        var data = Take(Characters.InBase64);
        var padding = 0;
        while (TrySkip('=')) padding++;
        if (!TrySkip(':') || data.Length % 4 == 1) return false;
        if (padding > 0 && (padding > 2 || (data.Length + padding) % 4 != 0)) return false;

        var bytes = new byte[data.Length / 4 * 3 + Math.Max(0, data.Length % 4 - 1)];
        var (bits, count, to) = (0, 0, 0);
        foreach (var c in data)
        {
            bits = bits << 6 | Sextet(c);
            count += 6;
            if (count < 8) continue;
            count -= 8;
            bytes[to++] = (byte)(bits >> count);
        }
        item = BareItem.ByteSequence(bytes);
        return true;
    }

    private static int Sextet(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' => 62,
        _ => 63,
    };

    /// <summary>§4.2.8.</summary>
    private bool TryBoolean(out BareItem item)
    {
        TrySkip('?');
        item = BareItem.Boolean(Next == '1');
        return TrySkip('0') || TrySkip('1');
    }

    /// <summary>§4.2.9.</summary>
    private bool TryDate(out BareItem item)
    {
        TrySkip('@');
        var ok = TryNumber(out var seconds) && seconds.Type == BareItemType.Integer;
        item = ok ? BareItem.Date((long)seconds.Number) : default;
        return ok;
    }

    /// <summary>§4.2.10.</summary>
    private bool TryDisplayString(out BareItem item)
    {
        item = default;
        TrySkip('%');
        if (!TrySkip('"')) return false;
        var end = _rest.IndexOf('"');
        if (end < 0) return false;
        var text = _rest[..end];
        _rest = _rest[(end + 1)..];
        if (!TryDecodePercent(text, out var decoded)) return false;
        item = BareItem.DisplayString(decoded);
        return true;
    }

    private static bool TryDecodePercent(ReadOnlySpan<char> text, out string decoded)
    {
        decoded = "";
        var buffer = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            var count = 0;
            for (var i = 0; i < text.Length; i++)
            {
                var c = text[i];
                if (!Characters.IsPrintable(c)) return false;
                if (c == '%')
                {
                    if (i + 2 >= text.Length || !char.IsAsciiHexDigitLower(text[i + 1]) || !char.IsAsciiHexDigitLower(text[i + 2])) return false;
                    c = (char)(HexValue(text[i + 1]) << 4 | HexValue(text[i + 2]));
                    i += 2;
                }
                buffer[count++] = (byte)c;
            }
            if (!Utf8.IsValid(buffer.AsSpan(0, count))) return false;
            decoded = Encoding.UTF8.GetString(buffer, 0, count);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int HexValue(char c) => char.IsAsciiDigit(c) ? c - '0' : c - 'a' + 10;

    private int TakeDigits()
    {
        var length = _rest.IndexOfAnyExceptInRange('0', '9');
        if (length < 0) length = _rest.Length;
        _rest = _rest[length..];
        return length;
    }

    private ReadOnlySpan<char> Take(SearchValues<char> set)
    {
        var length = _rest.IndexOfAnyExcept(set);
        var taken = length < 0 ? _rest : _rest[..length];
        _rest = _rest[taken.Length..];
        return taken;
    }
}
