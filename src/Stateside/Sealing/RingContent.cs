using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Sealing;

/// <summary>One key as the ring's row keeps it.</summary>
/// <param name="Id">8 hexadecimal digits.</param>
/// <param name="Secret">32 bytes; null once it is revoked.</param>
/// <param name="Created">When it was made.</param>
/// <param name="SealsFrom">When it begins to seal: late enough for every node to have it.</param>
/// <param name="Revoked">When it was revoked; null if it was not.</param>
internal sealed record RingKey(string Id, byte[]? Secret, DateTimeOffset Created, DateTimeOffset SealsFrom, DateTimeOffset? Revoked = null);

/// <summary>
/// All keys of the ring, oldest first: what the row <c>$keys</c> holds (ADR 0006). Immutable; each change makes another. Time is the node's own, and
/// clocks that differ do no harm: a node that meets a key it does not know yet looks for it.
/// </summary>
internal sealed record RingContent(ImmutableArray<RingKey> Keys)
{
    /// <summary>Keys in the row at most. Reached only by somebody who adds them by hand; then a revoked one goes first, else the oldest that does not seal.</summary>
    public const int MostKeys = 64;

    public static RingContent Empty { get; } = new([]);

    public static RingContent Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            var content = JsonSerializer.Deserialize(body.Span, RingJson.Default.RingContent);
            if (content is { Keys.IsDefault: false } && content.Keys.All(k => k is { Id: not null } && SealKeyId.TryParse(k.Id, out _) && k.Secret is null or { Length: SealKey.SecretBytes })) return content;
        }
        catch (JsonException)
        {
            // Told below, without what was read: it may be half a secret.
        }
        throw Errors.RowUnreadable(KeyRingStore.RowName, null);
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, RingJson.Default.RingContent);

    /// <summary>The key that seals: of those whose time has come the newest; where none has, the first to come.</summary>
    public RingKey? Active(DateTimeOffset now) =>
        Keys.LastOrDefault(k => k.Secret is not null && k.SealsFrom <= now) ?? Keys.FirstOrDefault(k => k.Secret is not null);

    /// <summary>With one key more.</summary>
    /// <param name="now">The time.</param>
    /// <param name="wait">How long it only opens. Nobody waits for the first.</param>
    public RingContent Add(DateTimeOffset now, TimeSpan wait)
    {
        var id = SealKeyId.New().ToString();
        // A key is found by its id alone, so two must not share one.
        while (Keys.Any(k => k.Id == id)) id = SealKeyId.New().ToString();
        var key = new RingKey(id, RandomNumberGenerator.GetBytes(SealKey.SecretBytes), now, Active(now) is null ? now : now + wait);
        var keys = Keys.Add(key);
        if (keys.Length > MostKeys) keys = keys.Remove(keys.FirstOrDefault(k => k.Secret is null) ?? keys.First(k => k != Active(now)));
        return new RingContent(keys);
    }

    /// <summary>Without the secret of a key. If it is the one that seals, a new one seals at once: an older one that seals again might have been read with it.</summary>
    public RingContent Revoke(string id, DateTimeOffset now)
    {
        var revoked = new RingContent([.. Keys.Select(k => k.Id == id && k.Revoked is null ? k with { Secret = null, Revoked = now } : k)]);
        return Active(now)?.Id == id ? revoked.Add(now, TimeSpan.Zero) : revoked;
    }

    /// <summary>What time makes of it: another key where the newest is old, and no key that nothing alive can have been sealed with.</summary>
    public RingContent Aged(DateTimeOffset now, KeysModel model)
    {
        // A node goes on sealing with a key until it has read that another seals.
        var keepFor = model.KeepFor + 2 * model.Refresh;
        var kept = Keys.Where((k, i) => !(k.Revoked + keepFor <= now || Retired(i) + keepFor <= now)).ToImmutableArray();
        var aged = kept.Length == Keys.Length ? this : new RingContent(kept);
        var newest = aged.Keys.LastOrDefault(k => k.Secret is not null);
        return newest is null || newest.Created + model.RotateEvery <= now ? aged.Add(now, 2 * model.Refresh) : aged;
    }

    /// <summary>When a key ceased, or will cease, to seal: when a later one began; null if there is none.</summary>
    public DateTimeOffset? Retired(int index) => Keys.Skip(index + 1).Where(k => k.Secret is not null).Select(k => (DateTimeOffset?)k.SealsFrom).Min();

    /// <summary>The keys for use; null if there are none.</summary>
    public SealKeys? ToKeys(DateTimeOffset now)
    {
        if (Active(now) is not { } active) return null;
        var all = Keys.Where(k => k.Secret is not null).Select(k => new SealKey(Id(k), k.Secret!)).ToArray();
        return new SealKeys(Array.Find(all, k => k.Id == Id(active))!, all);
    }

    private static SealKeyId Id(RingKey key) => SealKeyId.TryParse(key.Id, out var id) ? id : throw Errors.RowUnreadable(KeyRingStore.RowName, null);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RingContent))]
internal sealed partial class RingJson : JsonSerializerContext;
