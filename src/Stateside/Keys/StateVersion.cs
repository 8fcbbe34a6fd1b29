using System.Buffers.Binary;
using System.Globalization;

namespace Stateside;

/// <summary>
/// The version of one state: a counter and the id of the turn that wrote it. Stores compare both, so a key that was
/// deleted, expired or restored never seems to be at a version that somebody read before.
/// </summary>
/// <remarks>
/// Wire format (ADR 0001): 24 bytes, the counter as 8 bytes big-endian, then the turn id. As text (in an <c>ETag</c>)
/// the counter in decimal, a hyphen, and the 22 characters of the turn id.
/// </remarks>
/// <param name="Counter">0 for a key that was never written, else one more than the version it replaced.</param>
/// <param name="Turn">The turn that wrote it.</param>
public readonly record struct StateVersion(long Counter, TurnId Turn) : IComparable<StateVersion>
{
    /// <summary>Bytes of the binary form.</summary>
    public const int Size = 8 + TurnId.Size;

    /// <summary>Most characters of the text form: the longest number with its sign, a hyphen and the turn id.</summary>
    internal const int MaxTextLength = 20 + 1 + TurnId.TextLength;

    /// <summary>The version of a key that was never written.</summary>
    public static StateVersion None => default;

    /// <summary>True for a key that was never written.</summary>
    public bool IsNone => Counter == 0;

    /// <summary>The version that <paramref name="turn"/> writes over this one.</summary>
    public StateVersion Next(TurnId turn) => new(Counter + 1, turn);

    /// <summary>Reads the 24-byte form.</summary>
    public static StateVersion Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadInt64BigEndian(bytes), TurnId.Read(bytes[8..]));

    /// <summary>Writes the 24-byte form.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, Counter);
        Turn.Write(bytes[8..]);
    }

    /// <summary>Reads the text form; false for anything that <see cref="ToString"/> does not produce.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out StateVersion version)
    {
        version = default;
        var hyphen = text.Length - TurnId.TextLength - 1;
        if (hyphen < 1 || text[hyphen] != '-' || text[0] is < '1' or > '9') return false;
        if (!long.TryParse(text[..hyphen], NumberStyles.None, CultureInfo.InvariantCulture, out var counter)) return false;
        if (!TurnId.TryParse(text[(hyphen + 1)..], out var turn)) return false;
        version = new StateVersion(counter, turn);
        return true;
    }

    /// <summary>Order by counter; two versions with one counter are siblings of which at most one was committed, ordered by turn only to make sorting stable.</summary>
    public int CompareTo(StateVersion other)
    {
        var byCounter = Counter.CompareTo(other.Counter);
        return byCounter != 0 ? byCounter : Turn.Value.CompareTo(other.Turn.Value);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<char> text = stackalloc char[MaxTextLength];
        return new string(text[..Format(text)]);
    }

    /// <summary>Writes the text form, at most <see cref="MaxTextLength"/> characters, and says how many.</summary>
    internal int Format(Span<char> destination)
    {
        Counter.TryFormat(destination, out var digits, default, CultureInfo.InvariantCulture);
        destination[digits] = '-';
        Turn.Format(destination[(digits + 1)..]);
        return digits + 1 + TurnId.TextLength;
    }

    /// <summary>Earlier than.</summary>
    public static bool operator <(StateVersion left, StateVersion right) => left.CompareTo(right) < 0;

    /// <summary>Later than.</summary>
    public static bool operator >(StateVersion left, StateVersion right) => left.CompareTo(right) > 0;

    /// <summary>Not later than.</summary>
    public static bool operator <=(StateVersion left, StateVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(StateVersion left, StateVersion right) => left.CompareTo(right) >= 0;
}
