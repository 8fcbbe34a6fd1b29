using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace Stateside.Sealing;

/// <summary>
/// Seals what clients carry: AES-256-GCM, bound to its purpose. Each process derives subkeys of its own from the keys of the ring,
/// under a random salt that travels with the seal; so a plain counter is a nonce that no two processes ever share.
/// </summary>
/// <remarks>
/// Wire format (ADR 0001), base64url without padding of: 1; key id (4); salt (16); counter (8, big-endian); ciphertext; tag (16). Subkey: HKDF-SHA256
/// of the key, the salt and "stateside seal 1" (RFC 5869). Nonce (12): 4 zeros and the counter. Authenticated beside the content: the
/// first 29 bytes, then, each after its length in 4 bytes big-endian, application, kind, name and owner.
/// </remarks>
internal sealed class Sealer
{
    /// <summary>Bytes around the content.</summary>
    public const int Overhead = HeadBytes + TagBytes;

    /// <summary>Most characters of a seal that is looked at.</summary>
    public const int MaxLength = 65_536;

    /// <summary>Seals under one subkey: a quarter of what NIST SP 800-38D allows where nonces are random, and ours are counted.</summary>
    public const long SealsBySubkey = 1L << 30;

    private const byte Form = 1;
    private const int SaltAt = 1 + SealKey.IdBytes;
    private const int CounterAt = SaltAt + SealSubkey.SaltBytes;
    private const int HeadBytes = CounterAt + 8;
    private const int TagBytes = 16;
    private const int StackBytes = 512;

    private readonly byte[] _application;
    private readonly long _sealsBySubkey;
    private readonly SubkeyCache _known = new();
    private readonly Func<CancellationToken, ValueTask<bool>> _refresh;
    private volatile SealKeys _keys;
    private volatile SealSubkey _own;

    /// <param name="application">Seals of another application do not open.</param>
    /// <param name="keys">The keys at hand.</param>
    /// <param name="refresh">Looks for keys that are not at hand; false if there are no others, or it is too soon to look again.</param>
    /// <param name="sealsBySubkey">After so many a new subkey is derived.</param>
    public Sealer(string application, SealKeys keys, Func<CancellationToken, ValueTask<bool>>? refresh = null, long sealsBySubkey = SealsBySubkey)
    {
        (_application, _keys, _sealsBySubkey) = (Encoding.UTF8.GetBytes(application), keys, sealsBySubkey);
        (_refresh, _own) = (refresh ?? (_ => new(false)), keys.Active.DeriveNew());
    }

    /// <summary>Subkeys that are kept at hand.</summary>
    public int KnownSubkeys => _known.Count;

    /// <summary>The keys at hand. Replaced as a whole when the ring changes.</summary>
    public SealKeys Keys
    {
        get => _keys;
        set => _keys = value;
    }

    /// <summary>How many characters a seal of so many bytes has.</summary>
    public static int SealedLength(int contentBytes) => Base64Url.GetEncodedLength(contentBytes + Overhead);

    /// <summary>Seals <paramref name="content"/>. May be called from many threads.</summary>
    public string Seal(in SealPurpose purpose, ReadOnlySpan<byte> content)
    {
        var (subkey, counter) = Next();
        return Seal(purpose, content, subkey, counter);
    }

