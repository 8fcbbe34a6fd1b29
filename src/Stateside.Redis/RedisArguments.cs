namespace Stateside.Redis;

/// <summary>The arguments of one command, one after another in one array.</summary>
/// <param name="capacity">Most bytes of all together.</param>
/// <param name="count">Most arguments.</param>
internal struct RedisArguments(int capacity, int count)
{
    private readonly byte[] _bytes = new byte[capacity];
    private readonly ReadOnlyMemory<byte>[] _arguments = new ReadOnlyMemory<byte>[count];
    private int _used;
    private int _count;

    /// <summary>What has been added.</summary>
    public readonly ReadOnlyMemory<byte>[] All => _arguments.Length == _count ? _arguments : _arguments[.._count];

    /// <summary>Room for the next argument: write into it, then say how much of it was used.</summary>
    public readonly Span<byte> Free => _bytes.AsSpan(_used);

    /// <summary>The next argument is the first so many bytes of <see cref="Free"/>.</summary>
    public void Take(int length)
    {
        _arguments[_count++] = new ReadOnlyMemory<byte>(_bytes, _used, length);
        _used += length;
    }

    /// <summary>Adds bytes that somebody else keeps.</summary>
    public void Add(ReadOnlyMemory<byte> argument) => _arguments[_count++] = argument;

    /// <summary>Adds a number in decimal.</summary>
    public void Add(long number)
    {
        number.TryFormat(Free, out var written, default, System.Globalization.CultureInfo.InvariantCulture);
        Take(written);
    }

    /// <summary>Most characters of a number.</summary>
    public const int LongestNumber = 20;
}
