using System.Buffers.Binary;
using System.Text.Json.Serialization;

namespace Stateside.Simulator;

/// <summary>
/// The state of the simulated application: the numbers of all operations that were applied to it, in order. It is its own witness:
/// every reply says how long the ledger was and what stood in it, so that lost, doubled and reordered writes show at once.
/// </summary>
internal sealed record Ledger(int[] Entries)
{
    public static readonly Ledger Empty = new([]);

    public Ledger Append(int operation) => new([.. Entries, operation]);

    [JsonIgnore]
    public LedgerMark Mark => LedgerMark.Of(Entries);
}

[JsonSerializable(typeof(Ledger))]
internal sealed partial class LedgerJson : JsonSerializerContext;

/// <summary>How long a ledger was, and a hash of what stood in it.</summary>
internal readonly record struct LedgerMark(int Length, ulong Digest)
{
    private const int Size = 12;

    /// <summary>Two of them as the body of a receipt.</summary>
    public static byte[] ToBytes(LedgerMark ledger, LedgerMark notes) => [.. ledger.ToBytes(), .. notes.ToBytes()];

    /// <summary>The opposite of <see cref="ToBytes(LedgerMark, LedgerMark)"/>.</summary>
    public static (LedgerMark Ledger, LedgerMark Notes) ReadBoth(ReadOnlySpan<byte> bytes) => (Read(bytes), Read(bytes[Size..]));

    public static LedgerMark Of(ReadOnlySpan<int> entries)
    {
        var mark = default(LedgerMark);
        foreach (var entry in entries) mark = mark.Next(entry);
        return mark;
    }

    public LedgerMark Next(int entry) => new(Length + 1, (Digest ^ (uint)entry) * 0x9E3779B97F4A7C15 + 1);

    private byte[] ToBytes()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(sizeof(int)), Digest);
        return bytes;
    }

    private static LedgerMark Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[sizeof(int)..]));
}
