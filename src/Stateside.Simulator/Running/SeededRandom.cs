using System.Buffers.Binary;
using System.Numerics;

namespace Stateside.Simulator;

/// <summary>xoshiro256**, filled from one number by SplitMix64: the same numbers on every machine and in every version of the runtime.</summary>
internal sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;

    public SeededRandom(ulong seed) => (_a, _b, _c, _d) = (Mix(ref seed), Mix(ref seed), Mix(ref seed), Mix(ref seed));

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>From 0 to <paramref name="below"/> - 1.</summary>
    public int Below(int below) => (int)Math.BigMul(Next(), (ulong)below, out _);

    public bool Chance(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;

    public T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    /// <summary>A span of time from <paramref name="least"/> to <paramref name="most"/>, in milliseconds; short ones are as likely as long ones on a scale of powers.</summary>
    public TimeSpan Span(double least, double most)
    {
        var share = (Next() >> 11) * (1.0 / (1UL << 53));
        return TimeSpan.FromTicks((long)(TimeSpan.TicksPerMillisecond * least * Math.Pow(most / least, share)));
    }

    /// <summary>Another sequence, which goes on by itself: what one part of a run draws does not change what another draws.</summary>
    public SeededRandom Fork() => new(Next());

    public void Fill(byte[] bytes)
    {
        for (var i = 0; i < bytes.Length; i += sizeof(ulong)) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i), Next());
    }

    private static ulong Mix(ref ulong seed)
    {
        var z = seed += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
