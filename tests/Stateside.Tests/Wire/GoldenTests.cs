using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Stateside.Configuration;
using Stateside.Sealing;
using Stateside.Sessions;
using Stateside.Turns;

namespace Stateside.Tests.Wire;

/// <summary>Holds the code to golden.txt: every value in it, and no value that is not in it.</summary>
public class GoldenTests
{
    private static readonly TurnId Id = TurnId.Read(Convert.FromHexString("000102030405060708090a0b0c0d0e0f"));
    private static readonly TurnId Secret = TurnId.Read(Convert.FromHexString("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-11-20T12:34:56.789Z", CultureInfo.InvariantCulture);
    private static readonly TurnSeed Seed = new(Id, Secret.Value, Now);
    private static readonly Group Session = Group.Session(Id.Value);
    private static readonly Group User = Group.User("https://login.example", "alice");

    public static Dictionary<string, string> Golden { get; } = Read();

    public static TheoryData<string> Names => [.. Golden.Keys];

    [Theory, MemberData(nameof(Names))]
    public void The_code_writes_the_golden_form(string name) => Assert.Equal(Golden[name], Write(name));

    [Fact]
    public void The_golden_file_is_whole() => Assert.Equal(24, Golden.Count);

    [Fact]
    public void The_golden_forms_are_read_back()
    {
        Assert.Equal(Id, TurnId.Read(Bytes("turn id, bytes")));
        Assert.True(TurnId.TryParse(Golden["turn id, text"], out var id) && id == Id);
        Assert.Equal(new StateVersion(7, Id), StateVersion.Read(Bytes("version, bytes")));
        Assert.True(StateVersion.TryParse(Golden["version, text"], out var version) && version == new StateVersion(7, Id));
        Assert.Equal(Session, Group.Parse(Golden["group of a session"]));
        Assert.Equal(User, Group.Parse(Golden["group of a user"]));
        Assert.Equal(new StateKey(Session, "order", Secret.ToString()), StateKey.From("order", Golden["public id in a session"]));
        Assert.Equal(new StateKey(User, "order", Secret.ToString()), StateKey.From("order", Golden["public id of a user"]));
        Assert.Equal(Seed, ClaimBody.Read(Bytes("claim body, bytes")));
        Assert.Equal(SealOpening.Opened, Sealer.TryOpen(CartSeal, Base64Url.EncodeToString(Bytes("seal of a state, bytes")), out var content));
        Assert.Equal("{}"u8, content);
        var session = SessionHandle.Parse(Golden["session credential"]);
        Assert.Equal((Session, false), (session!.Group, session.IsFresh));
        var row = new Stores.Row(session.Key, new StateVersion(1, Id), 1, 0, Bytes("session row, bytes"), null);
        Assert.True(session.IsProvedBy(row, Now.AddDays(14).AddMilliseconds(-1)));
        Assert.False(session.IsProvedBy(row, Now.AddDays(14)));
    }

    [Fact]
    public void A_claim_body_of_another_form_or_length_is_an_unknown_outcome_and_no_crash()
    {
        var body = Bytes("claim body, bytes");
        foreach (var bad in new[] { [], body[..40], [.. body, 0], [2, .. body[1..]] })
            Assert.Equal("SS1006", Assert.Throws<StatesideException>(() => ClaimBody.Read(bad)).Code);
    }

    private static string Write(string name) => name switch
    {
        "turn id, bytes" => Hex(TurnId.Size, Id.Write),
        "turn id, text" => Id.ToString(),
        "turn id of all ones, text" => new TurnId(UInt128.MaxValue).ToString(),
        "version, bytes" => Hex(StateVersion.Size, new StateVersion(7, Id).Write),
        "version, text" => new StateVersion(7, Id).ToString(),
        "group of a session" => Session.Value,
        "group of a user" => User.Value,
        "group of a key by name" => Group.Keyed("käse/🧀").Value,
        "group without an owner" => Group.Unowned(Secret.Value).Value,
        "shard of the session's group" => Shard(Session),
        "shard of the user's group" => Shard(User),
        "shard of the group of a key by name" => Shard(Group.Keyed("käse/🧀")),
        "shard of k:ABC-1" => Shard(Group.Keyed("ABC-1")),
        "shard of the group without an owner" => Shard(Group.Unowned(Secret.Value)),
        "public id in a session" => PublicId.Format(Session, Secret.ToString()),
        "public id of a user" => PublicId.Format(User, Secret.ToString()),
        "public id without an owner" => PublicId.Format(Group.Unowned(Id.Value), Secret.ToString()),
        "first id drawn in a turn" => new Turn(Seed, 1, CancellationToken.None).NewId(),
        "item of the first new key of a turn" => Seed.NewItem(0),
        "session credential" => SessionHandle.Parse(Golden[name])!.Credential(),
        "session row, bytes" => Convert.ToHexStringLower(SessionHandle.Parse(Golden["session credential"])!.ToRow(Now, Model).Body.Span),
        "session row, name" => SessionHandle.RowName,
        "seal of a state, bytes" => Convert.ToHexStringLower(Base64Url.DecodeFromChars(
            Sealer.Seal(CartSeal, "{}"u8, RingKey.Derive(Convert.FromHexString("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")), counter: 7))),
        "claim body, bytes" => Convert.ToHexStringLower(ClaimBody.Write(Seed)),
        _ => throw new InvalidDataException($"golden.txt holds \"{name}\", which nothing writes."),
    };

    private static readonly SealPurpose CartSeal = new("state", "cart", Session.Value);

    private static SealKey RingKey { get; } = new(new SealKeyId(0x0a0b0c0d), Convert.FromHexString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));

    private static Sealer Sealer => new("stateside", new SealKeys(RingKey, [RingKey]));

    private static SessionModel Model => new("id", TimeSpan.FromMinutes(20), TimeSpan.FromDays(14), AllowCrossSite: false);

    private static string Shard(Group group) => group.Shard.ToString(CultureInfo.InvariantCulture);

    private delegate void Writer(Span<byte> target);

    private static string Hex(int size, Writer write)
    {
        var bytes = new byte[size];
        write(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    private static byte[] Bytes(string name) => Convert.FromHexString(Golden[name]);

    private static Dictionary<string, string> Read()
    {
        var values = new Dictionary<string, StringBuilder>();
        StringBuilder? value = null;
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "tests", "Stateside.Tests", "Wire", "golden.txt")))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == ' ') value!.Append(line.AsSpan(2, line.IndexOf("  ", 2, StringComparison.Ordinal) - 2));
            else values.Add(line, value = new StringBuilder());
        }
        return values.ToDictionary(v => v.Key, v => v.Value.ToString());
    }
}
