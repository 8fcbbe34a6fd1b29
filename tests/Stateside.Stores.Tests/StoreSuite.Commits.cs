using System.Text;

namespace Stateside.Stores.Tests;

public abstract partial class StoreSuite
{
    private static readonly ReceiptId s_id = new(1, 2);
    private static readonly ReceiptId s_print = new(3, 4);

    private static ReceiptWrite Recorded(string body = "200", int minutes = 10) =>
        new(s_id, ReceiptStatus.Recorded, s_print, Encoding.UTF8.GetBytes(body), TimeSpan.FromMinutes(minutes));

    private async Task<CommitResult> CommitAsync(ReceiptWrite receipt, params RowWrite[] rows) =>
        await Store.CommitAsync(new Commit(Group.Keyed("g"), TurnId.New()) { Rows = rows, Receipt = receipt }, default);

    private async Task<ReceiptRow?> LoadReceiptAsync(string group = "g") =>
        (await Store.LoadAsync(new LoadRequest([], new ReceiptKey(Group.Keyed(group), s_id)), default)).Receipt;

    [Fact]
    public async Task A_receipt_is_recorded_with_its_row_and_answers_the_second_commit()
    {
        Assert.Equal(CommitResult.Committed, await CommitAsync(Recorded("first"), Put(Key("g"), default, "first")));
        var again = Assert.IsType<CommitResult.AlreadyRecorded>(await CommitAsync(Recorded("second"), Put(Key("g"), default, "second")));
        Assert.Equal("first", Encoding.UTF8.GetString(again.Receipt!.Body.Span));
        Assert.Equal((s_id, ReceiptStatus.Recorded, s_print, default), (again.Receipt.Id, again.Receipt.Status, again.Receipt.Fingerprint, again.Receipt.Claim));
        Assert.Equal("{\"text\":\"first\"}", Text(await LoadAsync(Key("g"))));
        Assert.Null(await LoadReceiptAsync("another"));
    }

    [Fact]
    public async Task One_load_brings_rows_and_receipt()
    {
        await CommitAsync(Recorded("r"), Put(Key("g"), default, "row"));
        var loaded = await Store.LoadAsync(new LoadRequest([Key("g"), Key("none")], new ReceiptKey(Group.Keyed("g"), s_id)), default);
        Assert.Equal(["{\"text\":\"row\"}", ""], loaded.Rows.Select(Text));
        Assert.Equal("r", Encoding.UTF8.GetString(loaded.Receipt!.Body.Span));
    }

