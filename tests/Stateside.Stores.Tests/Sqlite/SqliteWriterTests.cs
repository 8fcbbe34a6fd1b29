using System.Text;
using Stateside.Sqlite;
using Stateside.Sqlite.Native;
using Stateside.Stores.Tests.Child;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>How the writer treats those who wait, the log, and the file.</summary>
public sealed class SqliteWriterTests : IAsyncLifetime, IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SqliteStore _store;

    public SqliteWriterTests() => _store = (SqliteStore)TempDirectory.Store(_directory.File());

    public async Task InitializeAsync() => await _store.OpenAsync(default);

    public async Task DisposeAsync() => await _store.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    private static StateKey Key(int number) => new(Group.Keyed($"g{number}"), "cart");

    private static Commit Put(int number, int bytes = 10, StateVersion expected = default) =>
        new(Key(number).Group, TurnId.New()) { Rows = [new RowWrite(Key(number), RowChange.Put, expected) { Body = new byte[bytes] }] };

    private SqliteConnection Raw()
    {
        var connection = new SqliteConnection(_directory.File(), Sqlite3.OpenReadWrite);
        connection.RefuseToWait();
        return connection;
    }

    private async Task<Row> LoadAsync(int number) => (await _store.LoadAsync(new LoadRequest([Key(number)]), default)).Rows[0];

    [Fact]
    public async Task A_commit_that_cannot_be_written_fails_alone()
    {
        // Its event has a number that the journal already holds, which shows only after its row has been written.
        RowWrite Say(StateVersion expected) => new(Key(0), RowChange.Put, expected) { Body = "1"u8.ToArray(), Events = ["1"u8.ToArray()] };
        await _store.CommitAsync(new Commit(Key(0).Group, TurnId.New()) { Rows = [Say(default)] }, default);
        var before = await LoadAsync(0);

        // Held back by a lock, so that all of them come into one transaction.
        Task<CommitResult>[] all;
        using (var raw = Raw())
        {
            raw.Execute("BEGIN IMMEDIATE");
            all = [.. Enumerable.Range(0, 20).Select(i => _store.CommitAsync(i == 7 ? new Commit(Key(0).Group, TurnId.New()) { Rows = [Say(before.Version)] } : Put(i + 100), default).AsTask())];
            raw.Execute("ROLLBACK");
        }
        var failed = await Assert.ThrowsAsync<StoreException>(() => all[7]);
        Assert.Equal(Applied.No, failed.Applied);
        for (var i = 0; i < all.Length; i++)
            if (i != 7) Assert.Equal((CommitResult.Committed, true), (await all[i], (await LoadAsync(i + 100)).Exists));
        Assert.Equal(before.Version, (await LoadAsync(0)).Version);
        Assert.Single(await _store.ReadJournalAsync(Key(0), 0, 10, default));
    }

    [Fact]
    public async Task Commits_of_one_transaction_see_each_other()
    {
        Task<CommitResult>[] all;
        using (var raw = Raw())
        {
            raw.Execute("BEGIN IMMEDIATE");
            all = [.. Enumerable.Range(0, 10).Select(_ => _store.CommitAsync(Put(1), default).AsTask())];
            raw.Execute("ROLLBACK");
        }
        var results = await Task.WhenAll(all);
        Assert.Equal(CommitResult.Committed, results[0]);
        var winner = (await LoadAsync(1)).Version;
        Assert.All(results[1..], r => Assert.Equal(winner, Assert.IsType<CommitResult.Conflict>(r).Rows[0].Version));
    }

    [Fact]
    public async Task What_was_rolled_back_is_never_answered_even_if_its_version_comes_to_be_elsewhere()
    {
        var say = new RowWrite(Key(0), RowChange.Put, default) { Body = "1"u8.ToArray(), Events = ["1"u8.ToArray()] };
        await _store.CommitAsync(new Commit(Key(0).Group, TurnId.New()) { Rows = [say] }, default);
        // A turn that another process takes over runs under the same id, and its handler may come to another result.
        var turn = TurnId.New();
        var key = new StateKey(Key(0).Group, "other");
        Commit Write(string content, params RowWrite[] more) =>
            new(key.Group, turn) { Rows = [new RowWrite(key, RowChange.Put, default) { Body = Encoding.UTF8.GetBytes(content) }, .. more] };
        var failing = say with { Expected = (await LoadAsync(0)).Version };
        await Assert.ThrowsAsync<StoreException>(async () => await _store.CommitAsync(Write("first", failing), default));

        await using var elsewhere = TempDirectory.Store(_directory.File());
        await elsewhere.OpenAsync(default);
        Assert.Equal(CommitResult.Committed, await elsewhere.CommitAsync(Write("second"), default));
        var row = (await _store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
        Assert.Equal("second", Encoding.UTF8.GetString(row.Body.Span));
    }

    [Fact]
    public async Task What_is_over_the_bound_is_refused_at_once_and_the_rest_is_written()
    {
        var waiting = new List<Task<CommitResult>>();
        using (var raw = Raw())
        {
            raw.Execute("BEGIN IMMEDIATE");
            var refused = Assert.Throws<StoreException>(() =>
            {
                // The writer holds one batch in its hands, the queue takes as many again as its bound says.
                for (var i = 0; i <= 2 * SqliteWriter.MaxWaiting; i++) waiting.Add(_store.CommitAsync(Put(i), default).AsTask());
            });
            Assert.Equal(Applied.No, refused.Applied);
            Assert.Contains("4096", refused.Message, StringComparison.Ordinal);
            raw.Execute("ROLLBACK");
        }
        Assert.InRange(waiting.Count, SqliteWriter.MaxWaiting, 2 * SqliteWriter.MaxWaiting);
        Assert.All(await Task.WhenAll(waiting), r => Assert.Equal(CommitResult.Committed, r));
    }

    [Fact]
    public async Task Bytes_that_wait_are_bounded_but_one_large_commit_is_always_taken()
    {
        var waiting = new List<Task<CommitResult>>();
        using (var raw = Raw())
        {
            raw.Execute("BEGIN IMMEDIATE");
            Assert.Throws<StoreException>(() =>
            {
                for (var i = 0; i < 20; i++) waiting.Add(_store.CommitAsync(Put(i, (int)SqliteWriter.MaxWaitingBytes / 4), default).AsTask());
            });
            raw.Execute("ROLLBACK");
        }
        Assert.All(await Task.WhenAll(waiting), r => Assert.Equal(CommitResult.Committed, r));
        var part = Put(100, (int)SqliteWriter.MaxWaitingBytes / 5 + 1);
        var large = part with { Rows = [.. Enumerable.Range(0, 5).Select(i => part.Rows[0] with { Key = part.Rows[0].Key with { Item = $"{i}" } })] };
        Assert.Equal(CommitResult.Committed, await _store.CommitAsync(large, default));
    }

    [Fact]
    public async Task Who_cannot_get_the_lock_is_told_after_ten_seconds_that_nothing_was_written()
    {
        using (var raw = Raw())
        {
            raw.Execute("BEGIN IMMEDIATE");
            var all = Enumerable.Range(0, 600).Select(i => _store.CommitAsync(Put(i), default).AsTask()).ToArray();
            foreach (var task in all)
            {
                var refused = await Assert.ThrowsAsync<StoreException>(() => task);
                Assert.Equal(Applied.No, refused.Applied);
                Assert.Contains("locked for 10 seconds", refused.Message, StringComparison.Ordinal);
            }
            raw.Execute("ROLLBACK");
        }
        Assert.Equal(CommitResult.Committed, await _store.CommitAsync(Put(1), default));
    }

    [Fact]
    public async Task Two_stores_on_one_file_see_each_others_commits_at_once_and_count_exactly()
    {
        await using var second = TempDirectory.Store(_directory.File());
        await second.OpenAsync(default);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            for (var n = 0; n < 20; n++) await Writers.IncrementAsync(i % 2 == 0 ? _store : second, Key(1));
        })));
        foreach (var store in new[] { _store, second })
            Assert.Equal("320", Encoding.UTF8.GetString((await store.LoadAsync(new LoadRequest([Key(1)]), default)).Rows[0].Body.Span));
    }

    [Fact]
    public async Task A_row_read_before_is_answered_from_memory_only_while_it_is_the_current_one()
    {
        await using var second = TempDirectory.Store(_directory.File());
        await second.OpenAsync(default);
        var version = default(StateVersion);
        for (var n = 0; n < 20; n++)
        {
            var put = new RowWrite(Key(1), RowChange.Put, version) { Schema = n + 1, Body = Encoding.UTF8.GetBytes($"{n}"), TimeToLive = TimeSpan.FromHours(n + 1) };
            Assert.Equal(CommitResult.Committed, await (n % 3 == 0 ? _store : second).CommitAsync(new Commit(Key(1).Group, TurnId.New()) { Rows = [put] }, default));
            foreach (var store in new[] { _store, second, _store })
            {
                var row = (await store.LoadAsync(new LoadRequest([Key(1)]), default)).Rows[0];
                Assert.Equal((n + 1, n + 1, $"{n}"), (row.Version.Counter, row.Schema, Encoding.UTF8.GetString(row.Body.Span)));
                Assert.InRange(row.Remaining!.Value, TimeSpan.FromHours(n + 0.9), TimeSpan.FromHours(n + 1));
                version = row.Version;
            }
        }
    }

    [Fact]
    public async Task An_idle_store_holds_no_transaction()
    {
        for (var i = 0; i < 50; i++) await _store.CommitAsync(Put(i), default);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () => await _store.LoadAsync(new LoadRequest([Key(i), Key(i + 1)], new ReceiptKey(Key(i).Group, default)), default))));
        await _store.ListAsync(Key(1).Group, 10, default);
        await _store.ReadJournalAsync(Key(1), 0, 10, default);
        await _store.FindDueAsync(10, default);
        await _store.CleanUpAsync(10, default);

        using var raw = Raw();
        Assert.Equal(0, raw.Number("PRAGMA wal_checkpoint(TRUNCATE)"));
        Assert.Equal(0, new FileInfo(_directory.File() + "-wal").Length);
    }

    [Fact]
    public async Task The_log_does_not_grow_without_bound()
    {
        var versions = new StateVersion[50];
        for (var round = 0; round < 100; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, versions.Length).Select(async i =>
            {
                var commit = Put(i, 3500, versions[i]);
                Assert.Equal(CommitResult.Committed, await _store.CommitAsync(commit, default));
                versions[i] = versions[i].Next(commit.Turn);
            }));
        }
        // 100 rounds wrote well over 5,000 pages; the log is begun anew once 1,000 are in it.
        Assert.InRange(new FileInfo(_directory.File() + "-wal").Length, 1, 2500 * 4096);
    }

    [Fact]
    public async Task Closing_finishes_what_is_queued_and_tidies_the_log_away()
    {
        var all = Enumerable.Range(0, 500).Select(i => _store.CommitAsync(Put(i), default).AsTask()).ToArray();
        await _store.DisposeAsync();
        Assert.All(await Task.WhenAll(all), r => Assert.Equal(CommitResult.Committed, r));
        Assert.Equal([_directory.File()], Directory.GetFiles(_directory.Root));

        Assert.Throws<StoreException>(() => { _ = _store.CommitAsync(Put(1), default).AsTask(); });
        await Assert.ThrowsAsync<StoreException>(async () => await _store.LoadAsync(new LoadRequest([Key(1)]), default));
        await _store.DisposeAsync();

        await using var again = TempDirectory.Store(_directory.File());
        await again.OpenAsync(default);
        Assert.All((await again.LoadAsync(new LoadRequest([.. Enumerable.Range(0, 500).Select(Key)]), default)).Rows, r => Assert.True(r.Exists));
    }

    [Fact]
    public async Task A_body_is_plain_json_for_the_tools_of_sqlite()
    {
        var put = new RowWrite(Key(1), RowChange.Put, default) { Body = """{"lines":[{"product":"tea"}]}"""u8.ToArray() };
        await _store.CommitAsync(new Commit(Key(1).Group, TurnId.New()) { Rows = [put] }, default);
        using var raw = Raw();
        Assert.Equal("tea", raw.Text("SELECT json_extract(body, '$.lines[0].product') FROM rows WHERE grp = 'k:g1' AND name = 'cart'"));
    }

    [Theory]
    [InlineData("SELECT id, ends FROM rows WHERE sweep <= 1 ORDER BY sweep LIMIT 1", "rows_sweep")]
    [InlineData("SELECT rowid FROM receipts WHERE ends <= 1 ORDER BY ends LIMIT 1", "receipts_ends")]
    [InlineData("SELECT grp, id FROM effects WHERE due <= 1 ORDER BY due, grp, id LIMIT 1", "effects_due")]
    [InlineData("SELECT name, item FROM rows WHERE grp = 'g' AND body IS NOT NULL ORDER BY name, item LIMIT 1", "sqlite_autoindex_rows_1")]
    public void What_runs_often_is_found_by_an_index_and_in_its_order(string statement, string index)
    {
        using var raw = Raw();
        using var plan = raw.Prepare("EXPLAIN QUERY PLAN " + statement);
        Assert.True(plan.Step());
        Assert.Contains(index, plan.Text(3), StringComparison.Ordinal);
        Assert.False(plan.Step());
    }
}
