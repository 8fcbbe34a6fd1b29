using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stateside;

/// <summary>
/// What lives together and commits together: all states, receipts, events and effects of one group are changed by one
/// atomic commit, in every store. A turn writes one group.
/// </summary>
/// <remarks>Wire format (ADR 0001): a letter for the kind, a colon, the value. At most <see cref="MaxBytes"/> bytes of UTF-8.</remarks>
public readonly record struct Group
{
    /// <summary>Most bytes of UTF-8 in a group.</summary>
    public const int MaxBytes = 2 + KeyText.MaxBytes;

    /// <summary>Groups fall into this many shards. It can never be changed: receipts are found by their group's shard.</summary>
    public const int ShardCount = 1024;

    private Group(string value) => Value = value;

    /// <summary>The text of the group, as stores keep it.</summary>
    public string Value { get; }

    /// <summary>The group of a browser session, by its internal id (never by its credential).</summary>
    public static Group Session(UInt128 internalId) => new(Text('s', internalId));

    /// <summary>The group of a signed-in user: a hash of issuer and subject, so that no name is written into a store's key.</summary>
    public static Group User(string issuer, string subject)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(subject);
        var text = $"{issuer.Length}:{issuer}{subject}";
        return new("u:" + Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }

    /// <summary>The group that a route value (or any key given by name) stands for.</summary>
    /// <exception cref="ArgumentException">The id is empty, too long, or holds control characters or broken surrogates.</exception>
    public static Group Keyed(string id)
    {
        if (!KeyText.IsValid(id)) throw new ArgumentException(KeyText.Rule, nameof(id));
        return new("k:" + id);
    }

    /// <summary>The group of something new that no caller owns.</summary>
    public static Group Unowned(UInt128 id) => new(Text('n', id));

    /// <summary>The group of rows that belong to the cluster itself and not to an application's states. It is in the shard of that number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such shard.</exception>
    internal static Group Cluster(int shard)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shard);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shard, ShardCount);
        return new(string.Create(CultureInfo.InvariantCulture, $"x:{shard}"));
    }

    /// <summary>The shard of this group, 0 to 1,023: the first 10 bits of the SHA-256 of its UTF-8; of the cluster's own groups the number in it.</summary>
    public int Shard
    {
        get
        {
            if (Value[0] == 'x') return int.Parse(Value.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture);
            // Each turn asks two or three times, and the hash takes as long as much else of a turn together.
            ref var known = ref s_known[(uint)Value.GetHashCode(StringComparison.Ordinal) % (uint)s_known.Length];
            if (Volatile.Read(ref known) is { } there && there.Group == Value) return there.Shard;
            var shard = Hash(Value);
            Volatile.Write(ref known, new(Value, shard));
            return shard;
        }
    }

    /// <summary>The shards of groups that were asked for last; each place is overwritten by the next group that falls on it.</summary>
    private static readonly KnownShard?[] s_known = new KnownShard?[4096];

    private static int Hash(string value)
    {
        Span<byte> utf8 = stackalloc byte[MaxBytes];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(value, utf8)], hash);
        return BinaryPrimitives.ReadUInt16BigEndian(hash) >> 6;
    }

    /// <summary>Reads a group as a store kept it.</summary>
    /// <exception cref="FormatException">The text is not one that this type writes.</exception>
    public static Group Parse(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return IsGroup(value) ? new(value) : throw new FormatException("Not a group.");
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static bool IsGroup(string value) => value.Length > 2 && value[1] == ':' && value[0] switch
    {
        's' or 'n' => Base64Text.TryDecode(value.AsSpan(2), stackalloc byte[16]),
        'u' => Base64Text.TryDecode(value.AsSpan(2), stackalloc byte[SHA256.HashSizeInBytes]),
        'k' => KeyText.IsValid(value[2..]),
        'x' => int.TryParse(value.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var shard) && shard < ShardCount && value == Cluster(shard).Value,
        _ => false,
    };

    private static string Text(char kind, UInt128 value) => string.Create(2 + TurnId.TextLength, (kind, value), static (text, of) =>
    {
        (text[0], text[1]) = (of.kind, ':');
        new TurnId(of.value).Format(text[2..]);
    });

    private sealed record KnownShard(string Group, int Shard);
}
