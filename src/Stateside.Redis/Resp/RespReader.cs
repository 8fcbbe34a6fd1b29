using System.Buffers;
using System.Buffers.Text;

namespace Stateside.Redis.Resp;

/// <summary>
/// Reads replies of RESP3 and RESP2 from what has come so far, and goes on where it stopped when more has. Nothing is read
/// twice, whatever pieces the bytes come in, and what is allocated follows what has come, not what was announced.
/// </summary>
internal sealed class RespReader(RespLimits limits)
{
    /// <summary>A string is allocated whole up to here; a longer one grows as it comes.</summary>
    private const int FirstBlobBytes = 64 * 1024;

    private readonly List<Frame> _open = [];
    private RespKind _blobKind;
    private byte[]? _blob;
    private int _blobLength;
    private int _blobFilled;
    private ArrayBufferWriter<byte>? _streamed;
    private long _scanned;
    private long _replyBytes;

    /// <summary>Reads one whole reply; what has been read is cut off the front of the buffer, also if the reply is not whole yet.</summary>
    /// <exception cref="RespProtocolException">It is no reply, or too large.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out RespValue value)
    {
        while (TryReadPiece(ref buffer, out var piece, out var isWhole))
        {
            if (!isWhole) continue;
            if (!Close(ref piece)) continue;
            value = piece;
            _replyBytes = 0;
            return true;
        }
        value = default;
        return false;
    }

    /// <summary>Puts a whole value into the aggregate it belongs to, and closes those that are full with it. True if none is open any more.</summary>
    private bool Close(ref RespValue piece)
    {
        while (_open.Count > 0)
        {
            var frame = _open[^1];
            frame.Items.Add(piece);
            if (frame.Items.Count > limits.Items) throw TooLarge();
            if (frame.Items.Count != frame.Expected) return false;
            _open.RemoveAt(_open.Count - 1);
            // An attribute stands before the value it belongs to, and counts as none.
            if (frame.IsAttribute) return false;
            piece = RespValue.Of(frame.Kind, [.. frame.Items]);
        }
        return true;
    }

    /// <summary>Reads a line, or goes on with a string. False: more bytes are needed.</summary>
    private bool TryReadPiece(ref ReadOnlySequence<byte> buffer, out RespValue piece, out bool isWhole)
    {
        piece = default;
        isWhole = false;
        if (_blob is not null) return TryReadBlob(ref buffer, ref piece, ref isWhole);
        if (!TryReadLine(ref buffer, out var line)) return false;
        if (line.Length == 0) throw new RespProtocolException("An empty line is no reply.");
        var rest = line[1..];
        if (_streamed is not null && line[0] != (byte)';') throw new RespProtocolException("A streamed string has something else inside.");
        switch (line[0])
        {
            case (byte)'$' when rest.SequenceEqual("?"u8):
                _streamed = new ArrayBufferWriter<byte>();
                return true;
            case (byte)'$': return BeginBlob(RespKind.Blob, rest, ref piece, ref isWhole);
            case (byte)'!': return BeginBlob(RespKind.Error, rest, ref piece, ref isWhole);
            case (byte)'=': return BeginBlob(RespKind.Verbatim, rest, ref piece, ref isWhole);
            case (byte)';' when _streamed is not null: return BeginChunk(rest, ref piece, ref isWhole);
            case (byte)'*': return Open(RespKind.Array, rest, ref piece, ref isWhole);
            case (byte)'%': return Open(RespKind.Map, rest, ref piece, ref isWhole);
            case (byte)'~': return Open(RespKind.Set, rest, ref piece, ref isWhole);
            case (byte)'>': return Open(RespKind.Push, rest, ref piece, ref isWhole);
            case (byte)'|': return Open(RespKind.Map, rest, ref piece, ref isWhole, isAttribute: true);
            case (byte)'.': return End(rest, ref piece, ref isWhole);
        }
        piece = ReadScalar(line[0], rest);
        isWhole = true;
        return true;
    }

    private static RespValue ReadScalar(byte type, ReadOnlySpan<byte> rest) => type switch
    {
        (byte)'+' => RespValue.Of(RespKind.Simple, rest.ToArray()),
        (byte)'-' => RespValue.Of(RespKind.Error, rest.ToArray()),
        (byte)':' => RespValue.Of(RespKind.Integer, ReadInteger(rest)),
        (byte)'_' when rest.IsEmpty => default,
        (byte)'#' when rest.SequenceEqual("t"u8) => RespValue.Of(RespKind.Boolean, 1),
        (byte)'#' when rest.SequenceEqual("f"u8) => RespValue.Of(RespKind.Boolean, 0),
        (byte)',' when IsDouble(rest) => RespValue.Of(RespKind.Double, rest.ToArray()),
        (byte)'(' when IsDigits(rest) => RespValue.Of(RespKind.BigNumber, rest.ToArray()),
        _ => throw new RespProtocolException("A line that is no reply."),
    };

    private bool BeginBlob(RespKind kind, ReadOnlySpan<byte> length, ref RespValue piece, ref bool isWhole)
    {
        if (kind == RespKind.Blob && length.SequenceEqual("-1"u8))
        {
            // A null of RESP2.
            isWhole = true;
            return true;
        }
        Announce(kind, ReadLength(length));
        return true;
    }

    private bool BeginChunk(ReadOnlySpan<byte> rest, ref RespValue piece, ref bool isWhole)
    {
        var length = ReadLength(rest);
        if (length == 0)
        {
            piece = RespValue.Of(RespKind.Blob, _streamed!.WrittenSpan.ToArray());
            _streamed = null;
            isWhole = true;
            return true;
        }
        if (_streamed!.WrittenCount + length > limits.BlobBytes) throw TooLarge();
        Announce(RespKind.Blob, length);
        return true;
    }

