using System.Text;

namespace Stateside.Redis.Resp;

/// <summary>The kinds of reply (RESP3). What is streamed has the kind it would have in one piece.</summary>
internal enum RespKind : byte
{
    Null,
    Simple,
    Error,
    Integer,
    Blob,
    Verbatim,
    Double,
    Boolean,
    BigNumber,
    Array,
    Map,
    Set,
    Push,
}

/// <summary>A reply, or a part of one. A map's items are key, value, key, value; an attribute is read and left out.</summary>
internal readonly struct RespValue
{
    private readonly RespValue[]? _items;

    private RespValue(RespKind kind, long number, ReadOnlyMemory<byte> bytes, RespValue[]? items) => (Kind, Number, Bytes, _items) = (kind, number, bytes, items);

    public RespKind Kind { get; }

    /// <summary>An integer; 1 or 0 of a boolean.</summary>
    public long Number { get; }

    /// <summary>The bytes of a string, an error, a double or a big number; empty of everything else.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The items of an aggregate; empty of everything else.</summary>
    public RespValue[] Items => _items ?? [];

    public bool IsNull => Kind == RespKind.Null;

    public bool IsError => Kind == RespKind.Error;

    /// <summary>The bytes as text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>Whether it is an error whose first word is this.</summary>
    public bool IsErrorOf(ReadOnlySpan<byte> code) =>
        IsError && Bytes.Span.StartsWith(code) && (Bytes.Length == code.Length || Bytes.Span[code.Length] == ' ');

    public static RespValue Of(RespKind kind, ReadOnlyMemory<byte> bytes) => new(kind, 0, bytes, null);

    public static RespValue Of(RespKind kind, long number) => new(kind, number, default, null);

    public static RespValue Of(RespKind kind, RespValue[] items) => new(kind, 0, default, items);
}
