using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Fences, journals, effects, and that a commit is whole.</summary>
internal static class CommitCases
{
    private static readonly ReceiptId s_id = new(1, 2);

    public static IEnumerable<ConformanceCase> All =>
    [
        new("The fence is checked before the receipt and the receipt before the versions", HarnessAbilities.None, OrderOfChecksAsync),
        new("An older epoch is refused, an equal one passes, a newer one rises", HarnessAbilities.None, EpochAsync),
        new("An epoch that one store raised binds another", HarnessAbilities.SecondStore, EpochOfAnotherAsync),
        new("A commit that is refused does not raise the epoch", HarnessAbilities.None, RefusedEpochAsync),
        new("Each shard has an epoch of its own", HarnessAbilities.None, ShardsAsync),
        new("A commit that is refused leaves nothing behind", HarnessAbilities.None, NothingBehindAsync),
        new("Events are numbered without gaps and read in order", HarnessAbilities.None, EventsAsync),
        new("A journal ends with its row and the next begins anew", HarnessAbilities.None, JournalEndsAsync),
        new("A long journal is read in pieces, whole and in order", HarnessAbilities.None, LongJournalAsync),
        new("An effect is replaced and taken off by its id, in its group", HarnessAbilities.None, EffectIdsAsync),
        new("An effect that is done and set anew in one commit is set", HarnessAbilities.None, EffectAnewAsync),
    ];

    private static ReceiptWrite Recorded(string body = "200") => new(s_id, ReceiptStatus.Recorded, new ReceiptId(3, 4), Bytes(body), TimeSpan.FromHours(5));

