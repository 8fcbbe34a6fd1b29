using System.Buffers.Binary;
using System.Buffers.Text;

namespace Stateside;

/// <summary>The id of one turn: 128 random bits. It is half of every version that the turn writes, so it is public.</summary>
/// <remarks>Wire format (ADR 0001): 16 bytes; as text 22 characters of base64url without padding.</remarks>
public readonly record struct TurnId(UInt128 Value)
{
    /// <summary>Bytes of the binary form.</summary>
    public const int Size = 16;

    /// <summary>Characters of the text form.</summary>
    public const int TextLength = 22;

    /// <summary>A new id from the system's cryptographic generator.</summary>
    public static TurnId New()
    {
        Span<byte> bytes = stackalloc byte[Size];
        RandomBytes.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads the 16-byte form.</summary>
    public static TurnId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the 16-byte form.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>Reads the text form; false for anything that <see cref="ToString"/> does not produce.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TurnId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var ok = Base64Text.TryDecode(text, bytes);
        id = ok ? Read(bytes) : default;
        return ok;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(TextLength, this, static (span, id) => id.Format(span));

    internal void Format(Span<char> destination)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        Base64Url.EncodeToChars(bytes, destination);
    }
}

/// <summary>Base64url that accepts one spelling of each value only, so that two texts never name one thing.</summary>
internal static class Base64Text
{
    /// <summary>Decodes exactly <paramref name="destination"/>.Length bytes; refuses padding, white space, other alphabets and unused bits that are not zero.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination)
    {
        if (text.Length != Base64Url.GetEncodedLength(destination.Length) || text.ContainsAnyExcept(Alphabet)) return false;
        // The Try method of the same class throws where unused bits are set; this one answers.
        return Base64Url.DecodeFromChars(text, destination, out _, out var written) == System.Buffers.OperationStatus.Done && written == destination.Length;
    }

    /// <summary>The same for a text of any length: as many bytes as it has, at the beginning of <paramref name="destination"/>, which must hold them.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int length)
    {
        length = 0;
        if (text.ContainsAnyExcept(Alphabet)) return false;
        return Base64Url.DecodeFromChars(text, destination, out var read, out length) == System.Buffers.OperationStatus.Done && read == text.Length;
    }

    private static readonly System.Buffers.SearchValues<char> Alphabet =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}
