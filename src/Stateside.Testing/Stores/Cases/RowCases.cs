using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Rows and their versions.</summary>
internal static class RowCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("What was put is loaded with its version and shape", HarnessAbilities.None, PutIsLoadedAsync),
        new("Rows are answered in the order asked for, absent ones too", HarnessAbilities.None, OrderAsync),
        new("One load brings many keys of many groups", HarnessAbilities.None, ManyGroupsAsync),
        new("A commit on another version conflicts and brings every current row in its order", HarnessAbilities.None, ConflictAsync),
        new("The same count by another turn is another version", HarnessAbilities.None, SiblingAsync),
        new("A check that does not hold refuses the whole commit", HarnessAbilities.None, CheckAsync),
        new("A deleted key never returns to a version it had", HarnessAbilities.None, DeletedAsync),
        new("Deleting what was never there leaves a tombstone", HarnessAbilities.None, TombstoneAsync),
        new("A touch never conflicts and writes nothing", HarnessAbilities.None, TouchAsync),
        new("A group lists its rows by name and item, at most as many as asked for", HarnessAbilities.None, ListAsync),
        new("What one store wrote another on the same data reads, lists and is held to", HarnessAbilities.SecondStore, SecondStoreAsync),
        new("What was written is there when the store is opened again", HarnessAbilities.SecondStore, ReopenAsync),
    ];

    private static async Task PutIsLoadedAsync(Scene scene)
    {
        var key = Key("a", item: "AAAAAAAAAAAAAAAAAAAAAA");
        var turn = TurnId.New();
        scene.Committed(await scene.Store.CommitAsync(new Commit(key.Group, turn) { Rows = [Put(key, default, "hello") with { Schema = 7 }] }, default), "A new key is written.");
        var row = await scene.LoadAsync(key);
        scene.Equal("hello", Text(row), "A row has the content that was put.");
        scene.Equal(new StateVersion(1, turn), row.Version, "A new row has count 1 and the turn that wrote it.");
        scene.Equal((key, 7, 0L, (TimeSpan?)null), (row.Key, row.Schema, row.Sequence, row.Remaining), "Key, shape, sequence and time to live are those that were put.");
    }

    private static async Task OrderAsync(Scene scene)
    {
        await scene.WriteAsync(Key("b"), "b");
        await scene.WriteAsync(Key("a"), "a");
        StateKey[] keys = [Key("none"), Key("b"), Key("a"), Key("b", "other"), Key("b")];
        var rows = (await scene.Store.LoadAsync(new LoadRequest(keys), default)).Rows;
        scene.SameOrder(["absent", "b", "a", "absent", "b"], rows.Select(Text), "There is one row for each key, in the order of the keys.");
        scene.SameOrder(keys, rows.Select(r => r.Key), "Each row names its key.");
        scene.True(rows[0].Version.IsNone, "What was never written has no version.", "0", rows[0].Version);
        scene.Equal(0, (await scene.Store.LoadAsync(new LoadRequest([]), default)).Rows.Count, "A load of no keys answers no rows.");
    }

    private static async Task ManyGroupsAsync(Scene scene)
    {
        StateKey[] keys = [.. from g in Enumerable.Range(0, 12) from n in (string[])["cart", "order", "z"] select Key($"group {g}", n, g % 2 == 0 ? "" : $"item{g}")];
        foreach (var key in keys.Where((_, i) => i % 4 != 0)) await scene.WriteAsync(key, $"{key.Group} {key.Name} {key.Item}");
        var rows = (await scene.Store.LoadAsync(new LoadRequest(keys), default)).Rows;
        scene.SameOrder(keys.Select((k, i) => i % 4 != 0 ? $"{k.Group} {k.Name} {k.Item}" : "absent"), rows.Select(Text), "Keys may be of several groups.");
    }

    private static async Task ConflictAsync(Scene scene)
    {
        var (a, b, c) = (Key("g"), Key("g", "other"), Key("g", "third"));
        var first = await scene.WriteAsync(a, "first");
        await scene.WriteAsync(b, "b");
        var second = await scene.WriteAsync(a, "second");
        var result = await scene.CommitAsync(Put(b, (await scene.LoadAsync(b)).Version, "lost"), Put(a, first, "lost"), new RowWrite(c, RowChange.Touch, default));
        var conflict = scene.Is<CommitResult.Conflict>(result, "A commit on a version that has passed is a conflict.");
        scene.SameOrder([b, a, c], conflict.Rows.Select(r => r.Key), "A conflict brings the current row of every key in the commit, in its order.");
        scene.SameOrder(["b", "second", "absent"], conflict.Rows.Select(Text), "The rows of a conflict are the current ones.");
        scene.Equal(second, conflict.Rows[1].Version, "The rows of a conflict have their current versions.");
        scene.Equal("b", Text(await scene.LoadAsync(b)), "A conflict writes nothing.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(c, first, "lost")), "A version that a key never had is a conflict.");
    }

    private static async Task SiblingAsync(Scene scene)
    {
        var version = await scene.WriteAsync(Key("a"));
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(Key("a"), new StateVersion(1, TurnId.New()))), "A version is count and turn; both are compared.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(Key("a"), version with { Turn = new TurnId(version.Turn.Value ^ 1) })), "All bits of the turn are compared.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(Key("a"), version with { Counter = 1L << 40 | 1 })), "All bits of the count are compared.");
    }

    private static async Task CheckAsync(Scene scene)
    {
        var (a, b) = (Key("g"), Key("g", "other"));
        var old = await scene.WriteAsync(a);
        var current = await scene.WriteAsync(a);
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(b, default), new RowWrite(a, RowChange.Check, old)), "A check holds only at the version it names.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(b, default), new RowWrite(a, RowChange.Check, default)), "A check for absence fails where a row is.");
        scene.Equal("absent", Text(await scene.LoadAsync(b)), "A check that fails refuses the other rows.");
        scene.Committed(await scene.CommitAsync(Put(b, default), new RowWrite(a, RowChange.Check, current)), "A check that holds lets the other rows be written.");
        scene.Equal(current, (await scene.LoadAsync(a)).Version, "A check leaves the version.");
        scene.Committed(await scene.CommitAsync(new RowWrite(Key("none"), RowChange.Check, default)), "A check for absence holds where nothing ever was.");
    }

    private static async Task DeletedAsync(Scene scene)
    {
        var key = Key("a");
        var written = await scene.WriteAsync(key);
        scene.Committed(await scene.CommitAsync(new RowWrite(key, RowChange.Delete, written)), "A row is deleted at its version.");
        var gone = await scene.LoadAsync(key);
        scene.Equal((false, 2L), (gone.Exists, gone.Version.Counter), "A deleted row is absent with the next version.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(key, default)), "A deleted key is not new.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(key, written)), "A deleted row is not at the version it had.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(new RowWrite(key, RowChange.Delete, written)), "A row is deleted once.");
        scene.Committed(await scene.CommitAsync(Put(key, gone.Version)), "A deleted key can be written again at the version of its tombstone.");
        scene.Equal(3L, (await scene.LoadAsync(key)).Version.Counter, "The count goes on after a delete.");
    }

    private static async Task TombstoneAsync(Scene scene)
    {
        scene.Committed(await scene.CommitAsync(new RowWrite(Key("a"), RowChange.Delete, default)), "What is not there can be deleted.");
        var gone = await scene.LoadAsync(Key("a"));
        scene.Equal((false, 1L), (gone.Exists, gone.Version.Counter), "Deleting what was never there leaves a tombstone with count 1.");
    }

    private static async Task TouchAsync(Scene scene)
    {
        var (a, b) = (Key("g"), Key("g", "other"));
        var old = await scene.WriteAsync(a, "first");
        var current = await scene.WriteAsync(a, "second");
        scene.Committed(await scene.CommitAsync(new RowWrite(a, RowChange.Touch, old) { TimeToLive = TimeSpan.FromHours(1) }, Put(b, default)), "A touch at an old version does not stop the commit.");
        var row = await scene.LoadAsync(a);
        scene.Equal((current, (TimeSpan?)null, "second"), (row.Version, row.Remaining, Text(row)), "A touch at another version leaves the row alone.");
        scene.Committed(await scene.CommitAsync(new RowWrite(a, RowChange.Touch, current) { TimeToLive = TimeSpan.FromHours(9) }), "A touch at the current version is committed.");
        row = await scene.LoadAsync(a);
        scene.Equal((current, "second"), (row.Version, Text(row)), "A touch leaves version and content.");
        scene.True(row.Remaining > TimeSpan.FromHours(8), "A touch at the current version sets the time to live.", "9 hours", row.Remaining);
    }

    private static async Task ListAsync(Scene scene)
    {
        var group = Group.Keyed("g");
        foreach (var (name, item) in new[] { ("order", "b"), ("cart", ""), ("order", "a"), ("z", ""), ("order", "B"), ("a-b", "") }) await scene.WriteAsync(Key("g", name, item));
        await scene.WriteAsync(Key("g2"));
        await scene.WriteAsync(Key("G"));
        await scene.DeleteAsync(Key("g", "z"));
        var all = await scene.Store.ListAsync(group, 10, default);
        scene.SameOrder([Key("g", "a-b"), Key("g"), Key("g", "order", "B"), Key("g", "order", "a"), Key("g", "order", "b")], all, "A group lists its living rows by name, then item, byte by byte.");
        scene.SameOrder(all.Take(2), await scene.Store.ListAsync(group, 2, default), "A list begins with the first and ends at its limit.");
        scene.Equal(0, (await scene.Store.ListAsync(group, 0, default)).Count, "A limit of 0 lists nothing.");
        scene.Equal(0, (await scene.Store.ListAsync(Group.Keyed("none"), 10, default)).Count, "A group without rows lists nothing.");
    }

    private static async Task SecondStoreAsync(Scene scene)
    {
        var other = await scene.OpenAnotherAsync();
        var key = Key("g");
        scene.Equal("absent", Text(await LoadAsync(other, key)), "What nobody wrote is absent.");
        for (var i = 0; i < 5; i++)
        {
            var version = await scene.WriteAsync(key, $"{i}");
            var row = await LoadAsync(other, key);
            scene.Equal((version, $"{i}"), (row.Version, Text(row)), "A store reads what another wrote, however often it has read the key.");
            scene.Is<CommitResult.Conflict>(await other.CommitAsync(CommitOf(Put(key, default)), default), "A store compares with what another wrote.");
        }
        scene.SameOrder([key], await other.ListAsync(key.Group, 10, default), "A store lists what another wrote.");
        await scene.DeleteAsync(key);
        scene.Equal("absent", Text(await LoadAsync(other, key)), "A store sees that another deleted.");
        scene.Equal(0, (await other.ListAsync(key.Group, 10, default)).Count, "A store lists nothing that another deleted.");
    }

    private static async Task ReopenAsync(Scene scene)
    {
        var key = Key("g");
        await using (var first = scene.Harness.CreateStore())
        {
            await first.OpenAsync(default);
            scene.Committed(await first.CommitAsync(CommitOf(Put(key, default, "kept") with { Events = [Bytes("event")] }), default), "A new key is written.");
        }
        await using var second = scene.Harness.CreateStore();
        await second.OpenAsync(default);
        scene.Equal("kept", Text(await LoadAsync(second, key)), "Closing a store loses nothing.");
        scene.Equal(1, (await second.ReadJournalAsync(key, 0, 10, default)).Count, "Closing a store loses no event.");
    }
}
