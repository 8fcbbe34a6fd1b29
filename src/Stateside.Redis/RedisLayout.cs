using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>
/// How states lie in Redis (ADR 0003): the names of the keys and the bytes of the values. Each key of one shard has the
/// shard's number as its hash tag, so that a commit is one slot.
/// </summary>
internal sealed class RedisLayout
{
    /// <summary>The number of this layout; a server that holds a higher one is refused.</summary>
    public const int Number = 1;

    /// <summary>Between group, name and item; no key text holds a control character.</summary>
    public const byte Separator = 0x1F;

    private readonly byte[][] _tags = new byte[Group.ShardCount][];

    public RedisLayout(string prefix)
    {
        Prefix = prefix;
        for (var shard = 0; shard < _tags.Length; shard++)
            _tags[shard] = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{prefix}{{{shard}}}:"));
        BeforeShard = Encoding.UTF8.GetBytes(prefix + "{");
        LongestTag = _tags[^1].Length;
    }

    /// <summary>What every key begins with.</summary>
    public string Prefix { get; }

    /// <summary>The bytes of a key in front of its shard's number.</summary>
    public byte[] BeforeShard { get; }

    /// <summary>Bytes of the longest <see cref="Tag"/>.</summary>
    public int LongestTag { get; }

    /// <summary>The beginning of all keys of a shard: <c>ss:{17}:</c>.</summary>
    public ReadOnlySpan<byte> Tag(int shard) => _tags[shard];

    /// <summary>The key that says which layout the prefix holds.</summary>
    public byte[] Marker => [.. Tag(0), .. "layout"u8];

    /// <summary>The key that is tried when the store opens.</summary>
    public byte[] Probe => [.. Tag(0), .. "probe"u8];

    /// <summary>Bytes of a row's key at most, without counting the text twice.</summary>
    public int LengthOf(StateKey key) => LengthOf(key.Group) + 2 + Encoding.UTF8.GetByteCount(key.Name) + Encoding.UTF8.GetByteCount(key.Item);

    /// <summary>Bytes of a group's index at most; the key of a receipt is 1 + 32 longer.</summary>
    public int LengthOf(Group group) => LongestTag + 2 + Encoding.UTF8.GetByteCount(group.Value);

    /// <summary>Writes the key of a row (<c>r</c>) or its journal (<c>j</c>).</summary>
    public int Write(Span<byte> to, int shard, char kind, StateKey key)
    {
        var length = Write(to, shard, kind, key.Group);
        to[length++] = Separator;
        length += Encoding.UTF8.GetBytes(key.Name, to[length..]);
        to[length++] = Separator;
        return length + Encoding.UTF8.GetBytes(key.Item, to[length..]);
    }

    /// <summary>Writes a key of a group: its index (<c>g</c>), or the beginning of another.</summary>
    public int Write(Span<byte> to, int shard, char kind, Group group)
    {
        var length = Write(to, shard, kind);
        to[length++] = (byte)':';
        return length + Encoding.UTF8.GetBytes(group.Value, to[length..]);
    }

    /// <summary>Writes the key of a receipt (<c>a</c>, for the answer that it keeps).</summary>
    public int Write(Span<byte> to, int shard, ReceiptKey key)
    {
        var length = Write(to, shard, 'a', key.Group);
        to[length++] = Separator;
        key.Id.Write(to[length..]);
        return length + ReceiptId.Size;
    }

    /// <summary>Writes a key of a shard: its due index (<c>d</c>), its effects (<c>e</c>), its fence (<c>f</c>).</summary>
    public int Write(Span<byte> to, int shard, char kind)
    {
        var tag = Tag(shard);
        tag.CopyTo(to);
        to[tag.Length] = (byte)kind;
        return tag.Length + 1;
    }

