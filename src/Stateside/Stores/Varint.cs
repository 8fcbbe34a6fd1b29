using System.Buffers;

namespace Stateside.Stores;

/// <summary>The parts of a receipt's body (ADR 0001): unsigned LEB128 numbers of at most 5 bytes, and bytes with their length before them.</summary>
internal static class Varint
{
    private const int MaxBytes = 5;

    public static void Write(IBufferWriter<byte> writer, int value)
    {
        Span<byte> bytes = stackalloc byte[MaxBytes];
        var length = 0;
        var rest = (uint)value;
        for (; rest >= 0x80; rest >>= 7) bytes[length++] = (byte)(rest | 0x80);
        bytes[length++] = (byte)rest;
        writer.Write(bytes[..length]);
    }

    public static void WriteBytes(IBufferWriter<byte> writer, ReadOnlySpan<byte> bytes)
    {
        Write(writer, bytes.Length);
        writer.Write(bytes);
    }

    /// <exception cref="StatesideException">SS3005: there is no such number.</exception>
    public static int Read(ref ReadOnlyMemory<byte> rest)
    {
        var span = rest.Span;
        uint value = 0;
        for (var i = 0; i < Math.Min(MaxBytes, span.Length); i++)
        {
            value |= (uint)(span[i] & 0x7F) << (7 * i);
            if ((span[i] & 0x80) != 0) continue;
            rest = rest[(i + 1)..];
            return value <= int.MaxValue ? (int)value : throw Errors.RowUnreadable("receipt", null);
        }
        throw Errors.RowUnreadable("receipt", null);
    }

    /// <exception cref="StatesideException">SS3005: there are not so many bytes.</exception>
    public static ReadOnlyMemory<byte> ReadBytes(ref ReadOnlyMemory<byte> rest)
    {
        var length = Read(ref rest);
        if (length > rest.Length) throw Errors.RowUnreadable("receipt", null);
        var bytes = rest[..length];
        rest = rest[length..];
        return bytes;
    }
}
