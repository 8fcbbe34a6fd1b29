using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Stateside;

/// <summary>
/// Random ids and waits, from the system's cryptographic generator, drawn in blocks: a call to it costs most of a microsecond however
/// few bytes it asks for, and every turn needs some. Each byte is handed out once and then cleared; threads share nothing. A simulation
/// gives its thread a source of its own, so that a run can be repeated. Secrets that seal are not drawn from here.
/// </summary>
internal static class RandomBytes
{
    private const int BlockSize = 4096;

    [ThreadStatic]
    private static Pool? _pool;

    /// <summary>Takes over the source of this thread's bytes.</summary>
    /// <param name="fill">Fills a span. Null: the system's generator again.</param>
    public static void DrawFrom(Action<byte[]>? fill) => _pool = fill is null ? null : new Pool(fill);

    public static void Fill(Span<byte> destination)
    {
        if (destination.Length > BlockSize) throw new ArgumentOutOfRangeException(nameof(destination));
        var pool = _pool ??= new Pool(static block => RandomNumberGenerator.Fill(block));
        if (BlockSize - pool.Used < destination.Length)
        {
            pool.Refill(pool.Block);
            pool.Used = 0;
        }
        var drawn = pool.Block.AsSpan(pool.Used, destination.Length);
        drawn.CopyTo(destination);
        drawn.Clear();
        pool.Used += destination.Length;
    }

    /// <summary>A wait from <paramref name="least"/> to <paramref name="most"/>, in whole milliseconds. Its tiny bias does not matter to a wait.</summary>
    public static TimeSpan Wait(TimeSpan least, TimeSpan most)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes);
        var choices = (ulong)(most - least).TotalMilliseconds + 1;
        return least + TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt64LittleEndian(bytes) % choices);
    }

    private sealed class Pool(Action<byte[]> refill)
    {
        public readonly byte[] Block = new byte[BlockSize];
        public readonly Action<byte[]> Refill = refill;
        public int Used = BlockSize;
    }
}
