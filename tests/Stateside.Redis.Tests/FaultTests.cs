using System.Text;
using Stateside.Stores;

namespace Stateside.Redis.Tests;

/// <summary>What goes wrong on a real server, and what is said about it.</summary>
public sealed class FaultTests
{
    private static readonly StateKey s_key = new(Group.Keyed("g"), "cart");

    private static RowWrite Put(StateVersion expected, string body = "x", TimeSpan? life = null) =>
        new(s_key, RowChange.Put, expected) { Body = Encoding.UTF8.GetBytes(body), TimeToLive = life };

    private static async Task<CommitResult> CommitAsync(IStore store, params RowWrite[] rows) =>
        await store.CommitAsync(new Commit(s_key.Group, TurnId.New()) { Rows = rows }, default);

    private static async Task<Row> LoadAsync(IStore store) => (await store.LoadAsync(new LoadRequest([s_key]), default)).Rows[0];

    private static IStore Create(TestRedis server, string query = "") => new RedisStoreProvider().Create(server.Url + query, TimeProvider.System);

    private static async Task<StoreException> OpenFailsAsync(string url)
    {
        await using var store = new RedisStoreProvider().Create(url, TimeProvider.System);
        var e = await Assert.ThrowsAsync<StoreException>(async () => await store.OpenAsync(default));
        Assert.Equal(Applied.No, e.Applied);
        return e;
    }

