using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Stateside.Stores.Tests;

public abstract partial class StoreSuite
{
    [Fact]
    public async Task What_was_put_is_loaded_with_its_version_and_shape()
    {
        var key = Key("a", item: "AAAAAAAAAAAAAAAAAAAAAA");
        var turn = TurnId.New();
        var put = Put(key, StateVersion.None, "hello") with { Schema = 7 };
        Assert.Equal(CommitResult.Committed, await Store.CommitAsync(new Commit(key.Group, turn) { Rows = [put] }, default));

        var row = await LoadAsync(key);
        Assert.True(row.Exists);
        Assert.Equal(new StateVersion(1, turn), row.Version);
        Assert.Equal((key, 7, 0L, null), (row.Key, row.Schema, row.Sequence, row.Remaining));
        Assert.Equal("{\"text\":\"hello\"}", Text(row));
    }

    [Fact]
    public async Task Rows_are_answered_in_the_order_asked_for_and_absent_ones_too()
    {
        await WriteAsync(Key("b"), "b");
        await WriteAsync(Key("a"), "a");
        var rows = (await Store.LoadAsync(new LoadRequest([Key("none"), Key("b"), Key("a"), Key("b", "other")]), default)).Rows;
        Assert.Equal(["", "{\"text\":\"b\"}", "{\"text\":\"a\"}", ""], rows.Select(Text));
        Assert.True(rows[0].Version.IsNone);
        Assert.Equal(Key("none"), rows[0].Key);
    }

    [Fact]
    public async Task A_commit_on_another_version_conflicts_and_brings_every_current_row_in_its_order()
    {
        var (a, b, c) = (Key("g"), Key("g", "other"), Key("g", "third"));
        var first = await WriteAsync(a, "first");
        await WriteAsync(b, "b");
        await WriteAsync(a, "second");

        var result = await CommitAsync(Put(b, (await LoadAsync(b)).Version, "lost"), Put(a, first, "lost"), new RowWrite(c, RowChange.Touch, default));
        var conflict = Assert.IsType<CommitResult.Conflict>(result);
        Assert.Equal([b, a, c], conflict.Rows.Select(r => r.Key));
        Assert.Equal(["{\"text\":\"b\"}", "{\"text\":\"second\"}", ""], conflict.Rows.Select(Text));
        Assert.Equal("{\"text\":\"b\"}", Text(await LoadAsync(b)));
    }

    [Fact]
    public async Task The_same_count_by_another_turn_is_another_version()
    {
        var key = Key("a");
        await WriteAsync(key);
        Assert.IsType<CommitResult.Conflict>(await CommitAsync(Put(key, new StateVersion(1, TurnId.New()))));
    }

    [Fact]
    public async Task A_deleted_key_never_returns_to_a_version_it_had()
    {
        var key = Key("a");
        var written = await WriteAsync(key);
        Assert.Equal(CommitResult.Committed, await CommitAsync(new RowWrite(key, RowChange.Delete, written)));

        var gone = await LoadAsync(key);
        Assert.False(gone.Exists);
        Assert.Equal(2, gone.Version.Counter);
        Assert.IsType<CommitResult.Conflict>(await CommitAsync(Put(key, StateVersion.None)));
        Assert.Equal(CommitResult.Committed, await CommitAsync(Put(key, gone.Version)));
        Assert.Equal(3, (await LoadAsync(key)).Version.Counter);
    }

    [Fact]
    public async Task Deleting_what_was_never_there_leaves_a_tombstone()
    {
        var key = Key("a");
        Assert.Equal(CommitResult.Committed, await CommitAsync(new RowWrite(key, RowChange.Delete, StateVersion.None)));
        var gone = await LoadAsync(key);
        Assert.Equal((false, 1L), (gone.Exists, gone.Version.Counter));
    }

