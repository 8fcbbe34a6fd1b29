using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Places;

/// <summary>What lies inside the seal of a state: its row, and the time it is good for.</summary>
/// <remarks>
/// Wire format (ADR 0006), integers big-endian: 1; flags (bit 0: the body is compressed with Brotli; bit 1: the state was deleted,
/// and this keeps its version, so that nothing older can take its place); version (24); shape (4);
/// when it was sealed and when it ends (8 each, milliseconds since 1970); bytes of the body as JSON (4); bytes that hold it (4);
/// the body; zeros up to a multiple of the state's padding.
/// </remarks>
internal static class ClientContent
{
    /// <summary>How far the clock of the node that sealed may be ahead of ours.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private const int HeadBytes = 2 + StateVersion.Size + 4 + 8 + 8 + 4 + 4;
    private const long MostTime = 253_402_300_799_999;
    private const byte Form = 1;
    private const byte Compressed = 1;
    private const byte Deleted = 2;
    private const int BrotliQuality = 4;
    private const int BrotliWindow = 22;

    public static byte[] Write(StateDefinition definition, Row row, DateTimeOffset now, DateTimeOffset end)
    {
        var body = row.Body.Span;
        var isCompressed = false;
        byte[]? smaller = null;
        if (definition.IsCompressed && row.Exists)
        {
            smaller = new byte[body.Length];
            isCompressed = BrotliEncoder.TryCompress(body, smaller, out var length, BrotliQuality, BrotliWindow);
            if (isCompressed) body = smaller.AsSpan(0, length);
        }
        var bytes = new byte[Padded(HeadBytes + body.Length, definition.PadTo)];
        var at = bytes.AsSpan();
        (at[0], at[1]) = (Form, row.Exists ? isCompressed ? Compressed : (byte)0 : Deleted);
        row.Version.Write(at[2..]);
        at = at[(2 + StateVersion.Size)..];
        BinaryPrimitives.WriteInt32BigEndian(at, Math.Max(1, row.Schema));
        BinaryPrimitives.WriteInt64BigEndian(at[4..], now.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(at[12..], end.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt32BigEndian(at[20..], row.Body.Length);
        BinaryPrimitives.WriteInt32BigEndian(at[24..], body.Length);
        body.CopyTo(at[28..]);
        if (smaller is not null) CryptographicOperations.ZeroMemory(smaller);
        return bytes;
    }

    /// <summary>
    /// The row; absent once it has ended. Null if this cannot be: a form that is not known, a body larger than the state may be, or
    /// a time of sealing that is still to come.
    /// </summary>
    public static Row? Read(StateDefinition definition, StateKey key, ReadOnlyMemory<byte> content, DateTimeOffset now)
    {
        var head = content.Span;
        if (head.Length < HeadBytes || head[0] != Form || head[1] > Deleted) return null;
        var version = StateVersion.Read(head[2..]);
        var (isCompressed, isDeleted) = (head[1] == Compressed, head[1] == Deleted);
        head = head[(2 + StateVersion.Size)..];
        var shape = BinaryPrimitives.ReadInt32BigEndian(head);
        var issued = BinaryPrimitives.ReadInt64BigEndian(head[4..]);
        var end = BinaryPrimitives.ReadInt64BigEndian(head[12..]);
        var length = BinaryPrimitives.ReadInt32BigEndian(head[20..]);
        var stored = BinaryPrimitives.ReadInt32BigEndian(head[24..]);
        if (shape < 1 || length < 0 || length > definition.MaxBytes || stored < 0 || stored > content.Length - HeadBytes) return null;
        if (end is < 0 or > MostTime) return null;
        var remaining = TimeSpan.FromMilliseconds(end - now.ToUnixTimeMilliseconds());
        if (issued > (now + Skew).ToUnixTimeMilliseconds()) return null;
        if (isDeleted || remaining <= TimeSpan.Zero) return Row.Absent(key, version);
        var body = content.Slice(HeadBytes, stored);
        if (isCompressed)
        {
            // The length was sealed with the body and is within the state's own limit, so nothing can swell beyond it.
            var whole = new byte[length];
            if (!BrotliDecoder.TryDecompress(body.Span, whole, out var written) || written != length) return null;
            body = whole;
        }
        else if (stored != length)
        {
            return null;
        }
        return new Row(key, version, shape, 0, body, remaining);
    }

    private static int Padded(int length, int multiple) => multiple <= 1 ? length : checked((length + multiple - 1) / multiple * multiple);
}
