using Stateside.Sqlite;
using Stateside.Stores.Tests.Sqlite;

namespace Stateside.Stores.Tests.Child;

/// <summary>A store whose disk becomes full, and later has space again. Runs in a process of its own where the disk is a mount of its own.</summary>
internal static class FullDisk
{
    public static async Task RunAsync(string file, Action<SqliteStore> makeTight, Action<SqliteStore> makeRoom)
    {
        var written = new List<(StateKey Key, byte Content)>();
        await using (var store = (SqliteStore)TempDirectory.Store(file))
        {
            await store.OpenAsync(default);
            makeTight(store);
            StoreException? full = null;
            while (full is null) full = await WriteUntilFailureAsync(store, written, 1000);
            Assert.Equal(Applied.No, full.Applied);
            Assert.Contains("is full", full.Message, StringComparison.Ordinal);
            Assert.NotEmpty(written);
            await CheckAsync(store, written);

            // Still full, and still nothing that was acknowledged is lost.
            Assert.NotNull(await WriteUntilFailureAsync(store, written, 1000));
            await CheckAsync(store, written);

            makeRoom(store);
            Assert.Null(await WriteUntilFailureAsync(store, written, 5));
            await CheckAsync(store, written);
        }
        await using var again = TempDirectory.Store(file);
        await again.OpenAsync(default);
        await CheckAsync(again, written);
        Assert.Equal("ok", ((SqliteStore)again).Writing!.Text("PRAGMA integrity_check"));
    }

    private static async Task<StoreException?> WriteUntilFailureAsync(IStore store, List<(StateKey Key, byte Content)> written, int most)
    {
        for (var i = 0; i < most; i++)
        {
            var (key, content) = (new StateKey(Group.Keyed($"{written.Count}"), "cart"), (byte)('a' + written.Count % 26));
            try
            {
                var put = new RowWrite(key, RowChange.Put, default) { Body = Enumerable.Repeat(content, 20_000).ToArray() };
                Assert.Equal(CommitResult.Committed, await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [put] }, default));
                written.Add((key, content));
            }
            catch (StoreException e)
            {
                return e;
            }
        }
        return null;
    }

    private static async Task CheckAsync(IStore store, List<(StateKey Key, byte Content)> written)
    {
        foreach (var (key, content) in written)
        {
            var row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
            Assert.Equal(Enumerable.Repeat(content, 20_000), row.Body.ToArray());
        }
        var next = new StateKey(Group.Keyed($"{written.Count}"), "cart");
        Assert.False((await store.LoadAsync(new LoadRequest([next]), default)).Rows[0].Exists);
    }
}