    [Fact]
    public async Task A_tombstone_is_kept_for_its_hour_and_then_cleaned_up()
    {
        var key = Key("a");
        await CommitAsync(new RowWrite(key, RowChange.Delete, await WriteAsync(key)));
        Time.Advance(RowWrite.TombstoneLife - TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, await Store.CleanUpAsync(100, default));
        Assert.Equal(2, (await LoadAsync(key)).Version.Counter);

        Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, await Store.CleanUpAsync(100, default));
        Assert.True((await LoadAsync(key)).Version.IsNone);
    }

    [Fact]
    public async Task A_row_past_its_time_is_absent_with_the_version_it_had()
    {
        var key = Key("a");
        var written = await WriteAsync(key, life: TimeSpan.FromSeconds(10));
        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(TimeSpan.FromSeconds(1), (await LoadAsync(key)).Remaining);

        Time.Advance(TimeSpan.FromSeconds(1));
        var gone = await LoadAsync(key);
        Assert.Equal((false, written), (gone.Exists, gone.Version));
        Assert.Equal(CommitResult.Committed, await CommitAsync(Put(key, written)));
        Assert.Equal(2, (await LoadAsync(key)).Version.Counter);
    }

    [Fact]
    public async Task A_check_with_a_time_to_live_prolongs_and_one_without_does_not()
    {
        var (a, b) = (Key("g"), Key("g", "other"));
        var written = await WriteAsync(a, life: TimeSpan.FromSeconds(10));
        Time.Advance(TimeSpan.FromSeconds(5));
        await CommitAsync(new RowWrite(a, RowChange.Check, written), Put(b, default));
        Assert.Equal(TimeSpan.FromSeconds(5), (await LoadAsync(a)).Remaining);

        await CommitAsync(new RowWrite(a, RowChange.Check, written) { TimeToLive = TimeSpan.FromSeconds(10) });
        Assert.Equal((TimeSpan.FromSeconds(10), written), ((await LoadAsync(a)).Remaining, (await LoadAsync(a)).Version));
        Assert.IsType<CommitResult.Conflict>(await CommitAsync(new RowWrite(a, RowChange.Check, default)));
    }

    [Fact]
    public async Task A_touch_prolongs_the_version_it_names_and_never_conflicts()
    {
        var key = Key("a");
        var written = await WriteAsync(key, life: TimeSpan.FromSeconds(10));
        var touch = new RowWrite(key, RowChange.Touch, written) { TimeToLive = TimeSpan.FromSeconds(60) };
        Assert.Equal(CommitResult.Committed, await CommitAsync(touch));
        Assert.Equal(TimeSpan.FromSeconds(60), (await LoadAsync(key)).Remaining);

        await WriteAsync(key, life: TimeSpan.FromSeconds(10));
        Assert.Equal(CommitResult.Committed, await CommitAsync(touch));
        Assert.Equal(TimeSpan.FromSeconds(10), (await LoadAsync(key)).Remaining);
    }

    [Fact]
    public async Task What_is_gone_cannot_be_prolonged_back_to_life()
    {
        var key = Key("a");
        var written = await WriteAsync(key, life: TimeSpan.FromSeconds(1));
        Time.Advance(TimeSpan.FromSeconds(1));
        await CommitAsync(new RowWrite(key, RowChange.Touch, written) { TimeToLive = TimeSpan.FromHours(9) });
        await CommitAsync(new RowWrite(key, RowChange.Check, written) { TimeToLive = TimeSpan.FromHours(9) });
        Assert.False((await LoadAsync(key)).Exists);
    }

    [Fact]
    public async Task A_prolonged_row_outlives_a_clean_up_and_is_found_again_when_its_time_has_come()
    {
        var key = Key("a");
        var written = await WriteAsync(key, life: TimeSpan.FromMinutes(1));
        await CommitAsync(new RowWrite(key, RowChange.Touch, written) { TimeToLive = TimeSpan.FromHours(5) });
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(0, await Store.CleanUpAsync(100, default));
        Assert.True((await LoadAsync(key)).Exists);

        Time.Advance(TimeSpan.FromHours(4));
        Assert.Equal(1, await Store.CleanUpAsync(100, default));
    }

    [Fact]
    public async Task What_was_put_anew_without_an_end_is_never_cleaned_up()
    {
        var key = Key("a");
        await WriteAsync(key, life: TimeSpan.FromMinutes(1));
        await WriteAsync(key);
        Time.Advance(TimeSpan.FromDays(1000));
        Assert.Equal(0, await Store.CleanUpAsync(100, default));
        Assert.True((await LoadAsync(key)).Exists);

        await WriteAsync(key, life: TimeSpan.FromMinutes(1));
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, await Store.CleanUpAsync(100, default));
    }

    [Fact]
    public async Task A_clean_up_removes_no_more_than_its_limit_and_says_when_nothing_is_left()
    {
        for (var i = 0; i < 25; i++) await WriteAsync(Key($"k{i}"), life: TimeSpan.FromSeconds(1));
        await WriteAsync(Key("stays"));
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(10, await Store.CleanUpAsync(10, default));
        Assert.Equal(10, await Store.CleanUpAsync(10, default));
        Assert.Equal(5, await Store.CleanUpAsync(10, default));
        Assert.True((await LoadAsync(Key("stays"))).Exists);
    }

    [Fact]
    public async Task A_group_lists_its_living_rows_by_name_and_item()
    {
        foreach (var (name, item) in new[] { ("order", "b"), ("cart", ""), ("order", "a"), ("z", "") }) await WriteAsync(Key("g", name, item));
        await WriteAsync(Key("g", "brief"), life: TimeSpan.FromSeconds(1));
        await WriteAsync(Key("g2"));
        await CommitAsync(new RowWrite(Key("g", "z"), RowChange.Delete, (await LoadAsync(Key("g", "z"))).Version));
        Time.Advance(TimeSpan.FromSeconds(1));

        var all = await Store.ListAsync(Group.Keyed("g"), 10, default);
        Assert.Equal([Key("g"), Key("g", "order", "a"), Key("g", "order", "b")], all);
        Assert.Equal(all.Take(2), await Store.ListAsync(Group.Keyed("g"), 2, default));
        Assert.Empty(await Store.ListAsync(Group.Keyed("g"), 0, default));
    }

    private static readonly string[] s_oddKeys =
    [
        "🦊🧑‍🚀", "'; DROP TABLE rows; --", "\" OR 1=1", "%_*?[a]", "é", "e\u0301", "A", "a", " a", "a ", "/../x", "{}", "\u202Eabc", "NULL", "0", "00", "\uFFFC",
        new string('x', 512), new string('y', 511), string.Concat(Enumerable.Repeat("🦊", 128)),
    ];

    [Fact]
    public async Task Each_odd_key_is_a_key_of_its_own()
    {
        foreach (var id in s_oddKeys) await WriteAsync(Key(id, item: id), id.Length + "/" + id.GetHashCode(StringComparison.Ordinal));
        foreach (var id in s_oddKeys)
        {
            Assert.Contains(id.Length + "/" + id.GetHashCode(StringComparison.Ordinal), Text(await LoadAsync(Key(id, item: id))), StringComparison.Ordinal);
            Assert.Equal([Key(id, item: id)], await Store.ListAsync(Group.Keyed(id), 10, default));
        }
    }

    [Fact]
    public void Any_bytes_are_loaded_as_they_were_put()
    {
        var key = Key("a");
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => RoundTrips(key, bytes)).QuickCheckThrowOnFailure();
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text => RoundTrips(key, Encoding.UTF8.GetBytes(text.Get))).QuickCheckThrowOnFailure();
        Assert.True(RoundTrips(key, []));
        Assert.True(RoundTrips(key, [0]));
        Assert.True(RoundTrips(key, "a\0b"u8.ToArray()));
        Assert.True(RoundTrips(key, [0xEF, 0xBB, 0xBF, (byte)'1']));
        Assert.True(RoundTrips(key, Json(new string('z', 1_000_000))));
    }

    private bool RoundTrips(StateKey key, byte[] body) => RoundTripsAsync(key, body).GetAwaiter().GetResult();

    private async Task<bool> RoundTripsAsync(StateKey key, byte[] body)
    {
        var put = new RowWrite(key, RowChange.Put, (await LoadAsync(key)).Version) { Body = body };
        Assert.Equal(CommitResult.Committed, await CommitAsync(put));
        var row = await LoadAsync(key);
        return row.Exists && row.Body.Span.SequenceEqual(body);
    }
}
