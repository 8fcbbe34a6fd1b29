using System.Text;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>What may stand in keys and bodies, and how much.</summary>
internal static class LimitCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("Each odd key is a key of its own", HarnessAbilities.None, OddKeysAsync),
        new("Groups of every kind are groups", HarnessAbilities.None, KindsAsync),
        new("Names and items that would run together stay apart", HarnessAbilities.None, SeparatorsAsync),
        new("The ids and names of effects may hold any text", HarnessAbilities.None, EffectTextsAsync),
        new("Any bytes are loaded as they were put", HarnessAbilities.None, AnyBytesAsync),
        new("Bodies as large as declared pass and one byte more is refused with nothing written", HarnessAbilities.None, LargestAsync),
        new("The store says what it can do", HarnessAbilities.None, DeclaredAsync),
        new("The largest numbers are kept", HarnessAbilities.None, NumbersAsync),
    ];

    private static readonly string[] s_odd =
    [
        "🦊🧑‍🚀", "'; DROP TABLE rows; --", "\" OR 1=1", "%_*?[a]", "[a-z]", "\\", "\\0", "$1", "{0}", "é", "e\u0301", "A", "a", " a", "a ", "a  b", "/../x", "{}", "{a}", "}{", "a:b", "a:b:c",
        "k:a", "|", "\u2028", "\u202Eabc", "NULL", "null", "0", "00", "-1", "+inf", "(1", "1e3", "\uFFFC", "\uFEFFa", "%0d%0a", "$session", "*3 $1 a", new('x', 512), new('y', 511), string.Concat(Enumerable.Repeat("🦊", 128)),
    ];

    private static async Task OddKeysAsync(Scene scene)
    {
        foreach (var (id, i) in s_odd.Select((id, i) => (id, i))) await scene.WriteAsync(Key(id, item: id), $"{i}");
        var rows = (await scene.Store.LoadAsync(new LoadRequest([.. s_odd.Select(id => Key(id, item: id))]), default)).Rows;
        scene.SameOrder(Enumerable.Range(0, s_odd.Length).Select(i => $"{i}"), rows.Select(Text), "Each key has a row of its own.");
        foreach (var id in s_odd)
            scene.SameOrder([Key(id, item: id)], await scene.Store.ListAsync(Group.Keyed(id), 10, default), "Each group lists what is its own, as it was written.");
    }

    private static async Task KindsAsync(Scene scene)
    {
        Group[] groups =
        [
            Group.Session(0), Group.Session(UInt128.MaxValue), Group.User("https://issuer", "name"), Group.User("", ""), Group.Keyed("a"), Group.Unowned(0), Group.Unowned(UInt128.MaxValue), Group.Unowned(1),
        ];
        foreach (var group in groups)
            scene.Committed(await scene.Store.CommitAsync(new Commit(group, TurnId.New())
            {
                Rows = [Put(new StateKey(group, "cart"), default, group.Value)],
                Receipt = new ReceiptWrite(new(1, 1), ReceiptStatus.Recorded, default, Bytes(group.Value), TimeSpan.FromDays(1)),
                Effects = [new EffectWrite("e", "mail", Bytes(group.Value), TimeSpan.Zero)],
                Fence = new Fence(group.Shard, 1),
            }, default), "A group of any kind commits.");
        foreach (var group in groups)
        {
            var loaded = await scene.Store.LoadAsync(new LoadRequest([new StateKey(group, "cart")], new ReceiptKey(group, new(1, 1))), default);
            scene.Equal((group.Value, group.Value), (Text(loaded.Rows[0]), Text(loaded.Receipt?.Body ?? default)), "A group of any kind has rows and receipts of its own.");
        }
        scene.SameOrder(groups.Select(g => $"{g} {g}").Order(StringComparer.Ordinal), (await scene.Store.FindDueAsync(100, default)).Select(e => $"{e.Group} {Text(e.Body)}").Order(StringComparer.Ordinal), "An effect names its group.");
    }

    private static async Task SeparatorsAsync(Scene scene)
    {
        StateKey[] keys =
        [
            Key("a", "b", "c"), Key("a", "bc"), Key("a", "b", ":c"), Key("a:b", "c"), Key("a", "b-c"), Key("a", "b", "-c"), Key("a:b:c", "c"), Key("a/b", "c"), Key("a", "b", "/c"), Key("a b", "c"), Key("a", "b", " c"),
            Key("a", new string('n', 32), new string('i', 512)), Key("a", new string('n', 31), new string('i', 512)), Key("a", new string('n', 32), new string('i', 511)),
        ];
        foreach (var (key, i) in keys.Select((k, i) => (k, i))) await scene.WriteAsync(key, $"{i}");
        scene.SameOrder(keys.Select((_, i) => $"{i}"), (await scene.Store.LoadAsync(new LoadRequest(keys), default)).Rows.Select(Text), "Each key has a row of its own.");
        foreach (var group in keys.Select(k => k.Group).Distinct())
            scene.SameOrder(keys.Where(k => k.Group == group).OrderBy(k => k.Name, StringComparer.Ordinal).ThenBy(k => k.Item, StringComparer.Ordinal),
                await scene.Store.ListAsync(group, 100, default), "A group lists its keys, by name, then item.");
    }

    private static async Task EffectTextsAsync(Scene scene)
    {
        var group = Group.Keyed("g");
        string[] texts = [.. s_odd, "a\r\nb", "\r\n$-1\r\n", "tab\there", "quote's"];
        scene.Committed(await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Effects = [.. texts.Select(t => new EffectWrite(t, t, Bytes(t), TimeSpan.Zero))] }, default), "Effects may have any id and name.");
        scene.SameOrder(texts.Order(StringComparer.Ordinal), (await scene.Store.FindDueAsync(1000, default)).Where(e => e.Id == e.Name && e.Id == Text(e.Body)).Select(e => e.Id).Order(StringComparer.Ordinal), "Each effect is found as it was set.");
        await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { EffectsDone = [.. texts.Skip(1)] }, default);
        scene.SameOrder(texts.Take(1), (await scene.Store.FindDueAsync(1000, default)).Select(e => e.Id), "Each effect is taken off by its id.");
    }

    private static async Task AnyBytesAsync(Scene scene)
    {
        var random = new Random(20_260);
        List<byte[]> bodies =
        [
            [], [0], [0xFF], [0xEF, 0xBB, 0xBF, (byte)'1'], Bytes("a\0b"), Bytes("\r\n"), Bytes("+OK\r\n"), Bytes("$5\r\nhello\r\n"), Bytes("\\x00"), Bytes("\\\\"), Bytes("{\"a\":1}"), Bytes("{ \"a\" : 1 , \"a\" : 2 }"),
            [.. Enumerable.Range(0, 256).Select(i => (byte)i)], Encoding.Unicode.GetBytes("\uD800"), new byte[65_535], new byte[65_536], Bytes(new string('z', 1_000_000)),
        ];
        for (var i = 0; i < 60; i++)
        {
            bodies.Add(new byte[random.Next(1, 5_000)]);
            random.NextBytes(bodies[^1]);
        }
        var key = Key("a");
        var version = default(StateVersion);
        foreach (var body in bodies)
        {
            var sequence = (await scene.LoadAsync(key)).Sequence;
            var commit = CommitOf(new RowWrite(key, RowChange.Put, version) { Body = body, Sequence = sequence, Events = [body] }) with
            {
                Receipt = new ReceiptWrite(new ReceiptId((UInt128)(sequence + 1), 0), ReceiptStatus.Recorded, default, body, TimeSpan.FromDays(1)),
                Effects = [new EffectWrite("e", "mail", body, TimeSpan.Zero)],
            };
            scene.Committed(await scene.Store.CommitAsync(commit, default), "Any bytes are a body.");
            version = version.Next(commit.Turn);
            var loaded = await scene.Store.LoadAsync(new LoadRequest([key], new ReceiptKey(key.Group, commit.Receipt.Id)), default);
            var there = (await scene.Store.ReadJournalAsync(key, sequence, 1, default)).Select(e => e.Body).Concat((await scene.Store.FindDueAsync(1, default)).Select(e => e.Body));
            foreach (var read in (IEnumerable<ReadOnlyMemory<byte>>)[loaded.Rows[0].Body, loaded.Receipt?.Body ?? default, .. there])
                scene.True(read.Span.SequenceEqual(body), "Row, receipt, event and effect have the bytes that were written.", Excerpt(body), Excerpt(read.Span));
        }
    }

    private static async Task LargestAsync(Scene scene)
    {
        var most = scene.Capabilities.MaxBodyBytes;
        var body = new byte[most];
        new Random(3).NextBytes(body);
        var key = Key("a");
        scene.Committed(await scene.CommitAsync(new RowWrite(key, RowChange.Put, default) { Body = body }), "A row of the declared size passes.");
        var row = await scene.LoadAsync(key);
        scene.True(row.Body.Span.SequenceEqual(body), "A row of the declared size is loaded as it was put.", $"{most} bytes", $"{row.Body.Length} bytes, not the same");

        var receipt = new ReceiptWrite(new(1, 1), ReceiptStatus.Recorded, default, body, TimeSpan.FromDays(1));
        scene.Committed(await scene.Store.CommitAsync(new Commit(key.Group, TurnId.New()) { Receipt = receipt }, default), "A receipt of the declared size passes.");
        scene.Committed(await scene.CommitAsync(Put(key, row.Version) with { Events = [body] }), "An event of the declared size passes.");
        scene.True((await scene.Store.ReadJournalAsync(key, 0, 1, default))[0].Body.Span.SequenceEqual(body), "An event of the declared size is read as it was raised.", $"{most} bytes", "other bytes");

        var version = (await scene.LoadAsync(key)).Version;
        var large = new byte[most + 1];
        await RefusedAsync(new Commit(key.Group, TurnId.New()) { Rows = [Put(Key("a", "other"), default), new RowWrite(key, RowChange.Put, version) { Body = large }] });
        await RefusedAsync(new Commit(key.Group, TurnId.New()) { Rows = [Put(Key("a", "other"), default), Put(key, version) with { Sequence = 1, Events = [large] }] });
        await RefusedAsync(new Commit(key.Group, TurnId.New()) { Rows = [Put(Key("a", "other"), default)], Receipt = receipt with { Id = new(2, 2), Body = large } });

        async Task RefusedAsync(Commit commit)
        {
            var applied = "an answer";
            try
            {
                await scene.Store.CommitAsync(commit, default);
            }
            catch (StoreException e)
            {
                applied = e.Applied.ToString();
            }
            scene.Equal("No", applied, "One byte more than declared is refused with a StoreException that says Applied.No.");
            scene.Equal((version, "absent"), ((await scene.LoadAsync(key)).Version, Text(await scene.LoadAsync(Key("a", "other")))), "A commit that is too large writes nothing.");
        }
    }

    private static Task DeclaredAsync(Scene scene)
    {
        var declared = scene.Capabilities;
        scene.True(declared.Name.Length > 0 && declared.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)), "The name is the scheme of the URL.", "lower-case letters", declared.Name);
        scene.True(declared.MaxBodyBytes >= 1_048_576, "The bodies that every state may have by default fit.", "1,048,576 or more", declared.MaxBodyBytes);
        scene.True(Enum.IsDefined(declared.Durability) && Enum.IsDefined(declared.Reach), "Durability and reach are declared.", "a grade", $"{declared.Durability}, {declared.Reach}");
        scene.True(declared.Facts.Count > 0 && declared.Facts.All(f => f.Setting.Length > 0 && f.Meaning.EndsWith('.')), "The facts say in whole sentences what follows from them.", "one or more", declared.Facts.Count);
        return Task.CompletedTask;
    }

    private static async Task NumbersAsync(Scene scene)
    {
        var key = Key("a");
        var claim = new TurnId(UInt128.MaxValue);
        var id = new ReceiptId(UInt128.MaxValue, UInt128.One << 127);
        var commit = new Commit(key.Group, claim)
        {
            Rows = [Put(key, default) with { Schema = int.MaxValue, Sequence = 1L << 52 }],
            Receipt = new ReceiptWrite(id, ReceiptStatus.Claimed, id, default, TimeSpan.FromDays(3650)) { Claim = claim, Lease = TimeSpan.FromDays(365) },
            Fence = new Fence(key.Group.Shard, 1L << 52),
        };
        scene.Committed(await scene.Store.CommitAsync(commit, default), "Large numbers are numbers.");
        var loaded = await scene.Store.LoadAsync(new LoadRequest([key], new ReceiptKey(key.Group, id)), default);
        scene.Equal((int.MaxValue, 1L << 52, claim), (loaded.Rows[0].Schema, loaded.Rows[0].Sequence, loaded.Rows[0].Version.Turn), "A row keeps every digit.");
        scene.Equal((id, id, claim), (loaded.Receipt!.Id, loaded.Receipt.Fingerprint, loaded.Receipt.Claim), "A receipt keeps every bit.");
        var fenced = scene.Is<CommitResult.Fenced>(await scene.Store.CommitAsync(new Commit(key.Group, claim) { Fence = new Fence(key.Group.Shard, (1L << 52) - 1) }, default), "Large epochs are compared to the last digit.");
        scene.Equal(1L << 52, fenced.Epoch, "The refusal names the epoch to the last digit.");
    }

    private static string Excerpt(ReadOnlySpan<byte> bytes) => $"{bytes.Length} bytes: {Convert.ToHexString(bytes[..Math.Min(bytes.Length, 32)])}";
}