    [Fact]
    public async Task A_receipt_past_its_time_is_not_there()
    {
        await CommitAsync(Recorded("old"));
        Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Null(await LoadReceiptAsync());
        Assert.Equal(CommitResult.Committed, await CommitAsync(Recorded("new")));
        Assert.Equal("new", Encoding.UTF8.GetString((await LoadReceiptAsync())!.Body.Span));

        Assert.Equal(0, await Store.CleanUpAsync(10, default));
        Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, await Store.CleanUpAsync(10, default));
    }

    [Fact]
    public async Task A_claim_is_settled_only_by_who_holds_it()
    {
        var claim = TurnId.New();
        var claimed = Recorded("") with { Status = ReceiptStatus.Claimed, Claim = claim, Lease = TimeSpan.FromSeconds(30) };
        Assert.Equal(CommitResult.Committed, await CommitAsync(claimed));
        Time.Advance(TimeSpan.FromSeconds(10));
        var there = await LoadReceiptAsync();
        Assert.Equal((ReceiptStatus.Claimed, claim, TimeSpan.FromSeconds(20)), (there!.Status, there.Claim, there.LeaseRemaining));

        Assert.Equal(claim, Assert.IsType<CommitResult.AlreadyRecorded>(await CommitAsync(claimed)).Receipt!.Claim);
        Assert.IsType<CommitResult.AlreadyRecorded>(await CommitAsync(Recorded() with { ExpectedClaim = TurnId.New() }));
        Assert.Equal(CommitResult.Committed, await CommitAsync(Recorded("done") with { ExpectedClaim = claim }));
        Assert.Equal(ReceiptStatus.Recorded, (await LoadReceiptAsync())!.Status);
        Assert.IsType<CommitResult.AlreadyRecorded>(await CommitAsync(Recorded("again") with { ExpectedClaim = claim }));
    }

    [Fact]
    public async Task A_lapsed_claim_may_be_taken_over_and_a_vanished_one_is_told_as_nothing()
    {
        var claim = TurnId.New();
        await CommitAsync(Recorded("", 1) with { Status = ReceiptStatus.OutcomeUnknown, Claim = claim });
        Assert.Equal(TimeSpan.Zero, (await LoadReceiptAsync())!.LeaseRemaining);
        Assert.Equal(CommitResult.Committed, await CommitAsync(Recorded("", 1) with { Status = ReceiptStatus.Claimed, ExpectedClaim = claim, Claim = TurnId.New() }));

        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(Assert.IsType<CommitResult.AlreadyRecorded>(await CommitAsync(Recorded() with { ExpectedClaim = claim })).Receipt);
    }

    [Fact]
    public async Task The_fence_is_checked_before_the_receipt_and_the_receipt_before_the_versions()
    {
        var group = Group.Keyed("g");
        await CommitAsync(Recorded(), Put(Key("g"), default));
        Commit Commit(long epoch, ReceiptWrite? receipt) =>
            new(group, TurnId.New()) { Rows = [Put(Key("g"), default)], Receipt = receipt, Fence = new Fence(group.Shard, epoch) };

        Assert.Equal(CommitResult.Committed, await Store.CommitAsync(new Commit(group, TurnId.New()) { Fence = new Fence(group.Shard, 5) }, default));
        Assert.Equal(5, Assert.IsType<CommitResult.Fenced>(await Store.CommitAsync(Commit(4, Recorded()), default)).Epoch);
        Assert.IsType<CommitResult.AlreadyRecorded>(await Store.CommitAsync(Commit(5, Recorded()), default));
        Assert.IsType<CommitResult.Conflict>(await Store.CommitAsync(Commit(5, null), default));
    }

    [Fact]
    public async Task A_commit_that_is_refused_does_not_raise_the_epoch()
    {
        var group = Group.Keyed("g");
        await WriteAsync(Key("g"));
        await Store.CommitAsync(new Commit(group, TurnId.New()) { Rows = [Put(Key("g"), default)], Fence = new Fence(group.Shard, 9) }, default);
        Assert.Equal(CommitResult.Committed, await Store.CommitAsync(new Commit(group, TurnId.New()) { Fence = new Fence(group.Shard, 1) }, default));
    }

    [Fact]
    public async Task A_commit_that_is_refused_writes_nothing_of_itself()
    {
        var group = Group.Keyed("g");
        var stale = await WriteAsync(Key("g"));
        await WriteAsync(Key("g"), "current");
        var refused = new Commit(group, TurnId.New())
        {
            Rows = [Put(Key("g", "other"), default), Put(Key("g"), stale) with { Events = [Json("e")] }],
            Receipt = Recorded(),
            Effects = [new EffectWrite("e", "mail", Json("e"), TimeSpan.Zero)],
        };
        Assert.IsType<CommitResult.Conflict>(await Store.CommitAsync(refused, default));
        Assert.Equal([Key("g")], await Store.ListAsync(group, 10, default));
        Assert.Null(await LoadReceiptAsync());
        Assert.Empty(await Store.FindDueAsync(10, default));
        Assert.Empty(await Store.ReadJournalAsync(Key("g"), 0, 10, default));
    }

    [Fact]
    public async Task Events_are_numbered_without_gaps_and_read_in_order()
    {
        var key = Key("room");
        var turns = new List<TurnId>();
        foreach (var count in new[] { 2, 0, 3 })
        {
            var row = await LoadAsync(key);
            turns.Add(TurnId.New());
            var put = Put(key, row.Version) with { Schema = 2, Sequence = row.Sequence, Events = [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)Json($"{row.Sequence + i + 1}"))] };
            Assert.Equal(CommitResult.Committed, await Store.CommitAsync(new Commit(key.Group, turns[^1]) { Rows = [put] }, default));
        }
        Assert.Equal(5, (await LoadAsync(key)).Sequence);
        var events = await Store.ReadJournalAsync(key, 0, 10, default);
        Assert.Equal([1, 2, 3, 4, 5], events.Select(e => e.Sequence));
        Assert.Equal([turns[0], turns[0], turns[2], turns[2], turns[2]], events.Select(e => e.Turn));
        Assert.All(events, e => Assert.Equal(($"{{\"text\":\"{e.Sequence}\"}}", 2), (Encoding.UTF8.GetString(e.Body.Span), e.Schema)));
        Assert.Equal([3, 4], (await Store.ReadJournalAsync(key, 2, 2, default)).Select(e => e.Sequence));
    }

    [Fact]
    public async Task A_journal_ends_with_its_row_and_the_next_begins_anew()
    {
        var key = Key("room");
        RowWrite Say(StateVersion expected, TimeSpan? life) => Put(key, expected, life: life) with { Events = [Json("said")] };
        await CommitAsync(Say(default, TimeSpan.FromSeconds(1)));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(await Store.ReadJournalAsync(key, 0, 10, default));

        await CommitAsync(Say((await LoadAsync(key)).Version, null));
        Assert.Equal([1], (await Store.ReadJournalAsync(key, 0, 10, default)).Select(e => e.Sequence));
        await CommitAsync(new RowWrite(key, RowChange.Delete, (await LoadAsync(key)).Version));
        Assert.Empty(await Store.ReadJournalAsync(key, 0, 10, default));
        await CommitAsync(Put(key, (await LoadAsync(key)).Version));
        Assert.Empty(await Store.ReadJournalAsync(key, 0, 10, default));
        Assert.Equal(0, (await LoadAsync(key)).Sequence);
    }

    [Fact]
    public async Task Effects_become_due_oldest_first_and_are_replaced_and_taken_off_by_their_id()
    {
        async Task Commit(string group, string[] done, params EffectWrite[] effects) =>
            Assert.Equal(CommitResult.Committed, await Store.CommitAsync(new Commit(Group.Keyed(group), TurnId.New()) { Effects = effects, EffectsDone = done }, default));

        await Commit("g", [], new EffectWrite("later", "mail", Json("1"), TimeSpan.FromMinutes(2)), new EffectWrite("soon", "call", Json("2"), TimeSpan.FromMinutes(1)));
        await Commit("h", [], new EffectWrite("soon", "call", Json("3"), TimeSpan.Zero));
        Assert.Equal([("k:h", "soon", "call")], (await Store.FindDueAsync(10, default)).Select(e => (e.Group.Value, e.Id, e.Name)));

        Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["h/soon", "g/soon", "g/later"], (await Store.FindDueAsync(10, default)).Select(e => $"{e.Group.Value[2..]}/{e.Id}"));
        Assert.Equal(2, (await Store.FindDueAsync(2, default)).Count);

        await Commit("h", ["soon", "never-there"]);
        await Commit("g", [], new EffectWrite("soon", "call", Json("again"), TimeSpan.FromMinutes(1)));
        Assert.Equal(["later"], (await Store.FindDueAsync(10, default)).Select(e => e.Id));
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("{\"text\":\"again\"}", Encoding.UTF8.GetString((await Store.FindDueAsync(10, default))[1].Body.Span));
    }

    [Fact]
    public async Task An_effect_that_is_done_and_set_anew_in_one_commit_is_set()
    {
        await Store.CommitAsync(new Commit(Group.Keyed("g"), TurnId.New()) { Effects = [new("e", "a", Json("1"), TimeSpan.Zero)] }, default);
        await Store.CommitAsync(new Commit(Group.Keyed("g"), TurnId.New()) { EffectsDone = ["e"], Effects = [new("e", "b", Json("2"), TimeSpan.Zero)] }, default);
        Assert.Equal("b", Assert.Single(await Store.FindDueAsync(10, default)).Name);
    }

    [Fact]
    public async Task Sixty_four_writers_count_exactly()
    {
        var key = Key("counter");
        var left = 1024;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await IncrementAsync(Store, key);
        })));
        Assert.Equal("1024", Encoding.UTF8.GetString((await LoadAsync(key)).Body.Span));
    }

    [Fact]
    public async Task A_load_sees_each_commit_whole()
    {
        var keys = Enumerable.Range(0, 4).Select(i => Key("g", $"part{i}")).ToArray();
        using var stop = new CancellationTokenSource();
        var reading = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                Assert.Single((await Store.LoadAsync(new LoadRequest(keys, new ReceiptKey(keys[0].Group, s_id)), default)).Rows.Select(Text).Distinct());
        })).ToArray();
        var versions = new StateVersion[keys.Length];
        for (var n = 0; n < 300; n++)
        {
            var turn = TurnId.New();
            await Store.CommitAsync(new Commit(keys[0].Group, turn) { Rows = [.. keys.Select((k, i) => Put(k, versions[i], $"{n}"))] }, default);
            for (var i = 0; i < versions.Length; i++) versions[i] = versions[i].Next(turn);
        }
        await stop.CancelAsync();
        await Task.WhenAll(reading);
    }

    /// <summary>Adds one to a counter, again and again until no other writer was first.</summary>
    internal static async Task IncrementAsync(IStore store, StateKey key)
    {
        var row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
        while (true)
        {
            var value = row.Exists ? int.Parse(row.Body.Span, System.Globalization.CultureInfo.InvariantCulture) : 0;
            var put = new RowWrite(key, RowChange.Put, row.Version) { Body = Encoding.UTF8.GetBytes($"{value + 1}") };
            var result = await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [put] }, default);
            if (result == CommitResult.Committed) return;
            row = Assert.IsType<CommitResult.Conflict>(result).Rows[0];
        }
    }
}
