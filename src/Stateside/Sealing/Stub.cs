using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Stateside.Stores;
namespace Stateside.Sealing;
internal readonly record struct SealPurpose(string Kind, string Name, string Owner);
internal enum SealOpening { Opened, Refused, UnknownKey }
internal sealed record KeysModel(string Application, IReadOnlyList<byte[]> Given, TimeSpan RotateEvery, TimeSpan Refresh, TimeSpan KeepFor);
internal sealed class Sealer(byte[] key)
{
    public string Seal(in SealPurpose p, ReadOnlySpan<byte> content)
    {
        using var gcm = new AesGcm(key, 16);
        var all = new byte[45 + content.Length];
        RandomNumberGenerator.Fill(all.AsSpan(0, 12));
        gcm.Encrypt(all.AsSpan(0, 12), content, all.AsSpan(29, content.Length), all.AsSpan(all.Length - 16), Encoding.UTF8.GetBytes(p.ToString()));
        return Base64Url.EncodeToString(all);
    }
    public SealOpening TryOpen(in SealPurpose p, ReadOnlySpan<char> token, out byte[] content)
    {
        content = [];
        try {
        var all = Base64Url.DecodeFromChars(token);
        if (all.Length < 45) return SealOpening.Refused;
        content = new byte[all.Length - 45];
        using var gcm = new AesGcm(key, 16);
        gcm.Decrypt(all.AsSpan(0, 12), all.AsSpan(29, content.Length), all.AsSpan(all.Length - 16), content, Encoding.UTF8.GetBytes(p.ToString()));
        return SealOpening.Opened; } catch (Exception) { return SealOpening.Refused; }
    }
    public ValueTask<byte[]?> OpenAsync(SealPurpose p, string token, CancellationToken ct) => new(key is null ? [] : null);
}
internal sealed class KeyRing(byte[] key) : IAsyncDisposable
{
    public static ValueTask<KeyRing> OpenAsync(IStore? store, KeysModel model, TimeProvider time, ILogger log, CancellationToken ct) => new(new KeyRing(model.Given.Count > 0 ? model.Given[0] : new byte[32]));
    public Sealer Sealer { get; } = new(key);
    public ValueTask DisposeAsync() => default;
}
