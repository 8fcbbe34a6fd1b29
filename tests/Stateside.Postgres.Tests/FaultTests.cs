using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql;
using Stateside.Servers;
using Stateside.Stores;
using Stateside.Testing;

namespace Stateside.Postgres.Tests;

/// <summary>What goes wrong with a real server, and what the store makes of it: bounded time, a line with the fix, and nothing lost.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private static readonly StateKey s_key = StateKey.From("cart", "one");
    private PostgresServer _server = null!;

    public async Task InitializeAsync() => _server = await PostgresServer.StartAsync("fsync=off", "max_connections=60");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public void Trips_that_fail_are_told_once_a_second_with_how_many_there_were()
    {
        var (clock, lines) = (new ManualClock(), new List<string>());
        var failures = new TripFailures(new ListLog(lines), clock);
        for (var i = 0; i < 3; i++) failures.Tell("57P01");
        clock.Advance(TimeSpan.FromSeconds(1));
        failures.Tell("08006");
        Assert.Equal(2, lines.Count);
        Assert.Contains("(57P01)", lines[0], StringComparison.Ordinal);
        Assert.Contains("(08006); it is connected to anew with the next. 2 more", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", Durability.Process, "fsync=off")]
    [InlineData("", Durability.Disk, "fsync=on")]
    [InlineData("", Durability.Process, "fsync=on", "synchronous_commit=off")]
    [InlineData("", Durability.Disk, "fsync=on", "synchronous_commit=local")]
    public async Task The_grade_follows_from_what_the_running_server_says(string options, Durability expected, params string[] settings)
    {
        await using var server = await PostgresServer.StartAsync(settings);
        await using var store = Create(server.Url(options: options));
        var found = await store.OpenAsync(default);
        Assert.Equal(expected, found.Durability);
        Assert.Equal((StoreReach.Network, true), (found.Reach, found.Watchable));
        Assert.Contains(found.Facts, f => f.Setting == "synchronous_commit");
    }

    [Fact]
    public async Task Twenty_that_open_at_once_make_one_schema()
    {
        var stores = Enumerable.Range(0, 20).Select(_ => Create(_server.Url(options: "?schema=many&pool=5"))).ToArray();
        // Each opening takes a few connections for a moment; the server has sixty.
        await Task.WhenAll(stores.Select(s => s.OpenAsync(default).AsTask()));
        Assert.Equal(CommitResult.Committed, await PutAsync(stores[0], default));
        Assert.True((await LoadAsync(stores[19])).Exists);
        foreach (var store in stores) await store.DisposeAsync();
        Assert.Equal("1", await _server.SqlAsync("SELECT count(*) FROM pg_namespace WHERE nspname = 'many'"));
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_alone()
    {
        await using (var store = Create(_server.Url(options: "?schema=newer"))) await store.OpenAsync(default);
        var table = await _server.SqlAsync("SELECT table_name FROM information_schema.columns WHERE table_schema = 'newer' AND column_name = 'version' AND table_name NOT IN ('rows', 'journal') LIMIT 1");
        await _server.SqlAsync($"UPDATE newer.{table} SET version = 99");
        await using var older = Create(_server.Url(options: "?schema=newer"));
        var refused = await Assert.ThrowsAsync<StoreException>(async () => await older.OpenAsync(default));
        Assert.Contains("newer", refused.Message, StringComparison.Ordinal);
        Assert.Equal("99", await _server.SqlAsync($"SELECT version FROM newer.{table}"));
    }

    [Theory]
    [InlineData("postgres://postgres@127.0.0.1:{port}/nowhere", "does not exist")]
    [InlineData("postgres://nobody:hunter2@127.0.0.1:{port}/postgres", "role")]
    [InlineData("postgres://postgres@127.0.0.1:1/postgres", "cannot be reached")]
    [InlineData("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require", "TLS")]
    public async Task What_is_wrong_at_the_start_is_told_with_the_fix_and_without_the_password(string url, string says)
    {
        await using var store = Create(url.Replace("{port}", _server.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<StoreException>(async () => await store.OpenAsync(default).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(Applied.No, refused.Applied);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory]
    [InlineData("postgres:")]
    [InlineData("postgres://127.0.0.1/db")]
    [InlineData("postgres://u:secret@host")]
    [InlineData("postgres://u:secret@host:99999/db")]
    [InlineData("postgres://u:secret@host/db?schema=Bad;drop")]
    [InlineData("postgres://u:secret@host/db?colour=red")]
    [InlineData("postgres://u:secret@host/db/more")]
    public void A_URL_that_is_none_is_refused_without_its_password(string url)
    {
        var refused = Assert.Throws<FormatException>(() => Create(url));
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_that_an_administrator_ends_are_opened_again_and_nothing_is_lost_or_doubled()
    {
        await using var store = Create(_server.Url());
        await store.OpenAsync(default);
        using var done = new CancellationTokenSource();
        var ending = EndConnectionsAsync(done.Token);
        for (var number = 1; number <= 300; number++) await CountOnAsync(store, number);
        await done.CancelAsync();
        Assert.InRange(await ending, 3, int.MaxValue);
        Assert.Equal("300", Encoding.UTF8.GetString((await LoadAsync(store)).Body.Span));
    }

    [Fact]
    public async Task One_commit_that_PostgreSQL_cannot_keep_fails_alone()
    {
        await using var store = Create(_server.Url());
        await store.OpenAsync(default);
        var group = Group.Keyed("poison");
        // An id that no index takes: the server finds out in the middle of the batch.
        var id = Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(10_000));
        var poison = new Commit(group, TurnId.New()) { Rows = [Row(new StateKey(group, "cart"), default)], Effects = [new EffectWrite(id, "mail", "{}"u8.ToArray(), TimeSpan.Zero)] };
        var others = Enumerable.Range(0, 50).Select(i => StateKey.From("cart", $"other {i}")).ToArray();
        var commits = others.Select(key => PutAsync(store, default, key)).ToList();
        var failing = store.CommitAsync(poison, default).AsTask();
        commits.AddRange(Enumerable.Range(50, 50).Select(i => PutAsync(store, default, StateKey.From("cart", $"other {i}"))));
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<StoreException>(() => failing)).Applied);
        Assert.All(await Task.WhenAll(commits), result => Assert.Equal(CommitResult.Committed, result));
        Assert.False((await LoadAsync(store, new StateKey(group, "cart"))).Exists);
    }

    [Fact]
    public async Task A_synchronous_standby_that_is_promoted_has_every_commit_that_was_acknowledged()
    {
        await using var primary = await PostgresServer.StartAsync("synchronous_standby_names=second", "wal_level=replica", "max_wal_senders=5");
        await using var standby = await primary.StartStandbyAsync("second");
        var url = string.Create(CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{primary.Port},127.0.0.1:{standby.Port}/postgres?connect_timeout=2&command_timeout=3");
        await using var store = Create(url);
        Assert.Equal(Durability.Replicated, (await store.OpenAsync(default)).Durability);
        for (var number = 1; number <= 100; number++) await CountOnAsync(store, number);
        await primary.KillAsync();
        await standby.PromoteAsync();
        for (var number = 101; number <= 150; number++) await CountOnAsync(store, number);
        Assert.Equal("150", Encoding.UTF8.GetString((await LoadAsync(store)).Body.Span));
    }

    [Fact]
    public async Task A_standby_is_refused_at_start()
    {
        await using var primary = await PostgresServer.StartAsync("wal_level=replica", "max_wal_senders=5");
        await using var standby = await primary.StartStandbyAsync("second");
        await using var store = Create(standby.Url());
        var refused = await Assert.ThrowsAsync<StoreException>(async () => await store.OpenAsync(default));
        Assert.Contains("standby", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_hangs_costs_a_bounded_time_and_is_used_again_when_it_goes_on()
    {
        await using var store = Create(_server.Url(options: "?command_timeout=2&connect_timeout=2"));
        await store.OpenAsync(default);
        await CountOnAsync(store, 1);
        await _server.PauseAsync();
        var begun = TimeProvider.System.GetTimestamp();
        var failed = await Assert.ThrowsAsync<StoreException>(async () => await LoadAsync(store));
        Assert.Equal(Applied.No, failed.Applied);
        var unknown = await Assert.ThrowsAsync<StoreException>(() => PutAsync(store, default, StateKey.From("cart", "two")));
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.NotEqual(Applied.Yes, unknown.Applied);
        await _server.ContinueAsync();
        await CountOnAsync(store, 2);
    }

    [Fact]
    public async Task A_watcher_hears_of_others_and_not_of_itself()
    {
        await using var store = Create(_server.Url());
        await using var other = Create(_server.Url());
        await store.OpenAsync(default);
        await other.OpenAsync(default);
        var heard = new Heard();
        store.Watch(heard);
        // Until it listens, and a second longer, it is told that anything may have changed.
        await Heard.UntilAsync(() => heard.Any >= 2);
        await PutAsync(store, default, StateKey.From("cart", "mine"));
        await PutAsync(store, default, StateKey.From("cart", "mine too"));
        await PutAsync(other, default, StateKey.From("cart", "theirs"));
        await PutAsync(other, default, StateKey.From("cart", "theirs too"));
        await Heard.UntilAsync(() => heard.Keys.Contains(StateKey.From("cart", "theirs too")) || heard.Any > 3);
        Assert.DoesNotContain(StateKey.From("cart", "mine"), heard.Keys);
        Assert.DoesNotContain(StateKey.From("cart", "mine too"), heard.Keys);
    }

    [Fact]
    public async Task A_store_that_is_alone_in_watching_tells_nobody_of_what_it_wrote()
    {
        await using var store = Create(_server.Url());
        await using var other = Create(_server.Url());
        await store.OpenAsync(default);
        await other.OpenAsync(default);
        var heard = new Heard();
        store.Watch(heard);
        await Heard.UntilAsync(() => heard.Any >= 2);
        await using var listening = new NpgsqlConnection($"Host=127.0.0.1;Port={_server.Port};Username=postgres;Database=postgres");
        await listening.OpenAsync();
        var told = new List<string>();
        listening.Notification += (_, e) => told.Add(e.Payload);
        await using (var listen = new NpgsqlCommand("LISTEN \"stateside:stateside\"", listening)) await listen.ExecuteNonQueryAsync();
        await PutAsync(store, default, StateKey.From("cart", "mine"));
        await PutAsync(other, default, StateKey.From("cart", "theirs"));
        while (told.Count == 0) Assert.True(await listening.WaitAsync(TimeSpan.FromSeconds(10)));
        // The first that another store tells names no key, since it did not know that anybody watches.
        Assert.EndsWith("\n*", Assert.Single(told), StringComparison.Ordinal);
        await PutAsync(other, default, StateKey.From("cart", "theirs too"));
        while (told.Count == 1) Assert.True(await listening.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Contains("theirs too", told[1], StringComparison.Ordinal);
    }

    private sealed class Heard : IStoreWatcher
    {
        public System.Collections.Concurrent.ConcurrentBag<StateKey> Keys { get; } = [];

        public int Any => Volatile.Read(ref _any);

        private int _any;

        public void Changed(StateKey key) => Keys.Add(key);

        public void AnyChanged() => Interlocked.Increment(ref _any);

        public static async Task UntilAsync(Func<bool> isSo)
        {
            for (var tries = 0; !isSo(); tries++)
            {
                Assert.True(tries < 400, "Nothing was heard.");
                await Task.Delay(25);
            }
        }
    }

    private static IStore Create(string url) => new PostgresStoreProvider().Create(url, TimeProvider.System);

    private static RowWrite Row(StateKey key, StateVersion expected, string body = "1") => new(key, RowChange.Put, expected) { Body = Encoding.UTF8.GetBytes(body) };

    private static Task<CommitResult> PutAsync(IStore store, StateVersion expected, StateKey? key = null) =>
        store.CommitAsync(new Commit((key ?? s_key).Group, TurnId.New()) { Rows = [Row(key ?? s_key, expected)] }, default).AsTask();

    private static async Task<Row> LoadAsync(IStore store, StateKey? key = null) => (await store.LoadAsync(new LoadRequest([key ?? s_key]), default)).Rows[0];

    /// <summary>Brings the number on by one, however often that takes: a lost answer is looked up, as the engine does it.</summary>
    private static async Task CountOnAsync(IStore store, int number)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                var there = await LoadAsync(store);
                var value = there.Exists ? int.Parse(there.Body.Span, CultureInfo.InvariantCulture) : 0;
                if (value == number) return;
                Assert.Equal(number - 1, value);
                var commit = new Commit(s_key.Group, TurnId.New()) { Rows = [Row(s_key, there.Version, number.ToString(CultureInfo.InvariantCulture))] };
                if (await store.CommitAsync(commit, default) == CommitResult.Committed) return;
            }
            catch (StoreException) when (tries < 200)
            {
                await Task.Delay(100);
            }
        }
    }

    private async Task<int> EndConnectionsAsync(CancellationToken done)
    {
        for (var times = 0; ; times++)
        {
            if (done.IsCancellationRequested) return times;
            await _server.SqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
            await Task.Delay(30, CancellationToken.None);
        }
    }

    private sealed class ListLog(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => lines.Add(formatter(state, exception));
    }
}