    /// <summary>The seal under a subkey and a count. Only <see cref="Next"/> gives a count that was never used; the golden bytes bring their own.</summary>
    internal string Seal(in SealPurpose purpose, ReadOnlySpan<byte> content, SealSubkey subkey, long counter)
    {
        var bytes = new byte[content.Length + Overhead];
        bytes[0] = Form;
        subkey.Key.Id.Write(bytes.AsSpan(1));
        subkey.Salt.CopyTo(bytes.AsSpan(SaltAt));
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(CounterAt), counter);
        Span<byte> nonce = stackalloc byte[SealSubkey.NonceBytes];
        Nonce(counter, nonce);
        Span<byte> stack = stackalloc byte[StackBytes];
        subkey.Encrypt(nonce, content, bytes.AsSpan(HeadBytes, content.Length), bytes.AsSpan(bytes.Length - TagBytes), Associated(purpose, bytes.AsSpan(0, HeadBytes), stack));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Opens a seal with the keys at hand. Never throws, whatever it is given; the reasons of a refusal are one.</summary>
    public SealOpening TryOpen(in SealPurpose purpose, ReadOnlySpan<char> token, out byte[] content)
    {
        content = [];
        if (token.Length is 0 or > MaxLength) return SealOpening.Refused;
        // What the client sent is no secret, so the pool may have it back as it is.
        var bytes = ArrayPool<byte>.Shared.Rent(Base64Url.GetMaxDecodedLength(token.Length));
        try
        {
            return Base64Text.TryDecode(token, bytes, out var length) ? TryOpen(purpose, bytes.AsSpan(0, length), ref content) : SealOpening.Refused;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>The same, looking once for a key that is not at hand. Null: refused.</summary>
    public async ValueTask<byte[]?> OpenAsync(SealPurpose purpose, string token, CancellationToken cancellationToken)
    {
        var opening = TryOpen(purpose, token, out var content);
        if (opening == SealOpening.UnknownKey && await _refresh(cancellationToken)) opening = TryOpen(purpose, token, out content);
        return opening == SealOpening.Opened ? content : null;
    }

    private SealOpening TryOpen(in SealPurpose purpose, ReadOnlySpan<byte> bytes, ref byte[] content)
    {
        if (bytes.Length < Overhead || bytes[0] != Form) return SealOpening.Refused;
        var head = bytes[..HeadBytes];
        if (_keys.Find(SealKeyId.Read(head[1..])) is not { } key) return SealOpening.UnknownKey;
        var salt = head[SaltAt..CounterAt];
        var known = _known.Find(key, salt);
        var subkey = known ?? key.Derive(salt);
        var opened = new byte[bytes.Length - Overhead];
        Span<byte> nonce = stackalloc byte[SealSubkey.NonceBytes];
        Nonce(BinaryPrimitives.ReadInt64BigEndian(head[CounterAt..]), nonce);
        Span<byte> stack = stackalloc byte[StackBytes];
        // A salt counts only once a seal under it was genuine, so nobody can fill the cache with salts that are made up.
        if (!subkey.TryDecrypt(nonce, bytes[HeadBytes..^TagBytes], bytes[^TagBytes..], opened, Associated(purpose, head, stack))) return SealOpening.Refused;
        if (known is null) _known.Add(subkey);
        content = opened;
        return SealOpening.Opened;
    }

    /// <summary>A subkey and a count that it has never had: of the key that seals now, and with a new salt long before the counts run out.</summary>
    private (SealSubkey Subkey, long Counter) Next()
    {
        while (true)
        {
            var (own, active) = (_own, _keys.Active);
            if (own.Key.Id == active.Id && own.NextCount() is var count && count < _sealsBySubkey) return (own, count);
            // Whoever comes first puts the next in place; a subkey that others still use counts on beyond no limit, as they come back here.
            Interlocked.CompareExchange(ref _own, active.DeriveNew(), own);
        }
    }

    private ReadOnlySpan<byte> Associated(in SealPurpose purpose, ReadOnlySpan<byte> head, Span<byte> stack)
    {
        var most = head.Length + 4 * 4 + _application.Length + Encoding.UTF8.GetMaxByteCount(purpose.Kind.Length + purpose.Name.Length + purpose.Owner.Length);
        var buffer = most <= stack.Length ? stack : new byte[most];
        head.CopyTo(buffer);
        var at = head.Length;
        BinaryPrimitives.WriteInt32BigEndian(buffer[at..], _application.Length);
        _application.CopyTo(buffer[(at + 4)..]);
        at += 4 + _application.Length;
        at = Put(purpose.Kind, buffer, at);
        at = Put(purpose.Name, buffer, at);
        at = Put(purpose.Owner, buffer, at);
        return buffer[..at];
    }

    private static int Put(string text, Span<byte> buffer, int at)
    {
        var length = Encoding.UTF8.GetBytes(text, buffer[(at + 4)..]);
        BinaryPrimitives.WriteInt32BigEndian(buffer[at..], length);
        return at + 4 + length;
    }

    private static void Nonce(long counter, Span<byte> nonce)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], counter);
    }
}