    [Theory]
    [InlineData("no", "always", "noeviction", Durability.None)]
    [InlineData("yes", "always", "noeviction", Durability.Disk)]
    [InlineData("yes", "everysec", "noeviction", Durability.Process)]
    [InlineData("yes", "always", "allkeys-lru", Durability.None)]
    public async Task The_grade_follows_from_what_the_running_server_says(string append, string sync, string policy, Durability expected)
    {
        await using var server = await TestRedis.StartAsync(["--appendonly", append, "--appendfsync", sync, "--maxmemory-policy", policy]);
        await using var store = Create(server);
        var capabilities = await store.OpenAsync(default);
        Assert.Equal((expected, true), (capabilities.Durability, capabilities.Watchable));
        Assert.Equal(policy != "noeviction", capabilities.Facts.Single(f => f.Setting == "maxmemory-policy").Meaning.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_user_without_CONFIG_opens_and_durability_is_unknown()
    {
        await using var server = await TestRedis.StartAsync();
        await server.CommandAsync("ACL", "SETUSER", "shop", "on", ">pw", "~ss:*", "&*", "+@read", "+@write", "+@scripting", "+@connection", "+time", "+info", "+cluster|slots");
        await using var store = new RedisStoreProvider().Create(server.Url.Replace("//", "//shop:pw@", StringComparison.Ordinal), TimeProvider.System);
        Assert.Equal(Durability.Unknown, (await store.OpenAsync(default)).Durability);
        Assert.Equal(CommitResult.Committed, await CommitAsync(store, Put(default)));
    }

    [Fact]
    public async Task Wrong_credentials_and_databases_are_told_with_the_fix_and_without_the_password()
    {
        await using var server = await TestRedis.StartAsync();
        await server.CommandAsync("ACL", "SETUSER", "reader", "on", ">pw", "~ss:*", "+@read", "+@connection");
        var wrong = await OpenFailsAsync(server.Url.Replace("//", "//reader:hunter2@", StringComparison.Ordinal));
        Assert.Contains("refuses the user name or the password", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.ToString(), StringComparison.Ordinal);
        Assert.Contains("ACL", (await OpenFailsAsync(server.Url.Replace("//", "//reader:pw@", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("database", (await OpenFailsAsync(server.Url + "/99")).Message, StringComparison.Ordinal);
        await server.CommandAsync("CONFIG", "SET", "requirepass", "secret");
        Assert.Contains("password", (await OpenFailsAsync(server.Url)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_layout_is_refused_and_left_alone()
    {
        await using var server = await TestRedis.StartAsync();
        await server.CommandAsync("SET", "ss:{0}:layout", "2");
        Assert.Contains("newer version of Stateside", (await OpenFailsAsync(server.Url)).Message, StringComparison.Ordinal);
        Assert.Equal("$1\r\n2\r\n", await server.CommandAsync("GET", "ss:{0}:layout"));
        await using var other = Create(server, "?prefix=other:");
        await other.OpenAsync(default);
    }

    [Fact]
    public async Task Out_of_memory_refuses_the_whole_commit_and_goes_on_by_itself()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await store.OpenAsync(default);
        await CommitAsync(store, Put(default));
        var row = await LoadAsync(store);
        await server.CommandAsync("CONFIG", "SET", "maxmemory", "1");
        var e = await Assert.ThrowsAsync<StoreException>(() => CommitAsync(store, Put(row.Version), new RowWrite(s_key with { Name = "other" }, RowChange.Put, default)));
        Assert.Equal(Applied.No, e.Applied);
        Assert.Contains("maxmemory", e.Message, StringComparison.Ordinal);
        Assert.Equal(row.Version, (await LoadAsync(store)).Version);
        await server.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal(CommitResult.Committed, await CommitAsync(store, Put(row.Version)));
    }

    [Fact]
    public async Task Scripts_that_were_flushed_are_sent_again()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await store.OpenAsync(default);
        await CommitAsync(store, Put(default));
        await server.CommandAsync("SCRIPT", "FLUSH");
        Assert.Equal(CommitResult.Committed, await CommitAsync(store, Put((await LoadAsync(store)).Version)));
        Assert.Empty(await store.FindDueAsync(10, default));
    }

    [Theory]
    [InlineData("r:k:g\u001Fcart\u001F")]
    [InlineData("g:k:g")]
    [InlineData("d")]
    [InlineData("j:k:g\u001Fcart\u001F")]
    public async Task A_key_of_another_type_refuses_the_whole_commit(string foreign)
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await store.OpenAsync(default);
        var tag = $"ss:{{{s_key.Group.Shard}}}:";
        await server.CommandAsync("HSET", tag + foreign, "a", "b");
        var commit = new Commit(s_key.Group, TurnId.New())
        {
            Rows = [new RowWrite(s_key with { Name = "before" }, RowChange.Put, default), Put(default) with { Events = ["e"u8.ToArray()] }],
            Effects = [new EffectWrite("e", "mail", default, TimeSpan.Zero)],
        };
        var e = await Assert.ThrowsAsync<StoreException>(async () => await store.CommitAsync(commit, default));
        Assert.Equal(Applied.No, e.Applied);
        Assert.Contains("?prefix=", e.Message, StringComparison.Ordinal);
        Assert.Equal(":0\r\n", await server.CommandAsync("EXISTS", tag + "r:k:g\u001Fbefore\u001F"));
    }

    [Fact]
    public async Task A_replica_is_refused_at_start()
    {
        await using var primary = await TestRedis.StartAsync();
        await using var replica = await TestRedis.StartAsync(["--replicaof", $"127.0.0.1 {primary.Port}"]);
        Assert.Contains("replica", (await OpenFailsAsync(replica.Url)).Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_write_that_a_promoted_replica_never_got_is_a_conflict_and_never_overwritten_unseen()
    {
        await using var primary = await TestRedis.StartAsync();
        await using var replica = await TestRedis.StartAsync(["--replicaof", $"127.0.0.1 {primary.Port}"]);
        await using var before = Create(primary);
        await before.OpenAsync(default);
        await CommitAsync(before, Put(default, "first"));
        var first = await LoadAsync(before);
        // Answered with the number of replicas that have it.
        Assert.Equal(":1\r\n", await primary.CommandAsync("WAIT", "1", "9000"));

        // The old primary takes one more write, as it does until it hears that it has been replaced.
        await replica.CommandAsync("REPLICAOF", "NO", "ONE");
        await CommitAsync(before, Put(first.Version, "never replicated"));
        var lost = await LoadAsync(before);
        await primary.KillAsync();

        await using var after = Create(replica);
        await after.OpenAsync(default);
        var conflict = Assert.IsType<CommitResult.Conflict>(await CommitAsync(after, Put(lost.Version, "on what was lost")));
        Assert.Equal((first.Version, "first"), (conflict.Rows[0].Version, Encoding.UTF8.GetString(conflict.Rows[0].Body.Span)));
    }

    [Fact]
    public async Task Nothing_without_an_expiry_is_left_but_rows_that_have_none()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await store.OpenAsync(default);
        await CommitAsync(store, Put(default) with { Events = ["e"u8.ToArray()] });
        await CommitAsync(store, Put((await LoadAsync(store)).Version, life: TimeSpan.FromMinutes(5)) with { Sequence = 1 });
        await store.CommitAsync(new Commit(s_key.Group, TurnId.New())
        {
            Receipt = new ReceiptWrite(new(1, 1), ReceiptStatus.Recorded, default, default, TimeSpan.FromMinutes(1)),
            Rows = [new RowWrite(s_key with { Name = "gone" }, RowChange.Delete, default)],
        }, default);
        var tag = $"ss:{{{s_key.Group.Shard}}}:";
        foreach (var key in new[] { "r:k:g\u001Fcart\u001F", "j:k:g\u001Fcart\u001F", "g:k:g", "r:k:g\u001Fgone\u001F" })
            Assert.DoesNotContain("-", await server.CommandAsync("PTTL", tag + key), StringComparison.Ordinal);
        Assert.Equal(":6\r\n", await server.CommandAsync("DBSIZE"));
    }

    [Fact]
    public async Task A_touch_is_told_to_nobody_as_another_version_and_keeps_the_body()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await store.OpenAsync(default);
        await CommitAsync(store, Put(default, "body", TimeSpan.FromSeconds(60)));
        var row = await LoadAsync(store);
        await CommitAsync(store, new RowWrite(s_key, RowChange.Touch, row.Version) { TimeToLive = TimeSpan.FromHours(3) });
        var touched = await LoadAsync(store);
        Assert.Equal((row.Version, "body"), (touched.Version, Encoding.UTF8.GetString(touched.Body.Span)));
        Assert.InRange(touched.Remaining!.Value, TimeSpan.FromMinutes(179), TimeSpan.FromHours(3));
    }

    [Fact]
    public async Task A_watcher_hears_of_others_and_not_of_itself_and_goes_on_watching_what_it_wrote()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await using var other = Create(server);
        await store.OpenAsync(default);
        await other.OpenAsync(default);
        var heard = System.Threading.Channels.Channel.CreateUnbounded<StateKey?>();
        store.Watch(new Heard(heard.Writer));
        Assert.Null(await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10)));
        var key = StateKey.From("cart", "one");
        var version = default(StateVersion);
        foreach (var writer in (IStore[])[store, store, other])
        {
            var turn = TurnId.New();
            var commit = new Commit(key.Group, turn) { Rows = [new RowWrite(key, RowChange.Put, version) { Body = "1"u8.ToArray() }] };
            Assert.Equal(CommitResult.Committed, await writer.CommitAsync(commit, default));
            version = version.Next(turn);
        }
        // It has read nothing since it wrote, and hears of the other's write first of all.
        Assert.Equal(key, await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10)));
        await store.LoadAsync(new LoadRequest([key]), default);
        Assert.False(heard.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_watcher_hears_of_a_row_that_its_commit_only_checked()
    {
        await using var server = await TestRedis.StartAsync();
        await using var store = Create(server);
        await using var other = Create(server);
        await store.OpenAsync(default);
        await other.OpenAsync(default);
        var heard = System.Threading.Channels.Channel.CreateUnbounded<StateKey?>();
        store.Watch(new Heard(heard.Writer));
        Assert.Null(await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(CommitResult.Committed, await CommitAsync(other, Put(default)));
        var version = (await LoadAsync(other)).Version;
        var beside = new RowWrite(s_key with { Name = "beside" }, RowChange.Put, default);
        Assert.Equal(CommitResult.Committed, await CommitAsync(store, new RowWrite(s_key, RowChange.Check, version), beside));
        Assert.Equal(CommitResult.Committed, await CommitAsync(other, Put(version)));
        Assert.Equal(s_key, await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10)));
    }

    private sealed class Heard(System.Threading.Channels.ChannelWriter<StateKey?> to) : IStoreWatcher
    {
        public void Changed(StateKey key) => to.TryWrite(key);

        public void AnyChanged() => to.TryWrite(null);
    }
}
