using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace Stateside.Sealing;

/// <summary>The public name of a key: 4 random bytes, written as 8 hexadecimal digits. Nothing secret, and never used but to compare.</summary>
internal readonly record struct SealKeyId(uint Value)
{
    public static SealKeyId New() => new((uint)RandomNumberGenerator.GetInt32(int.MinValue, int.MaxValue));

    /// <summary>The id of a key that is given by configuration: from its hash, so that all nodes that are given it name it alike.</summary>
    public static SealKeyId Of(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, "stateside key id 1"u8, hash);
        return Read(hash);
    }

    public static SealKeyId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32BigEndian(bytes));

    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt32BigEndian(bytes, Value);

    public static bool TryParse(string text, out SealKeyId id)
    {
        var ok = text.Length == 8 && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
        id = ok ? new(uint.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)) : default;
        return ok;
    }

    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);
}

/// <summary>One key of 256 bits. Nothing is sealed with it: it is what subkeys are derived from.</summary>
internal sealed class SealKey(SealKeyId id, byte[] secret)
{
    public const int IdBytes = 4;
    public const int SecretBytes = 32;

    public SealKeyId Id { get; } = id;

    /// <summary>The subkey under a salt: HKDF-SHA256 (RFC 5869).</summary>
    public SealSubkey Derive(ReadOnlySpan<byte> salt)
    {
        var derived = new byte[SecretBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, derived, salt, "stateside seal 1"u8);
        return new SealSubkey(this, salt, derived);
    }

    /// <summary>A subkey under a salt of its own.</summary>
    public SealSubkey DeriveNew()
    {
        Span<byte> salt = stackalloc byte[SealSubkey.SaltBytes];
        RandomNumberGenerator.Fill(salt);
        return Derive(salt);
    }
}

/// <summary>A subkey. It may be used from many threads: AesGcm may not, so each use takes one that is idle.</summary>
internal sealed class SealSubkey(SealKey key, ReadOnlySpan<byte> salt, byte[] secret)
{
    public const int SaltBytes = 16;
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    private readonly byte[] _salt = salt.ToArray();
    private readonly ConcurrentBag<AesGcm> _idle = [];
    private long _count = -1;

    public SealKey Key { get; } = key;

    public ReadOnlySpan<byte> Salt => _salt;

    /// <summary>A number that this subkey has never given: 0, 1, 2 and so on.</summary>
    public long NextCount() => Interlocked.Increment(ref _count);

    public void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> content, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associated)
    {
        var gcm = Rent();
        gcm.Encrypt(nonce, content, ciphertext, tag, associated);
        _idle.Add(gcm);
    }

    public bool TryDecrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> content, ReadOnlySpan<byte> associated)
    {
        var gcm = Rent();
        try
        {
            gcm.Decrypt(nonce, ciphertext, tag, content, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        finally
        {
            _idle.Add(gcm);
        }
    }

    private AesGcm Rent() => _idle.TryTake(out var gcm) ? gcm : new AesGcm(secret, TagBytes);
}

/// <summary>The keys at hand, at one moment: the one that seals, and those that open.</summary>
internal sealed class SealKeys(SealKey active, IReadOnlyList<SealKey> all)
{
    public SealKey Active { get; } = active;

    public SealKey? Find(SealKeyId id)
    {
        // Never more than a handful.
        foreach (var key in all)
            if (key.Id == id) return key;
        return null;
    }
}