    private void Announce(RespKind kind, long length)
    {
        if (length > limits.BlobBytes) throw TooLarge();
        (_blobKind, _blobLength, _blobFilled) = (kind, (int)length, 0);
        _blob = new byte[Math.Min(_blobLength, FirstBlobBytes)];
    }

    private bool TryReadBlob(ref ReadOnlySequence<byte> buffer, ref RespValue piece, ref bool isWhole)
    {
        while (_blobFilled < _blobLength && !buffer.IsEmpty)
        {
            if (_blobFilled == _blob!.Length) Array.Resize(ref _blob, (int)Math.Min(_blobLength, 2L * _blob.Length));
            var take = (int)Math.Min(buffer.Length, _blob.Length - _blobFilled);
            buffer.Slice(0, take).CopyTo(_blob.AsSpan(_blobFilled));
            buffer = buffer.Slice(take);
            _blobFilled += take;
            Count(take);
        }
        if (_blobFilled < _blobLength || buffer.Length < 2) return false;
        Span<byte> end = stackalloc byte[2];
        buffer.Slice(0, 2).CopyTo(end);
        if (!end.SequenceEqual("\r\n"u8)) throw new RespProtocolException("A string is longer than it said.");
        buffer = buffer.Slice(2);
        var blob = _blob!;
        _blob = null;
        if (_streamed is not null)
        {
            // A chunk is no value yet: the empty one that ends the string makes it one.
            _streamed.Write(blob);
            return true;
        }
        if (_blobKind == RespKind.Verbatim && (blob.Length < 4 || blob[3] != (byte)':')) throw new RespProtocolException("A verbatim string without its format.");
        piece = RespValue.Of(_blobKind, _blobKind == RespKind.Verbatim ? blob.AsMemory(4) : blob);
        return isWhole = true;
    }

    private bool Open(RespKind kind, ReadOnlySpan<byte> count, ref RespValue piece, ref bool isWhole, bool isAttribute = false)
    {
        if (kind == RespKind.Array && count.SequenceEqual("-1"u8))
        {
            isWhole = true;
            return true;
        }
        var expected = count.SequenceEqual("?"u8) && kind != RespKind.Push && !isAttribute ? -1 : ReadLength(count);
        if (kind == RespKind.Push && _open.Count > 0) throw new RespProtocolException("A push inside a reply.");
        if (expected > limits.Items || _open.Count >= limits.Depth) throw TooLarge();
        if (kind == RespKind.Map && expected > 0) expected *= 2;
        if (expected > limits.Items) throw TooLarge();
        if (expected == 0)
        {
            piece = RespValue.Of(kind, []);
            isWhole = !isAttribute;
            return true;
        }
        // An aggregate announces as many items as it likes; room is made as they come.
        _open.Add(new Frame(kind, (int)expected, isAttribute, new List<RespValue>((int)Math.Clamp(expected, 4, 64))));
        return true;
    }

    private bool End(ReadOnlySpan<byte> rest, ref RespValue piece, ref bool isWhole)
    {
        if (!rest.IsEmpty || _open.Count == 0 || _open[^1] is not { Expected: -1 } frame) throw new RespProtocolException("An end where nothing streams.");
        if (frame.Kind == RespKind.Map && frame.Items.Count % 2 != 0) throw new RespProtocolException("A map with a key and no value.");
        _open.RemoveAt(_open.Count - 1);
        piece = RespValue.Of(frame.Kind, [.. frame.Items]);
        isWhole = true;
        return true;
    }

    private bool TryReadLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySpan<byte> line)
    {
        line = default;
        if (buffer.Slice(_scanned).PositionOf((byte)'\n') is not { } end)
        {
            _scanned = buffer.Length;
            if (_scanned > limits.LineBytes) throw TooLarge();
            return false;
        }
        _scanned = 0;
        var whole = buffer.Slice(0, end);
        if (whole.Length > limits.LineBytes) throw TooLarge();
        line = whole.IsSingleSegment ? whole.FirstSpan : whole.ToArray();
        if (line.Length == 0 || line[^1] != (byte)'\r' || line[..^1].Contains((byte)'\r')) throw new RespProtocolException("A line does not end in CR LF.");
        Count(line.Length + 1);
        line = line[..^1];
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }

    private void Count(int bytes)
    {
        _replyBytes += bytes;
        if (_replyBytes > limits.ReplyBytes) throw TooLarge();
    }

    private static long ReadInteger(ReadOnlySpan<byte> text)
    {
        if (text.Length > 1 && text[0] == (byte)'+' && char.IsAsciiDigit((char)text[1])) text = text[1..];
        return Utf8Parser.TryParse(text, out long number, out var used) && used == text.Length ? number : throw new RespProtocolException("Not an integer.");
    }

    private static long ReadLength(ReadOnlySpan<byte> text) =>
        text.Length > 0 && char.IsAsciiDigit((char)text[0]) && Utf8Parser.TryParse(text, out long length, out var used) && used == text.Length
            ? length
            : throw new RespProtocolException("Not a length.");

    private static bool IsDouble(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("inf"u8) || text.SequenceEqual("-inf"u8) || text.SequenceEqual("nan"u8) || text.SequenceEqual("-nan"u8)
        || text.Length > 0 && Utf8Parser.TryParse(text, out double _, out var used) && used == text.Length;

    private static bool IsDigits(ReadOnlySpan<byte> text)
    {
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        return text.Length > 0 && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    private static RespProtocolException TooLarge() => new("A reply is larger than the limits allow.");

    /// <summary>An aggregate that is not whole yet. <paramref name="Expected"/> is -1 where it streams.</summary>
    private sealed record Frame(RespKind Kind, int Expected, bool IsAttribute, List<RespValue> Items);
}