    /// <summary>The state whose row lies under a key; false for every other key.</summary>
    public bool TryReadRow(ReadOnlySpan<byte> key, out StateKey row)
    {
        row = default;
        if (!key.StartsWith(BeforeShard)) return false;
        var letter = key.IndexOf("}:r:"u8);
        if (letter < 0) return false;
        var rest = key[(letter + 4)..];
        var (first, last) = (rest.IndexOf(Separator), rest.LastIndexOf(Separator));
        if (first < 0 || first == last) return false;
        try
        {
            row = new StateKey(Group.Parse(Encoding.UTF8.GetString(rest[..first])), Encoding.UTF8.GetString(rest[(first + 1)..last]), Encoding.UTF8.GetString(rest[(last + 1)..]));
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>The value of a row: kind, end, version, shape, sequence, body.</summary>
internal static class RowValue
{
    /// <summary>Bytes in front of the body.</summary>
    public const int HeaderSize = TombstoneSize + 4 + 8;

    /// <summary>Bytes of the value that a deleted row leaves.</summary>
    public const int TombstoneSize = PrefixSize + StateVersion.Size;

    /// <summary>Kind and end: the bytes that the script writes, because the end follows from the server's clock.</summary>
    public const int PrefixSize = 1 + 8;

    private const byte Living = 1;
    private const byte Tombstone = 2;

    /// <summary>Bytes of a put's value without its prefix.</summary>
    public static int SizeOf(RowWrite row) => HeaderSize - PrefixSize + row.Body.Length;

    /// <summary>Writes a put's value without its prefix.</summary>
    public static void Write(Span<byte> to, RowWrite row, TurnId turn)
    {
        row.After(turn).Write(to);
        BinaryPrimitives.WriteInt32BigEndian(to[24..], row.Schema);
        BinaryPrimitives.WriteInt64BigEndian(to[28..], row.Sequence + row.Events.Count);
        row.Body.Span.CopyTo(to[36..]);
    }

    /// <summary>Reads a row.</summary>
    /// <param name="key">Its address.</param>
    /// <param name="value">Its value, or nothing if there is none; the row keeps these bytes.</param>
    /// <param name="now">The server's time in milliseconds since 1970.</param>
    /// <param name="cache">Rows that need not be decoded again; what is read is added to it.</param>
    /// <exception cref="FormatException">These are not the bytes of a row.</exception>
    public static Row Read(StateKey key, ReadOnlyMemory<byte> value, long now, RowCache cache)
    {
        if (value.IsEmpty) return Row.Absent(key);
        var span = value.Span;
        if (span.Length < TombstoneSize || span[0] is not (Living or Tombstone) || (span[0] == Living && span.Length < HeaderSize)) throw new FormatException("Not a row.");
        var version = StateVersion.Read(span[PrefixSize..]);
        if (!Lives(span, now)) return Row.Absent(key, version);
        var ends = BinaryPrimitives.ReadInt64BigEndian(span[1..]);
        TimeSpan? remaining = ends == 0 ? null : TimeSpan.FromMilliseconds(Math.Clamp(ends - now, 0, (long)TimeSpan.MaxValue.TotalMilliseconds));
        if (cache.Find(key, version) is { } known) return known.WithRemaining(remaining);
        var row = new Row(key, version, BinaryPrimitives.ReadInt32BigEndian(span[33..]), BinaryPrimitives.ReadInt64BigEndian(span[37..]), value[HeaderSize..], remaining);
        cache.Keep(row);
        return row;
    }

    /// <summary>Whether a value, or the first nine bytes of one, is of a row that is there.</summary>
    public static bool Lives(ReadOnlySpan<byte> value, long now)
    {
        if (value.Length < PrefixSize || value[0] != Living) return false;
        var ends = BinaryPrimitives.ReadInt64BigEndian(value[1..]);
        return ends == 0 || ends > now;
    }
}

/// <summary>The value of a receipt: status, end, end of the lease, fingerprint, claim, body.</summary>
internal static class ReceiptValue
{
    /// <summary>Bytes in front of the body.</summary>
    public const int HeaderSize = 1 + 8 + 8 + RestHeaderSize;

    private const int RestHeaderSize = ReceiptId.Size + TurnId.Size;

    /// <summary>Bytes of what follows the end of the lease.</summary>
    public static int SizeOfRest(ReceiptWrite receipt) => RestHeaderSize + receipt.Body.Length;

    /// <summary>Writes what follows the end of the lease.</summary>
    public static void WriteRest(Span<byte> to, ReceiptWrite receipt)
    {
        receipt.Fingerprint.Write(to);
        receipt.Claim.Write(to[ReceiptId.Size..]);
        receipt.Body.Span.CopyTo(to[RestHeaderSize..]);
    }

    /// <summary>Reads a receipt; one past its time is not there.</summary>
    /// <exception cref="FormatException">These are not the bytes of a receipt.</exception>
    public static ReceiptRow? Read(ReceiptId id, ReadOnlyMemory<byte> value, long now)
    {
        if (value.IsEmpty) return null;
        var span = value.Span;
        if (span.Length < HeaderSize) throw new FormatException("Not a receipt.");
        if (BinaryPrimitives.ReadInt64BigEndian(span[1..]) <= now) return null;
        var lease = TimeSpan.FromMilliseconds(Math.Clamp(BinaryPrimitives.ReadInt64BigEndian(span[9..]) - now, 0, (long)TimeSpan.MaxValue.TotalMilliseconds));
        return new ReceiptRow(id, (ReceiptStatus)span[0], ReceiptId.Read(span[17..]), TurnId.Read(span[49..]), lease, value[HeaderSize..]);
    }
}

/// <summary>One event in a journal: number, turn, shape, body.</summary>
internal static class EventValue
{
    /// <summary>Bytes in front of the body.</summary>
    public const int HeaderSize = 8 + TurnId.Size + 4;

    public static void Write(Span<byte> to, RowWrite row, int index, TurnId turn)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, row.Sequence + index + 1);
        turn.Write(to[8..]);
        BinaryPrimitives.WriteInt32BigEndian(to[24..], row.Schema);
        row.Events[index].Span.CopyTo(to[HeaderSize..]);
    }

    /// <exception cref="FormatException">These are not the bytes of an event.</exception>
    public static JournalEvent Read(ReadOnlyMemory<byte> value)
    {
        var span = value.Span;
        if (span.Length < HeaderSize) throw new FormatException("Not an event.");
        return new JournalEvent(BinaryPrimitives.ReadInt64BigEndian(span), TurnId.Read(span[8..]), BinaryPrimitives.ReadInt32BigEndian(span[24..]), value[HeaderSize..]);
    }
}

/// <summary>An effect: its place (group, separator, id) is its member in the due index and its field in the hash; its value is length of the name (2), name, body.</summary>
internal static class EffectValue
{
    public static int SizeOfPlace(Group group, string id) => Encoding.UTF8.GetByteCount(group.Value) + 1 + Encoding.UTF8.GetByteCount(id);

