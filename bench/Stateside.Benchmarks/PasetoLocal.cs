using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Stateside.Benchmarks;

/// <summary>PASETO v3.local without a footer, for comparison only: .NET has no AES-CTR, so it is built from one ECB call over all counters.</summary>
internal sealed class PasetoLocal(byte[] key)
{
    private const string Header = "v3.local.";
    private const int NonceBytes = 32;
    private const int TagBytes = 48;

    public string Seal(ReadOnlySpan<byte> content, ReadOnlySpan<byte> implicitAssertion) =>
        Seal(content, implicitAssertion, RandomNumberGenerator.GetBytes(NonceBytes));

    /// <summary>With a nonce from outside, for the test vectors.</summary>
    public string Seal(ReadOnlySpan<byte> content, ReadOnlySpan<byte> implicitAssertion, byte[] nonce)
    {
        var body = new byte[NonceBytes + content.Length + TagBytes];
        nonce.CopyTo(body, 0);
        var ciphertext = body.AsSpan(NonceBytes, content.Length);
        content.CopyTo(ciphertext);
        ApplyCounterMode(nonce, ciphertext);
        Tag(nonce, ciphertext, implicitAssertion, body.AsSpan(NonceBytes + content.Length));
        return Header + Base64Url.EncodeToString(body);
    }

    public byte[]? TryOpen(string token, ReadOnlySpan<byte> implicitAssertion)
    {
        if (!token.StartsWith(Header, StringComparison.Ordinal)) return null;
        var body = Base64Url.DecodeFromChars(token.AsSpan(Header.Length));
        if (body.Length < NonceBytes + TagBytes) return null;
        var nonce = body[..NonceBytes];
        var ciphertext = body.AsSpan(NonceBytes, body.Length - NonceBytes - TagBytes);
        Span<byte> tag = stackalloc byte[TagBytes];
        Tag(nonce, ciphertext, implicitAssertion, tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, body.AsSpan(body.Length - TagBytes))) return null;
        ApplyCounterMode(nonce, ciphertext);
        return ciphertext.ToArray();
    }

    private void ApplyCounterMode(byte[] nonce, Span<byte> data)
    {
        var derived = Derive("paseto-encryption-key"u8, nonce);
        using var aes = Aes.Create();
        aes.Key = derived[..32];
        var counter = BinaryPrimitives.ReadUInt128BigEndian(derived.AsSpan(32));
        var stream = new byte[(data.Length + 15) / 16 * 16];
        for (var at = 0; at < stream.Length; at += 16) BinaryPrimitives.WriteUInt128BigEndian(stream.AsSpan(at), counter++);
        aes.EncryptEcb(stream, stream, PaddingMode.None);
        for (var i = 0; i < data.Length; i++) data[i] ^= stream[i];
    }

    private void Tag(byte[] nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> implicitAssertion, Span<byte> tag)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA384, Derive("paseto-auth-key-for-aead"u8, nonce));
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, 5);
        mac.AppendData(length);
        Append(mac, Encoding.ASCII.GetBytes(Header));
        Append(mac, nonce);
        Append(mac, ciphertext);
        Append(mac, []);
        Append(mac, implicitAssertion);
        mac.GetHashAndReset(tag);
    }

    private static void Append(IncrementalHash mac, ReadOnlySpan<byte> piece)
    {
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, piece.Length);
        mac.AppendData(length);
        mac.AppendData(piece);
    }

    private byte[] Derive(ReadOnlySpan<byte> use, byte[] nonce) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA384, key, 48, info: [.. use, .. nonce]);
}
