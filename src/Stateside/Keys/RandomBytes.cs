using System.Security.Cryptography;

namespace Stateside;

/// <summary>
/// Bytes of the system's cryptographic generator, drawn in blocks: a call to it costs most of a microsecond however few bytes
/// it asks for, and every turn needs some. Each byte is handed out once and then cleared; threads share nothing.
/// </summary>
internal static class RandomBytes
{
    private const int BlockSize = 4096;

    [ThreadStatic]
    private static byte[]? _block;

    [ThreadStatic]
    private static int _used;

    public static void Fill(Span<byte> destination)
    {
        if (destination.Length > BlockSize) throw new ArgumentOutOfRangeException(nameof(destination));
        var block = _block;
        if (block is null || BlockSize - _used < destination.Length)
        {
            block = _block ??= new byte[BlockSize];
            RandomNumberGenerator.Fill(block);
            _used = 0;
        }
        var drawn = block.AsSpan(_used, destination.Length);
        drawn.CopyTo(destination);
        drawn.Clear();
        _used += destination.Length;
    }
}
