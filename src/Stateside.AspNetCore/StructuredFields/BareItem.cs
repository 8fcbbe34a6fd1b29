using System.Diagnostics.CodeAnalysis;

namespace Stateside.AspNetCore.StructuredFields;

/// <summary>The eight types of a bare item (RFC 9651 §3.3).</summary>
[SuppressMessage("Naming", "CA1720", Justification = "These are the names of the RFC.")]
internal enum BareItemType : byte
{
    /// <summary>§3.3.1: at most 15 digits and a sign.</summary>
    Integer,

    /// <summary>§3.3.2: at most 12 digits, a point, at most 3 digits.</summary>
    Decimal,

    /// <summary>§3.3.3: printable ASCII in quotes.</summary>
    String,

    /// <summary>§3.3.4: a short word without quotes.</summary>
    Token,

    /// <summary>§3.3.5: base64 between colons.</summary>
    ByteSequence,

    /// <summary>§3.3.6: ?0 or ?1.</summary>
    Boolean,

    /// <summary>§3.3.7: seconds since 1970 after an @.</summary>
    Date,

    /// <summary>§3.3.8: Unicode in quotes after a percent sign.</summary>
    DisplayString,
}

/// <summary>
/// One value. What the parser returns keeps the rules of its type; what code makes is checked when it is serialised, as
/// RFC 9651 §4.1 has it.
/// </summary>
[SuppressMessage("Naming", "CA1720", Justification = "The members are named after the types of the RFC.")]
internal readonly struct BareItem
{
    private readonly decimal _number;
    private readonly object? _content;

    private BareItem(BareItemType type, decimal number, object? content) => (Type, _number, _content) = (type, number, content);

    /// <summary>Which of the eight it is.</summary>
    public BareItemType Type { get; }

    /// <summary>The number of an Integer or a Decimal, the seconds of a Date, and 1 or 0 for a Boolean; else 0.</summary>
    public decimal Number => _number;

    /// <summary>True for a Boolean that is true.</summary>
    public bool IsTrue => Type == BareItemType.Boolean && _number != 0;

    /// <summary>The content of a String, a Token or a Display String, without quotes and escapes; else empty.</summary>
    public string Text => _content as string ?? "";

    /// <summary>The content of a Byte Sequence; else empty.</summary>
    public ReadOnlyMemory<byte> Bytes => _content as byte[];

    public static BareItem Integer(long value) => new(BareItemType.Integer, value, null);

    public static BareItem Decimal(decimal value) => new(BareItemType.Decimal, value, null);

    public static BareItem String(string value) => new(BareItemType.String, 0, value);

    public static BareItem Token(string value) => new(BareItemType.Token, 0, value);

    public static BareItem ByteSequence(byte[] value) => new(BareItemType.ByteSequence, 0, value);

    public static BareItem Boolean(bool value) => new(BareItemType.Boolean, value ? 1 : 0, null);

    /// <param name="seconds">Since 1970 in UTC, without leap seconds; may be negative.</param>
    public static BareItem Date(long seconds) => new(BareItemType.Date, seconds, null);

    public static BareItem DisplayString(string value) => new(BareItemType.DisplayString, 0, value);
}
