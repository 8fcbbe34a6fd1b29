using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Cluster;

/// <summary>
/// Who is in the cluster and which node owns which shard under which epoch. It is one row in the store, and changes only by a
/// commit that expects the version it was made from, so all nodes see one history of it. Immutable; every change makes a new one.
/// </summary>
/// <remarks>Wire format (ADR 0007): row <c>$view</c> in group <c>x:0</c>, shape 1, JSON.</remarks>
internal sealed class ClusterView
{
    public const string RowName = "$view";
    public const int Shape = 1;

    /// <summary>Bytes of the secret, and of the agreement.</summary>
    public const int SecretBytes = 32;

    /// <summary>Most nodes that own shards.</summary>
    public const int MostMembers = 1000;

    private readonly Member[] _members;
    private readonly short[] _owners;
    private readonly long[] _epochs;
    private short[]? _homes;
    private Member[]? _ring;

    private ClusterView(long number, byte[] secret, byte[] agreement, Member[] members, short[] owners, long[] epochs) =>
        (Number, Secret, Agreement, _members, _owners, _epochs) = (number, secret, agreement, members, owners, epochs);

    /// <summary>One more with each change.</summary>
    public long Number { get; }

    /// <summary>32 random bytes that only those who can read the store know.</summary>
    public byte[] Secret { get; }

    /// <summary>A hash of what all nodes must have configured alike.</summary>
    public byte[] Agreement { get; }

    public IReadOnlyList<Member> Members => _members;

    /// <summary>A cluster without nodes.</summary>
    public static ClusterView Begin(byte[] secret, byte[] agreement)
    {
        var owners = new short[Group.ShardCount];
        Array.Fill(owners, (short)-1);
        return new(0, secret, agreement, [], owners, new long[Group.ShardCount]);
    }

    /// <summary>Who owns the shard; null: nobody.</summary>
    public Member? Owner(int shard) => _owners[shard] < 0 ? null : _members[_owners[shard]];

    /// <summary>The epoch under which its owner commits; 0 before it first had one.</summary>
    public long Epoch(int shard) => _epochs[shard];

    /// <summary>Who should own the shard; null: nobody is there to.</summary>
    public Member? Home(int shard)
    {
        var homes = _homes ??= Rendezvous.Homes(_members);
        return homes[shard] < 0 ? null : _members[homes[shard]];
    }

    /// <summary>The life of that name; null: there is none.</summary>
    public Member? Find(string name) => Array.Find(_members, m => m.Name == name);

    public bool Has(Member member) => member.Is(Find(member.Name));

    /// <summary>The next nodes of the ring after <paramref name="self"/>, by the hash of their names: those that it watches.</summary>
    public IReadOnlyList<Member> After(Member self, int most)
    {
        var ring = _ring ??= [.. _members.OrderBy(m => Rendezvous.Seed(m.Name))];
        var at = Array.FindIndex(ring, m => m.Is(self));
        return [.. Enumerable.Range(1, Math.Min(most, Math.Max(0, ring.Length - 1))).Select(i => ring[(at + i) % ring.Length])];
    }

    /// <summary>With a node more; it takes the place of an earlier life of the same name. Shards without an owner go to their homes.</summary>
    public ClusterView With(Member joining) => Rebuilt([.. _members.Where(m => m.Name != joining.Name), joining], _ => true);

    /// <summary>With these nodes and no others, each with the shards that it is home to.</summary>
    public ClusterView Of(IReadOnlyList<Member> members) => Rebuilt([.. members], _ => false);

    /// <summary>Without a node; its shards go to their homes, under a new epoch.</summary>
    public ClusterView Without(Member gone) => Rebuilt([.. _members.Where(m => !m.Is(gone))], _ => true);

    /// <summary>The same where the node no longer is a home to any shard.</summary>
    public ClusterView Leaving(Member leaving) => Rebuilt([.. _members.Select(m => m.Is(leaving) ? m with { IsLeaving = true } : m)], _ => true);