    private static async Task OrderOfChecksAsync(Scene scene)
    {
        var group = Group.Keyed("g");
        async Task<CommitResult> Try(long epoch, ReceiptWrite? receipt) =>
            await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Rows = [Put(Key("g"), default)], Receipt = receipt, Fence = new Fence(group.Shard, epoch) }, default);

        scene.Committed(await Try(5, Recorded()), "A first epoch is taken.");
        var fenced = scene.Is<CommitResult.Fenced>(await Try(4, Recorded()), "The fence is checked before the receipt and the versions.");
        scene.Equal(5, fenced.Epoch, "The refusal names the epoch of the shard.");
        scene.Is<CommitResult.AlreadyRecorded>(await Try(5, Recorded()), "The receipt is checked before the versions.");
        scene.Is<CommitResult.Conflict>(await Try(5, null), "The versions are checked last.");
    }

    private static async Task EpochAsync(Scene scene)
    {
        var key = Key("g");
        var version = default(StateVersion);
        foreach (var (epoch, passes) in new[] { (3L, true), (3, true), (2, false), (7, true), (3, false), (7, true), (1L << 40, true), (1 << 20, false) })
        {
            var commit = CommitOf(Put(key, version, $"{epoch}")) with { Fence = new Fence(key.Group.Shard, epoch) };
            var result = await scene.Store.CommitAsync(commit, default);
            if (passes)
            {
                scene.Committed(result, "An epoch that is not older passes.");
                version = version.Next(commit.Turn);
            }
            else scene.Is<CommitResult.Fenced>(result, "An older epoch is refused.");
            scene.Equal(version, (await scene.LoadAsync(key)).Version, "A fenced commit writes nothing.");
        }
        scene.Committed(await scene.CommitAsync(Put(key, version, "no fence")), "A commit without a fence is not held to the epoch.");
    }

    private static async Task EpochOfAnotherAsync(Scene scene)
    {
        var other = await scene.OpenAnotherAsync();
        var key = Key("g");
        scene.Committed(await scene.Store.CommitAsync(new Commit(key.Group, TurnId.New()) { Fence = new Fence(key.Group.Shard, 9) }, default), "A fence may be the whole commit.");
        var fenced = scene.Is<CommitResult.Fenced>(await other.CommitAsync(CommitOf(Put(key, default)) with { Fence = new Fence(key.Group.Shard, 8) }, default),
            "The former owner is refused, whichever store it speaks to.");
        scene.Equal(9, fenced.Epoch, "The refusal names the epoch of the shard.");
        scene.Equal("absent", Text(await scene.LoadAsync(key)), "A fenced commit writes nothing.");
    }

    private static async Task RefusedEpochAsync(Scene scene)
    {
        var key = Key("g");
        await scene.WriteAsync(key);
        scene.Is<CommitResult.Conflict>(await scene.Store.CommitAsync(CommitOf(Put(key, default)) with { Fence = new Fence(key.Group.Shard, 9) }, default), "A higher epoch is no excuse for an old version.");
        scene.Committed(await scene.Store.CommitAsync(new Commit(key.Group, TurnId.New()) { Fence = new Fence(key.Group.Shard, 1) }, default), "A refused commit has not raised the epoch.");
    }

    private static async Task ShardsAsync(Scene scene)
    {
        var here = Group.Keyed("g");
        var there = Enumerable.Range(0, 100).Select(i => Group.Keyed($"other {i}")).First(g => g.Shard != here.Shard);
        foreach (var (group, epoch) in new[] { (here, 9L), (there, 1L) })
            scene.Committed(await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Fence = new Fence(group.Shard, epoch) }, default), "The epoch of one shard says nothing about another.");
    }

    private static async Task NothingBehindAsync(Scene scene)
    {
        var group = Group.Keyed("g");
        var stale = await scene.WriteAsync(Key("g"), "old");
        await scene.WriteAsync(Key("g"), "current");
        await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Fence = new Fence(group.Shard, 5) }, default);
        var whole = new Commit(group, TurnId.New())
        {
            Rows = [Put(Key("g", "before"), default), Put(Key("g"), stale) with { Events = [Bytes("e")] }, Put(Key("g", "after"), default)],
            Receipt = Recorded(),
            Effects = [new EffectWrite("e", "mail", Bytes("e"), TimeSpan.Zero)],
        };
        scene.Is<CommitResult.Conflict>(await scene.Store.CommitAsync(whole, default), "One old version refuses the commit.");
        await AbsentAsync("a conflict");
        scene.Is<CommitResult.Fenced>(await scene.Store.CommitAsync(whole with { Rows = [whole.Rows[0]], Fence = new Fence(group.Shard, 4) }, default), "An older epoch refuses the commit.");
        await AbsentAsync("a fenced commit");
        scene.Committed(await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Receipt = Recorded("first") }, default), "A receipt may be the whole commit.");
        scene.Is<CommitResult.AlreadyRecorded>(await scene.Store.CommitAsync(whole with { Rows = [whole.Rows[0]] }, default), "A receipt that is there refuses the commit.");
        var receipt = (await scene.Store.LoadAsync(new LoadRequest([], new ReceiptKey(group, s_id)), default)).Receipt;
        scene.Equal("first", receipt is null ? "absent" : Text(receipt.Body), "A refused commit leaves the receipt that is there.");
        scene.SameOrder([Key("g")], await scene.Store.ListAsync(group, 10, default), "A commit that is refused for its receipt leaves no row.");

        async Task AbsentAsync(string after)
        {
            scene.SameOrder([Key("g")], await scene.Store.ListAsync(group, 10, default), $"No row of {after} is there.");
            scene.Equal("current", Text(await scene.LoadAsync(Key("g"))), $"No content of {after} is there.");
            var found = await scene.Store.LoadAsync(new LoadRequest([Key("g", "before")], new ReceiptKey(group, s_id)), default);
            scene.True(found.Receipt is null, $"No receipt of {after} is there.", "nothing", found.Receipt?.Status);
            scene.True(found.Rows[0].Version.IsNone, $"No version of {after} is there.", "0", found.Rows[0].Version);
            scene.Equal(0, (await scene.Store.FindDueAsync(10, default)).Count, $"No effect of {after} is there.");
            scene.Equal(0, (await scene.Store.ReadJournalAsync(Key("g"), 0, 10, default)).Count, $"No event of {after} is there.");
        }
    }

    private static async Task EventsAsync(Scene scene)
    {
        var key = Key("room");
        var turns = new List<TurnId>();
        foreach (var count in new[] { 2, 0, 3 })
        {
            var row = await scene.LoadAsync(key);
            turns.Add(TurnId.New());
            var put = Put(key, row.Version) with { Schema = 2, Sequence = row.Sequence, Events = [.. Enumerable.Range(1, count).Select(i => (ReadOnlyMemory<byte>)Bytes($"said {row.Sequence + i}"))] };
            scene.Committed(await scene.Store.CommitAsync(new Commit(key.Group, turns[^1]) { Rows = [put] }, default), "Events are appended with their row.");
        }
        scene.Equal(5L, (await scene.LoadAsync(key)).Sequence, "The row counts the events folded into it.");
        var events = await scene.Store.ReadJournalAsync(key, 0, 10, default);
        scene.SameOrder([1L, 2, 3, 4, 5], events.Select(e => e.Sequence), "Events are numbered from 1 without gaps.");
        scene.SameOrder([turns[0], turns[0], turns[2], turns[2], turns[2]], events.Select(e => e.Turn), "Each event names its turn.");
        scene.SameOrder(events.Select(e => ($"said {e.Sequence}", 2)), events.Select(e => (Text(e.Body), e.Schema)), "Each event has its content and shape.");
        scene.SameOrder([3L, 4], (await scene.Store.ReadJournalAsync(key, 2, 2, default)).Select(e => e.Sequence), "A journal is read from a number on, up to a limit.");
        scene.Equal(0, (await scene.Store.ReadJournalAsync(key, 5, 10, default)).Count, "Beyond the last event there is nothing.");
        scene.Equal(0, (await scene.Store.ReadJournalAsync(Key("room", "none"), 0, 10, default)).Count, "A key without events has an empty journal.");
    }

    private static async Task JournalEndsAsync(Scene scene)
    {
        var key = Key("room");
        scene.Committed(await scene.CommitAsync(Put(key, default) with { Events = [Bytes("a"), Bytes("b")] }), "Events are appended with their row.");
        await scene.DeleteAsync(key);
        scene.Equal(0, (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Count, "A deleted row has no journal.");
        scene.Committed(await scene.CommitAsync(Put(key, (await scene.LoadAsync(key)).Version)), "A deleted key is written again.");
        scene.Equal((0L, 0), ((await scene.LoadAsync(key)).Sequence, (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Count), "What is written again begins without events.");
        scene.Committed(await scene.CommitAsync(Put(key, (await scene.LoadAsync(key)).Version) with { Events = [Bytes("c")] }), "Events are appended with their row.");
        scene.SameOrder(["1 c"], (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Select(e => $"{e.Sequence} {Text(e.Body)}"), "The new journal counts from 1.");
    }

    private static async Task LongJournalAsync(Scene scene)
    {
        var key = Key("room");
        var (version, sequence) = (default(StateVersion), 0L);
        for (var i = 0; i < 40; i++)
        {
            var commit = CommitOf(Put(key, version) with { Sequence = sequence, Events = [.. Enumerable.Range(1, 50).Select(n => (ReadOnlyMemory<byte>)Bytes($"{sequence + n}"))] });
            scene.Committed(await scene.Store.CommitAsync(commit, default), "Fifty events are one commit.");
            (version, sequence) = (version.Next(commit.Turn), sequence + 50);
        }
        var read = new List<JournalEvent>();
        while (await scene.Store.ReadJournalAsync(key, read.Count, 333, default) is { Count: > 0 } piece)
        {
            scene.True(piece.Count <= 333, "A piece has no more events than asked for.", "at most 333", piece.Count);
            read.AddRange(piece);
        }
        scene.SameOrder(Enumerable.Range(1, 2000).Select(n => $"{n} {n}"), read.Select(e => $"{e.Sequence} {Text(e.Body)}"), "The pieces together are the journal.");
    }

    private static async Task EffectIdsAsync(Scene scene)
    {
        async Task Commit(string group, string[] done, params EffectWrite[] effects) =>
            scene.Committed(await scene.Store.CommitAsync(new Commit(Group.Keyed(group), TurnId.New()) { Effects = effects, EffectsDone = done }, default), "Effects may be the whole commit.");
        async Task<string> Due() => string.Join(' ', (await scene.Store.FindDueAsync(10, default)).Select(e => $"{e.Group}/{e.Id}/{e.Name}/{Text(e.Body)}").Order(StringComparer.Ordinal));

        await Commit("g", [], new("a", "mail", Bytes("1"), TimeSpan.Zero), new("later", "mail", Bytes("2"), TimeSpan.FromDays(300)));
        await Commit("h", [], new EffectWrite("a", "call", Bytes("3"), TimeSpan.Zero));
        scene.Equal("k:g/a/mail/1 k:h/a/call/3", await Due(), "What is due is found, in every group; what is not is not.");
        scene.Equal(1, (await scene.Store.FindDueAsync(1, default)).Count, "No more are found than asked for.");
        await Commit("h", ["a", "never there"]);
        scene.Equal("k:g/a/mail/1", await Due(), "An effect is taken off by its id in its group.");
        await Commit("g", [], new EffectWrite("a", "call", Bytes("4"), TimeSpan.Zero));
        scene.Equal("k:g/a/call/4", await Due(), "An effect with the id of another replaces it.");
        await Commit("g", [], new EffectWrite("a", "call", Bytes("5"), TimeSpan.FromDays(300)));
        scene.Equal("", await Due(), "An effect that is put off is not due.");
    }

    private static async Task EffectAnewAsync(Scene scene)
    {
        var group = Group.Keyed("g");
        await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { Effects = [new("e", "a", Bytes("1"), TimeSpan.Zero)] }, default);
        await scene.Store.CommitAsync(new Commit(group, TurnId.New()) { EffectsDone = ["e"], Effects = [new("e", "b", Bytes("2"), TimeSpan.Zero)] }, default);
        scene.SameOrder(["b 2"], (await scene.Store.FindDueAsync(10, default)).Select(e => $"{e.Name} {Text(e.Body)}"), "What is done is taken off before what is new is set.");
    }
}
