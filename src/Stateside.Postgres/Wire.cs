using System.Data.Common;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>How the engine's types travel: a turn as a uuid of its 16 bytes, a receipt's id as 32 bytes.</summary>
internal static class Wire
{
    public static Guid Guid(TurnId turn)
    {
        Span<byte> bytes = stackalloc byte[TurnId.Size];
        turn.Write(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    public static TurnId Turn(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[TurnId.Size];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return TurnId.Read(bytes);
    }

    public static ReadOnlyMemory<byte> Bytes(ReceiptId id)
    {
        var bytes = new byte[ReceiptId.Size];
        id.Write(bytes);
        return bytes;
    }

    public static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    /// <summary>Reads a row from seven columns: counter, turn, shape, seq, what is left, body. A counter that is null: it is not there.</summary>
    public static Row Row(DbDataReader reader, int at, StateKey key, RowCache cache)
    {
        if (reader.IsDBNull(at)) return Stores.Row.Absent(key);
        var version = new StateVersion(reader.GetInt64(at), Turn(reader.GetGuid(at + 1)));
        var remaining = reader.IsDBNull(at + 4) ? (long?)null : reader.GetInt64(at + 4);
        if (remaining <= 0 || reader.IsDBNull(at + 5)) return Stores.Row.Absent(key, version);
        TimeSpan? life = remaining is { } left ? TimeSpan.FromMilliseconds(left) : null;
        if (cache.Find(key, version) is { } known) return known.WithRemaining(life);
        var row = new Row(key, version, reader.GetInt32(at + 2), reader.GetInt64(at + 3), reader.GetFieldValue<byte[]>(at + 5), life);
        cache.Keep(row);
        return row;
    }

    /// <summary>Reads a receipt from the same columns and its fingerprint after them; null if it is not there or has expired.</summary>
    public static ReceiptRow? Receipt(DbDataReader reader, int at, ReceiptId id)
    {
        if (reader.IsDBNull(at) || reader.GetInt64(at + 4) <= 0) return null;
        var lease = TimeSpan.FromMilliseconds(Math.Max(0, reader.GetInt64(at + 3)));
        return new ReceiptRow(id, (ReceiptStatus)reader.GetInt64(at), ReceiptId.Read(reader.GetFieldValue<byte[]>(at + 6)), Turn(reader.GetGuid(at + 1)), lease, reader.GetFieldValue<byte[]>(at + 5));
    }

    /// <summary>PostgreSQL keeps no NUL in a text, and the driver breaks its connection over half a surrogate pair.</summary>
    public static bool IsText(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\0') return false;
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[++i])) return false;
        }
        return true;
    }
}