    public static int WritePlace(Span<byte> to, Group group, string id)
    {
        var length = Encoding.UTF8.GetBytes(group.Value, to);
        to[length++] = RedisLayout.Separator;
        return length + Encoding.UTF8.GetBytes(id, to[length..]);
    }

    public static int SizeOf(EffectWrite effect) => 2 + Encoding.UTF8.GetByteCount(effect.Name) + effect.Body.Length;

    public static void Write(Span<byte> to, EffectWrite effect)
    {
        var name = Encoding.UTF8.GetBytes(effect.Name, to[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(to, checked((ushort)name));
        effect.Body.Span.CopyTo(to[(2 + name)..]);
    }

    /// <exception cref="FormatException">These are not the bytes of an effect.</exception>
    public static DueEffect Read(ReadOnlySpan<byte> place, ReadOnlyMemory<byte> value)
    {
        var end = place.IndexOf(RedisLayout.Separator);
        if (end < 0 || value.Length < 2) throw new FormatException("Not an effect.");
        var name = BinaryPrimitives.ReadUInt16BigEndian(value.Span);
        if (value.Length < 2 + name) throw new FormatException("Not an effect.");
        return new DueEffect(Group.Parse(Encoding.UTF8.GetString(place[..end])), Encoding.UTF8.GetString(place[(end + 1)..]),
            Encoding.UTF8.GetString(value.Span.Slice(2, name)), value[(2 + name)..]);
    }
}
