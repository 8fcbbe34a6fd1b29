using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Time to live, tombstones, clean-up, and a clock that jumps.</summary>
internal static class TimeCases
{
    private const HarnessAbilities Jumps = HarnessAbilities.ClockHours | HarnessAbilities.ClockBack;

    public static IEnumerable<ConformanceCase> All =>
    [
        new("A row past its time is absent with the version it had", HarnessAbilities.ClockForward, ExpiredAsync),
        new("A check with a time to live prolongs and one without does not", HarnessAbilities.ClockForward, CheckAsync),
        new("A touch prolongs the version it names", HarnessAbilities.ClockForward, TouchAsync),
        new("What is gone cannot be prolonged back to life", HarnessAbilities.ClockForward, NotRevivedAsync),
        new("A journal expires with its row and the next begins anew", HarnessAbilities.ClockForward, JournalAsync),
        new("A list leaves out what has expired", HarnessAbilities.ClockForward, ListAsync),
        new("Effects become due by the store's clock, oldest first", HarnessAbilities.ClockForward, EffectsAsync),
        new("A tombstone is kept for its hour and then cleaned up", HarnessAbilities.ClockHours, TombstoneAsync),
        new("An expired row keeps its version for an hour and is then cleaned up with its journal", HarnessAbilities.ClockHours, ExpiredTombstoneAsync),
        new("A row that was deleted long before its end is cleaned up after its hour", HarnessAbilities.ClockHours, DeletedEarlyAsync),
        new("A prolonged row outlives a clean-up and is found again when its time has come", HarnessAbilities.ClockHours, ProlongedAsync),
        new("What was put anew without an end is never cleaned up", HarnessAbilities.ClockHours, EndlessAsync),
        new("A clean-up removes no more than its limit and says when nothing is left", HarnessAbilities.ClockHours, LimitAsync),
        new("A clean-up removes nothing that lives", HarnessAbilities.ClockHours, OnlyTheDeadAsync),
        new("A clock that jumps ahead loses nothing without an end and repeats no version", HarnessAbilities.ClockHours, AheadAsync),
        new("A clock that jumps back brings back no deleted row and repeats no version", Jumps, BackAsync),
        new("What is written after a jump back lives as long as it was told", Jumps, AfterBackAsync),
    ];