    /// <summary>Passes shards on to their homes, each under a new epoch.</summary>
    public ClusterView Passing(IReadOnlyCollection<int> shards) => Rebuilt(_members, shard => !shards.Contains(shard));

    /// <summary>The same where a shard is under an epoch above that one.</summary>
    public ClusterView Above(int shard, long epoch)
    {
        var epochs = (long[])_epochs.Clone();
        epochs[shard] = epoch + 1;
        return new(Number + 1, Secret, Agreement, _members, _owners, epochs) { _homes = _homes };
    }

    /// <summary>The same where every shard is under an epoch above those.</summary>
    public ClusterView Above(long[] epochs)
    {
        if (!_epochs.Where((epoch, shard) => epoch <= epochs[shard]).Any()) return this;
        var above = _epochs.Select((epoch, shard) => Math.Max(epoch, epochs[shard] + 1)).ToArray();
        return new(Number + 1, Secret, Agreement, _members, _owners, above) { _homes = _homes };
    }

    /// <summary>Whether this cannot have come after the other: the store has lost rows, or was set back. All views of one history have one secret.</summary>
    public bool IsAstray(ClusterView before) => before.Number > 0 && (Number <= before.Number || !Secret.AsSpan().SequenceEqual(before.Secret));

    /// <summary>The epochs of all shards.</summary>
    public ReadOnlySpan<long> Epochs => _epochs;

    /// <summary>The same for nodes that are configured otherwise; only for a cluster that nobody is left in.</summary>
    public ClusterView Agreeing(byte[] agreement) => new(Number, Secret, agreement, _members, _owners, _epochs);

    private ClusterView Rebuilt(Member[] members, Func<int, bool> keeps)
    {
        var homes = Rendezvous.Homes(members);
        var (owners, epochs) = (new short[_owners.Length], (long[])_epochs.Clone());
        for (var shard = 0; shard < owners.Length; shard++)
        {
            var owner = Owner(shard) is { } was && keeps(shard) ? Array.FindIndex(members, m => m.Is(was)) : -1;
            if (owner < 0 && homes[shard] >= 0)
            {
                owner = homes[shard];
                epochs[shard]++;
            }
            owners[shard] = (short)owner;
        }
        return new(Number + 1, Secret, Agreement, members, owners, epochs) { _homes = homes };
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(
        new ViewContent(Number, Secret, Agreement, [.. _members.Select(m => new MemberContent(m.Name, m.Incarnation, m.Host, m.Port, m.IsLeaving))], _owners, _epochs),
        ClusterJson.Default.ViewContent);

    /// <exception cref="StatesideException">SS3005: this is not a view.</exception>
    public static ClusterView Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            var content = JsonSerializer.Deserialize(body.Span, ClusterJson.Default.ViewContent);
            if (content is not { Secret.Length: SecretBytes, Agreement.Length: SecretBytes, Members: not null, Owners.Length: Group.ShardCount, Epochs.Length: Group.ShardCount })
                throw new JsonException();
            var members = content.Members.Select(m => new Member(m.Name, m.Incarnation, m.Host, m.Port, m.Leaving)).ToArray();
            if (content.Owners.Any(owner => owner < -1 || owner >= members.Length)) throw new JsonException();
            return new(content.Number, content.Secret, content.Agreement, members, content.Owners, content.Epochs);
        }
        catch (JsonException)
        {
            // Without what was read: half of it may be the secret.
            throw Errors.RowUnreadable(RowName, null);
        }
    }
}

/// <summary>The row of a view.</summary>
internal sealed record ViewContent(long Number, byte[] Secret, byte[] Agreement, MemberContent[] Members, short[] Owners, long[] Epochs);

/// <summary>A member in the row of a view, and what its own row holds.</summary>
internal sealed record MemberContent(string Name, UInt128 Incarnation, string Host, int Port, bool Leaving);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ViewContent))]
[JsonSerializable(typeof(MemberContent))]
internal sealed partial class ClusterJson : JsonSerializerContext;
