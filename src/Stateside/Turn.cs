using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Stateside;

/// <summary>
/// One handling of one request: load, run the handler, commit. A handler takes it as a parameter and asks it for time,
/// ids and randomness, which are the same in all runs of one turn.
/// </summary>
public sealed class Turn
{
    private readonly TurnSeed _seed;
    private uint _drawn;

    internal Turn(TurnSeed seed, int run, CancellationToken cancellationToken) =>
        (_seed, Run, CancellationToken) = (seed, run, cancellationToken);

    /// <summary>The id of the turn: public, and the same in all runs. A good key for a call to another service.</summary>
    public TurnId Id => _seed.Id;

    /// <summary>When the turn began, in UTC.</summary>
    public DateTimeOffset Now => _seed.Now;

    /// <summary>Which run of the handler this is, from 1. For logs; a handler that decides by it is not pure.</summary>
    public int Run { get; }

    /// <summary>Fires when the client has gone away.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>A new id: 22 characters of base64url, 128 bits, not to be guessed from anything public. The n-th call gives the same id in every run.</summary>
    public string NewId() => new TurnId(Draw()).ToString();

    /// <summary>A random number from 0 to <paramref name="below"/> - 1; the n-th call gives the same number in every run.</summary>
    /// <param name="below">1 or more.</param>
    public int Random(int below)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(below, 1);
        return (int)(Draw() % (UInt128)below);
    }

    private UInt128 Draw() => _seed.Draw(++_drawn);
}

/// <summary>What all runs of one turn share. The secret is apart from the id, because the id is in every ETag and the ids drawn from the secret must not follow from it.</summary>
internal readonly record struct TurnSeed(TurnId Id, UInt128 Secret, DateTimeOffset Now)
{
    public const int SecretSize = 16;

    public static TurnSeed New(TimeProvider time)
    {
        Span<byte> random = stackalloc byte[TurnId.Size + SecretSize];
        RandomBytes.Fill(random);
        return new(TurnId.Read(random), TurnId.Read(random[TurnId.Size..]).Value, time.GetUtcNow());
    }

    /// <summary>The item of the n-th new key of the turn. Handlers draw from the other end, so the two never meet.</summary>
    public string NewItem(int n) => new TurnId(Draw(uint.MaxValue - (uint)n)).ToString();

    /// <summary>The n-th 128 bits that follow from the secret.</summary>
    public UInt128 Draw(uint n)
    {
        Span<byte> input = stackalloc byte[SecretSize + 4];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128BigEndian(input, Secret);
        BinaryPrimitives.WriteUInt32BigEndian(input[SecretSize..], n);
        SHA256.HashData(input, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