    private static async Task ExpiredAsync(Scene scene)
    {
        var key = Key("a");
        var written = await scene.WriteAsync(key, life: scene.Life);
        await scene.AdvanceAsync(scene.Life / 4);
        scene.Remaining(scene.Life * 0.75, (await scene.LoadAsync(key)).Remaining, "What is left of a time to live runs down by the store's clock.");
        await scene.AdvanceAsync(scene.Life * 0.75);
        var gone = await scene.LoadAsync(key);
        scene.Equal((false, written), (gone.Exists, gone.Version), "A row past its time is absent, with the version it had.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(key, default)), "A key whose row has expired is not new.");
        scene.Committed(await scene.CommitAsync(Put(key, written)), "It is written at the version it had.");
        scene.Equal(2L, (await scene.LoadAsync(key)).Version.Counter, "The count goes on after a row has expired.");
    }

    private static async Task CheckAsync(Scene scene)
    {
        var (a, b) = (Key("g"), Key("g", "other"));
        var written = await scene.WriteAsync(a, life: scene.Life);
        await scene.AdvanceAsync(scene.Life / 4);
        scene.Committed(await scene.CommitAsync(new RowWrite(a, RowChange.Check, written), Put(b, default)), "A check at the current version holds.");
        scene.Remaining(scene.Life * 0.75, (await scene.LoadAsync(a)).Remaining, "A check without a time to live leaves the time.");
        scene.Committed(await scene.CommitAsync(new RowWrite(a, RowChange.Check, written) { TimeToLive = scene.Life * 2 }), "A check at the current version holds.");
        scene.Remaining(scene.Life * 2, (await scene.LoadAsync(a)).Remaining, "A check with a time to live sets it anew.");
        scene.Equal(written, (await scene.LoadAsync(a)).Version, "A check leaves the version.");
    }

    private static async Task TouchAsync(Scene scene)
    {
        var key = Key("a");
        var touch = new RowWrite(key, RowChange.Touch, await scene.WriteAsync(key, life: scene.Life)) { TimeToLive = scene.Life * 10 };
        scene.Committed(await scene.CommitAsync(touch), "A touch is committed.");
        scene.Remaining(scene.Life * 10, (await scene.LoadAsync(key)).Remaining, "A touch sets the time to live of the version it names.");
        await scene.WriteAsync(key, life: scene.Life);
        scene.Committed(await scene.CommitAsync(touch), "A touch of another version is no conflict.");
        scene.Remaining(scene.Life, (await scene.LoadAsync(key)).Remaining, "A touch of another version leaves the time.");
    }

    private static async Task NotRevivedAsync(Scene scene)
    {
        var key = Key("a");
        var written = await scene.WriteAsync(key, life: scene.Life);
        await scene.AdvanceAsync(scene.Life);
        await scene.CommitAsync(new RowWrite(key, RowChange.Touch, written) { TimeToLive = TimeSpan.FromDays(9) });
        scene.Equal("absent", Text(await scene.LoadAsync(key)), "A touch does not bring an expired row back.");
        await scene.CommitAsync(new RowWrite(key, RowChange.Check, written) { TimeToLive = TimeSpan.FromDays(9) });
        scene.Equal("absent", Text(await scene.LoadAsync(key)), "A check does not bring an expired row back.");
        var deleted = Key("b");
        await scene.WriteAsync(deleted);
        await scene.DeleteAsync(deleted);
        await scene.CommitAsync(new RowWrite(deleted, RowChange.Touch, (await scene.LoadAsync(deleted)).Version) { TimeToLive = TimeSpan.FromDays(9) });
        scene.Equal("absent", Text(await scene.LoadAsync(deleted)), "A touch does not bring a deleted row back.");
    }

    private static async Task JournalAsync(Scene scene)
    {
        var key = Key("room");
        scene.Committed(await scene.CommitAsync(Put(key, default, life: scene.Life) with { Events = [Bytes("a"), Bytes("b")] }), "Events are appended with their row.");
        await scene.AdvanceAsync(scene.Life);
        scene.Equal(0, (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Count, "A row that has expired has no journal.");
        scene.Committed(await scene.CommitAsync(Put(key, (await scene.LoadAsync(key)).Version) with { Events = [Bytes("c")] }), "An expired key is written again.");
        scene.SameOrder(["1 c"], (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Select(e => $"{e.Sequence} {Text(e.Body)}"), "The new journal has none of the old events.");
    }

    private static async Task ListAsync(Scene scene)
    {
        await scene.WriteAsync(Key("g", "brief"), life: scene.Life);
        await scene.WriteAsync(Key("g", "long"), life: TimeSpan.FromDays(2));
        await scene.WriteAsync(Key("g", "for-ever"));
        scene.Equal(3, (await scene.Store.ListAsync(Group.Keyed("g"), 10, default)).Count, "All that lives is listed.");
        await scene.AdvanceAsync(scene.Life);
        scene.SameOrder(["for-ever", "long"], (await scene.Store.ListAsync(Group.Keyed("g"), 10, default)).Select(k => k.Name), "What has expired is not listed.");
        scene.SameOrder(["for-ever", "long"], (await scene.Store.ListAsync(Group.Keyed("g"), 2, default)).Select(k => k.Name), "What has expired does not count against the limit.");
    }

    private static async Task EffectsAsync(Scene scene)
    {
        var (g, h) = (Group.Keyed("g"), Group.Keyed("h"));
        await scene.Store.CommitAsync(new Commit(g, TurnId.New()) { Effects = [new("later", "mail", Bytes("1"), scene.Life * 2), new("soon", "call", Bytes("2"), scene.Life)] }, default);
        await scene.Store.CommitAsync(new Commit(h, TurnId.New()) { Effects = [new("now", "call", Bytes("3"), TimeSpan.Zero)] }, default);
        scene.SameOrder(["k:h now"], (await scene.Store.FindDueAsync(10, default)).Select(e => $"{e.Group} {e.Id}"), "What is not due yet is not found.");
        await scene.AdvanceAsync(scene.Life);
        scene.SameOrder(["now", "soon"], (await scene.Store.FindDueAsync(10, default)).Select(e => e.Id), "An effect becomes due when its time has come.");
        await scene.AdvanceAsync(scene.Life);
        scene.SameOrder(["now", "soon", "later"], (await scene.Store.FindDueAsync(10, default)).Select(e => e.Id), "Effects are found oldest first.");
        scene.SameOrder(["now", "soon"], (await scene.Store.FindDueAsync(2, default)).Select(e => e.Id), "A limit leaves out the newest.");
    }

    private static async Task TombstoneAsync(Scene scene)
    {
        var key = Key("a");
        await scene.WriteAsync(key);
        await scene.DeleteAsync(key);
        await KeptForItsHourAsync(scene, key, 2);
    }

    private static async Task ExpiredTombstoneAsync(Scene scene)
    {
        var key = Key("a");
        scene.Committed(await scene.CommitAsync(Put(key, default, life: scene.Life) with { Events = [Bytes("e")] }), "A row is written with an end.");
        await scene.AdvanceAsync(scene.Life);
        await KeptForItsHourAsync(scene, key, 1);
        scene.Committed(await scene.CommitAsync(Put(key, default)), "A key that was forgotten is new.");
        scene.Equal(0, (await scene.Store.ReadJournalAsync(key, 0, 10, default)).Count, "The events went with the row.");
    }

    private static async Task KeptForItsHourAsync(Scene scene, StateKey key, long counter)
    {
        await scene.AdvanceAsync(RowWrite.TombstoneLife - scene.Tick);
        await scene.CleanUpAsync();
        scene.Equal(counter, (await scene.LoadAsync(key)).Version.Counter, "The version of what is gone is remembered for an hour, through every clean-up.");
        await scene.AdvanceAsync(scene.Tick);
        await scene.CleanUpAsync();
        scene.True((await scene.LoadAsync(key)).Version.IsNone, "After its hour a clean-up forgets it.", "0", (await scene.LoadAsync(key)).Version);
    }

    private static async Task DeletedEarlyAsync(Scene scene)
    {
        var key = Key("a");
        await scene.WriteAsync(key, life: TimeSpan.FromDays(30));
        await scene.DeleteAsync(key);
        await KeptForItsHourAsync(scene, key, 2);
        await scene.WriteAsync(key, life: TimeSpan.FromDays(30));
        await scene.WriteAsync(key, life: scene.Life);
        await scene.AdvanceAsync(scene.Life);
        await KeptForItsHourAsync(scene, key, 2);
    }

    private static async Task ProlongedAsync(Scene scene)
    {
        var key = Key("a");
        var written = await scene.WriteAsync(key, life: scene.Life);
        await scene.CommitAsync(new RowWrite(key, RowChange.Touch, written) { TimeToLive = TimeSpan.FromHours(5) });
        await scene.AdvanceAsync(TimeSpan.FromHours(2));
        await scene.CleanUpAsync();
        scene.Equal("x", Text(await scene.LoadAsync(key)), "A prolonged row outlives a clean-up.");
        await scene.AdvanceAsync(TimeSpan.FromHours(5));
        await scene.CleanUpAsync();
        scene.True((await scene.LoadAsync(key)).Version.IsNone, "A prolonged row is cleaned up an hour after its new end.", "0", (await scene.LoadAsync(key)).Version);
    }

    private static async Task EndlessAsync(Scene scene)
    {
        var key = Key("a");
        await scene.WriteAsync(key, life: scene.Life);
        await scene.WriteAsync(key);
        await scene.AdvanceAsync(TimeSpan.FromDays(40));
        await scene.CleanUpAsync();
        scene.Equal(("x", (TimeSpan?)null), (Text(await scene.LoadAsync(key)), (await scene.LoadAsync(key)).Remaining), "A row that was put without an end stays, whatever end it had before.");
        await scene.WriteAsync(key, life: scene.Life);
        await scene.AdvanceAsync(TimeSpan.FromHours(2));
        await scene.CleanUpAsync();
        scene.True((await scene.LoadAsync(key)).Version.IsNone, "With an end again it is cleaned up again.", "0", (await scene.LoadAsync(key)).Version);
    }

    private static async Task LimitAsync(Scene scene)
    {
        StateKey[] keys = [.. Enumerable.Range(0, 25).Select(i => Key($"k{i}"))];
        foreach (var key in keys)
            await scene.Store.CommitAsync(CommitOf(Put(key, default, life: scene.Life)) with { Receipt = new ReceiptWrite(new(7, 7), ReceiptStatus.Recorded, default, Bytes("r"), scene.Life) }, default);
        await scene.AdvanceAsync(TimeSpan.FromHours(2));
        var total = 0;
        for (var removed = 10; removed == 10; total += removed)
        {
            removed = await scene.Store.CleanUpAsync(10, default);
            scene.True(removed is >= 0 and <= 10, "A clean-up removes no more than its limit.", "0 to 10", removed);
            var left = (await scene.Store.LoadAsync(new LoadRequest(keys), default)).Rows.Count(r => !r.Version.IsNone);
            if (removed < 10) scene.Equal(0, left, "A clean-up that removes less than its limit leaves nothing to remove.");
        }
        scene.True(total <= 50, "A clean-up counts what it removes.", "at most 25 rows and 25 receipts", total);
        scene.Equal(0, await scene.Store.CleanUpAsync(10, default), "A clean-up that has nothing to do says so.");
        scene.Equal(0, await scene.Store.CleanUpAsync(0, default), "A limit of 0 removes nothing.");
    }

    private static async Task OnlyTheDeadAsync(Scene scene)
    {
        await scene.WriteAsync(Key("stays"), "1");
        await scene.WriteAsync(Key("long"), "2", TimeSpan.FromDays(400));
        await scene.WriteAsync(Key("brief"), "3", scene.Life);
        var kept = new ReceiptKey(Group.Keyed("stays"), new(1, 1));
        await scene.Store.CommitAsync(new Commit(kept.Group, TurnId.New())
        {
            Receipt = new ReceiptWrite(kept.Id, ReceiptStatus.Recorded, default, Bytes("r"), TimeSpan.FromDays(400)),
            Effects = [new EffectWrite("e", "mail", Bytes("e"), TimeSpan.Zero)],
            Fence = new Fence(kept.Group.Shard, 5),
        }, default);
        await scene.AdvanceAsync(TimeSpan.FromDays(2));
        await scene.CleanUpAsync();
        var loaded = await scene.Store.LoadAsync(new LoadRequest([Key("stays"), Key("long"), Key("brief")], kept), default);
        scene.SameOrder(["1", "2", "absent"], loaded.Rows.Select(Text), "A clean-up leaves what lives.");
        scene.Equal("r", Text(loaded.Receipt?.Body ?? default), "A clean-up leaves a receipt whose time has not come.");
        scene.Equal(1, (await scene.Store.FindDueAsync(10, default)).Count, "A clean-up leaves effects, however old.");
        scene.Is<CommitResult.Fenced>(await scene.Store.CommitAsync(new Commit(kept.Group, TurnId.New()) { Fence = new Fence(kept.Group.Shard, 4) }, default), "A clean-up leaves epochs, however old.");
    }

    private static async Task AheadAsync(Scene scene)
    {
        var (stays, ends, shard) = (Key("stays"), Key("ends"), Key("stays").Group.Shard);
        var kept = await scene.WriteAsync(stays, "kept");
        var ended = await scene.WriteAsync(ends, "ended", scene.Life);
        await scene.Store.CommitAsync(new Commit(stays.Group, TurnId.New()) { Fence = new Fence(shard, 5) }, default);
        foreach (var hours in new[] { 5, 5, 24 })
        {
            await scene.AdvanceAsync(TimeSpan.FromHours(hours));
            var row = await scene.LoadAsync(stays);
            scene.Equal((kept, "kept", (TimeSpan?)null), (row.Version, Text(row), row.Remaining), "A jump ahead loses nothing without an end.");
            scene.Is<CommitResult.Fenced>(await scene.Store.CommitAsync(CommitOf(Put(stays, kept)) with { Fence = new Fence(shard, 4) }, default), "A jump ahead forgets no epoch.");
        }
        var gone = await scene.LoadAsync(ends);
        scene.True(!gone.Exists && (gone.Version == ended || gone.Version.IsNone), "What expired in a jump is absent, at its version or forgotten.", ended, gone.Version);
        await scene.WriteAsync(ends, "again");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(ends, ended)), "A version from before a jump does not come again.");
    }

    private static async Task BackAsync(Scene scene)
    {
        var (deleted, over, stays) = (Key("deleted"), Key("over"), Key("stays"));
        var before = await scene.WriteAsync(deleted, "before", TimeSpan.FromDays(9));
        var first = await scene.WriteAsync(over, "first", scene.Life);
        await scene.WriteAsync(stays, "kept", TimeSpan.FromDays(9));
        await scene.Store.CommitAsync(new Commit(stays.Group, TurnId.New()) { Fence = new Fence(stays.Group.Shard, 5) }, default);
        await scene.AdvanceAsync(TimeSpan.FromHours(5));
        await scene.DeleteAsync(deleted);
        var tombstone = (await scene.LoadAsync(deleted)).Version;
        await scene.WriteAsync(over, "second");

        await scene.AdvanceAsync(TimeSpan.FromHours(-5));
        await scene.CleanUpAsync();
        var gone = await scene.LoadAsync(deleted);
        scene.Equal((false, tombstone), (gone.Exists, gone.Version), "A jump back does not bring a deleted row back, nor forget it early.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(deleted, before)), "A version from before a delete does not come again.");
        scene.Equal("second", Text(await scene.LoadAsync(over)), "A jump back does not bring back what was written over.");
        scene.Is<CommitResult.Conflict>(await scene.CommitAsync(Put(over, first)), "A version from before a jump does not come again.");
        scene.Equal("kept", Text(await scene.LoadAsync(stays)), "A jump back loses nothing that lives.");
        scene.Is<CommitResult.Fenced>(await scene.Store.CommitAsync(new Commit(stays.Group, TurnId.New()) { Fence = new Fence(stays.Group.Shard, 4) }, default), "A jump back forgets no epoch.");
    }

    private static async Task AfterBackAsync(Scene scene)
    {
        await scene.AdvanceAsync(TimeSpan.FromHours(5));
        await scene.WriteAsync(Key("early"), life: scene.Life);
        await scene.AdvanceAsync(TimeSpan.FromHours(-5));
        var key = Key("late");
        await scene.WriteAsync(key, life: scene.Life);
        scene.Remaining(scene.Life, (await scene.LoadAsync(key)).Remaining, "A time to live begins at the commit, by the clock as it is then.");
        await scene.AdvanceAsync(scene.Life);
        scene.Equal("absent", Text(await scene.LoadAsync(key)), "It expires by the clock as it is then.");
        await scene.AdvanceAsync(TimeSpan.FromHours(7));
        await scene.CleanUpAsync();
        foreach (var each in new[] { key, Key("early") })
            scene.True((await scene.LoadAsync(each)).Version.IsNone, "Everything that has expired is cleaned up in the end.", "0", (await scene.LoadAsync(each)).Version);
    }
}
