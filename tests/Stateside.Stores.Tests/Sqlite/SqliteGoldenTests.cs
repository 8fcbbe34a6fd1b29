using System.Text;
using Stateside.Testing;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>A file that the first version of the schema wrote. It is never written anew: a change that cannot read it fails here.</summary>
public sealed class SqliteGoldenTests
{
    private static readonly Group s_group = Group.Keyed("golden 🦊");
    private static readonly ReceiptId s_receipt = new(0x0102030405060708, 0x090A0B0C0D0E0F10);
    private static readonly TurnId s_turn = new(0x1112131415161718);

    [Fact]
    public async Task A_file_of_schema_1_opens_and_holds_what_was_written()
    {
        using var directory = new TempDirectory();
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", "schema-1.sqlite"), directory.File());
        var time = new ManualClock();
        await using var store = TempDirectory.Store(directory.File(), time);
        await store.OpenAsync(default);
        await CheckAsync(store);

        // And it is alive: what was counted goes on, what has ended is swept.
        var cart = (await store.LoadAsync(new LoadRequest([Key("cart")]), default)).Rows[0];
        var put = new RowWrite(Key("cart"), RowChange.Put, cart.Version) { Body = "2"u8.ToArray() };
        Assert.Equal(CommitResult.Committed, await store.CommitAsync(new Commit(s_group, s_turn) { Rows = [put] }, default));
        time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(3, await store.CleanUpAsync(10, default));
    }

    /// <summary>Writes such a file: how the golden one was made, and proof that it is what this code still writes.</summary>
    [Fact]
    public async Task What_is_written_now_reads_the_same()
    {
        using var directory = new TempDirectory();
        await using var store = TempDirectory.Store(directory.File(), new ManualClock());
        await store.OpenAsync(default);
        await store.CommitAsync(new Commit(s_group, s_turn)
        {
            Rows =
            [
                new RowWrite(Key("cart"), RowChange.Put, default) { Schema = 3, Body = """{"lines":[]}"""u8.ToArray(), Events = ["1"u8.ToArray(), "\"zwei\""u8.ToArray()] },
                new RowWrite(Key("brief"), RowChange.Put, default) { Body = new byte[] { 0, 255, 1 }, TimeToLive = TimeSpan.FromHours(1) },
                new RowWrite(Key("gone"), RowChange.Delete, default),
            ],
            Receipt = new ReceiptWrite(s_receipt, ReceiptStatus.Claimed, new ReceiptId(5, 6), new byte[] { 1, 200 }, TimeSpan.FromDays(1)) { Claim = new TurnId(42), Lease = TimeSpan.FromSeconds(30) },
            Effects = [new EffectWrite("e1", "mail", "{}"u8.ToArray(), TimeSpan.Zero)],
            Fence = new Fence(s_group.Shard, 12),
        }, default);
        await CheckAsync(store);
    }

    private static async Task CheckAsync(IStore store)
    {
        var loaded = await store.LoadAsync(new LoadRequest([Key("cart"), Key("brief"), Key("gone")], new ReceiptKey(s_group, s_receipt)), default);
        Assert.Equal(["cart 1 True 3 2 ", "brief 1 True 1 0 01:00:00", "gone 1 False 0 0 "],
            loaded.Rows.Select(r => $"{r.Key.Name} {r.Version.Counter} {r.Exists} {r.Schema} {r.Sequence} {r.Remaining}"));
        Assert.All(loaded.Rows, r => Assert.Equal(s_turn, r.Version.Turn));
        Assert.Equal("""{"lines":[]}""", Encoding.UTF8.GetString(loaded.Rows[0].Body.Span));
        Assert.Equal([0, 255, 1], loaded.Rows[1].Body.ToArray());
        Assert.Equal((ReceiptStatus.Claimed, new ReceiptId(5, 6), new TurnId(42), TimeSpan.FromSeconds(30)),
            (loaded.Receipt!.Status, loaded.Receipt.Fingerprint, loaded.Receipt.Claim, loaded.Receipt.LeaseRemaining));
        Assert.Equal(["1 3 1", "2 3 \"zwei\""], (await store.ReadJournalAsync(Key("cart"), 0, 10, default)).Select(e => $"{e.Sequence} {e.Schema} {Encoding.UTF8.GetString(e.Body.Span)}"));
        var due = Assert.Single(await store.FindDueAsync(10, default));
        Assert.Equal((s_group, "e1", "mail", "{}"), (due.Group, due.Id, due.Name, Encoding.UTF8.GetString(due.Body.Span)));
        Assert.Equal(12, Assert.IsType<CommitResult.Fenced>(await store.CommitAsync(new Commit(s_group, s_turn) { Fence = new Fence(s_group.Shard, 1) }, default)).Epoch);
    }

    private static StateKey Key(string name) => new(s_group, name);
}
