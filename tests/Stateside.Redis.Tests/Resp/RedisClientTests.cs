using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis.Tests.Resp;

/// <summary>The client on a real server: who may come in, and what becomes of commands when the server, the connection or its rank goes.</summary>
public sealed class RedisClientTests
{
    private static async Task<RedisClient> OpenAsync(string url)
    {
        var client = new RedisClient(RedisUrl.Parse(url));
        await client.OpenAsync(default);
        return client;
    }

    private static ValueTask<RespValue> SendAsync(RedisClient client, params string[] words) => client.SendAsync(-1, RespCommand.OfWords(words[0], words[1..]), default);

    private static async Task<RedisException> OpenFailsAsync(string url)
    {
        await using var client = new RedisClient(RedisUrl.Parse(url));
        return await Assert.ThrowsAsync<RedisException>(() => client.OpenAsync(default));
    }

    /// <summary>Tries until it works, as long as what fails is known not to have been applied or does no harm twice.</summary>
    private static async Task<RespValue> RecoverAsync(RedisClient client, params string[] words)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                return await SendAsync(client, words);
            }
            catch (RedisException) when (watch.Elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(5);
            }
        }
    }

    [Fact]
    public async Task A_user_a_password_and_a_database_number_are_taken_from_the_URL()
    {
        await using var server = await TestRedis.StartAsync();
        await server.CommandAsync("CONFIG", "SET", "requirepass", "se/cr@t");
        await using (var byPassword = await OpenAsync(server.Url.Replace("//", "//:se%2Fcr%40t@", StringComparison.Ordinal) + "/5"))
        {
            await SendAsync(byPassword, "ACL", "SETUSER", "shop", "on", ">pw", "~*", "&*", "+@all");
            await SendAsync(byPassword, "SET", "k", "five");
        }
        var url = server.Url.Replace("//", "//shop:pw@", StringComparison.Ordinal);
        await using var inFive = await OpenAsync(url + "/5");
        await using var inZero = await OpenAsync(url);
        Assert.Equal("shop", (await SendAsync(inFive, "ACL", "WHOAMI")).Text);
        Assert.Equal("five", (await SendAsync(inFive, "GET", "k")).Text);
        Assert.True((await SendAsync(inZero, "GET", "k")).IsNull);
        Assert.Equal((true, true, false), (inZero.IsResp3, inZero.Tells, inZero.IsCluster));
        Assert.StartsWith("WRONGPASS", (await OpenFailsAsync(url.Replace(":pw@", ":hunter2@", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.StartsWith("NOAUTH", (await OpenFailsAsync(server.Url)).Message, StringComparison.Ordinal);
        Assert.Contains("DB index", (await OpenFailsAsync(url + "/99")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_who_may_not_ask_for_changes_is_told_none_and_connects_again_all_the_same()
    {
        await using var server = await TestRedis.StartAsync();
        await server.CommandAsync("ACL", "SETUSER", "shop", "on", ">pw", "~*", "&*", "+@all", "-client|tracking");
        await using var client = await OpenAsync(server.Url.Replace("//", "//shop:pw@", StringComparison.Ordinal));
        Assert.Equal((true, false), (client.IsResp3, client.Tells));
        await using var store = new RedisStoreProvider().Create(server.Url.Replace("//", "//shop:pw@", StringComparison.Ordinal), TimeProvider.System);
        var capabilities = await store.OpenAsync(default);
        Assert.False(capabilities.Watchable);
        Assert.Contains("CLIENT TRACKING", capabilities.Facts.Single(f => f.Setting == "tracking").Meaning, StringComparison.Ordinal);
        store.Watch(new NoWatcher());
        await server.CommandAsync("CLIENT", "KILL", "USER", "shop");
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                Assert.Single((await store.LoadAsync(new LoadRequest([new StateKey(Group.Keyed("g"), "cart")]), default)).Rows);
                break;
            }
            catch (StoreException) when (watch.Elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(5);
            }
        }
    }

    [Fact]
    public async Task A_flushed_script_is_sent_whole_again()
    {
        await using var server = await TestRedis.StartAsync();
        await using var client = await OpenAsync(server.Url);
        var script = new RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])");
        var key = "n"u8.ToArray();
        for (var i = 1; i <= 6; i++)
        {
            if (i % 2 == 0) await server.CommandAsync("SCRIPT", "FLUSH");
            Assert.Equal(i * 7, (await client.EvalAsync(script, -1, [key], ["7"u8.ToArray()], default)).Number);
        }
        Assert.Contains("EVALSHA", (await SendAsync(client, "INFO", "commandstats")).Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_killed_connection_is_replaced_and_changes_are_told_on_the_new_one_too()
    {
        await using var server = await TestRedis.StartAsync();
        await using var client = await OpenAsync(server.Url);
        var told = new BlockingCollection<string>();
        var reconnected = new SemaphoreSlim(0);
        client.Pushed += push => told.Add(push.Items[1].Items is [var key] ? key.Text : "all");
        client.Reconnected += () => reconnected.Release();
        client.EnableTracking();
        for (var round = 0; round < 3; round++)
        {
            Assert.True(await reconnected.WaitAsync(TimeSpan.FromSeconds(10)));
            var key = $"k{round}";
            await RecoverAsync(client, "GET", key);
            await server.CommandAsync("SET", key, "v");
            Assert.True(told.TryTake(out var changed, TimeSpan.FromSeconds(10)));
            Assert.Equal(key, changed);
            await server.CommandAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        }
    }

    [Fact]
    public async Task A_server_that_is_killed_and_restarted_under_load_gives_each_command_a_right_answer_in_bounded_time()
    {
        await using var server = await TestRedis.StartAsync(["--appendonly", "yes", "--appendfsync", "always"]);
        await using var client = await OpenAsync(server.Url + "?timeout=2");
        var outcomes = new ConcurrentDictionary<string, Applied>();
        var stop = false;
        var slowest = 0L;
        var load = Enumerable.Range(0, 32).Select(async caller =>
        {
            for (var i = 0; !Volatile.Read(ref stop); i++)
            {
                var key = $"{caller}:{i}";
                var watch = Stopwatch.StartNew();
                try
                {
                    await SendAsync(client, "SET", key, "x");
                    outcomes[key] = Applied.Yes;
                }
                catch (RedisException e)
                {
                    outcomes[key] = e.Applied;
                    await Task.Delay(2);
                }
                lock (outcomes) slowest = Math.Max(slowest, watch.ElapsedMilliseconds);
            }
        }).ToArray();
        for (var round = 0; round < 3; round++)
        {
            var enough = outcomes.Count(o => o.Value == Applied.Yes) + 1000;
            while (outcomes.Count(o => o.Value == Applied.Yes) < enough) await Task.Delay(10);
            await server.KillAsync();
            await server.RestartAsync();
        }
        await RecoverAsync(client, "PING");
        Volatile.Write(ref stop, true);
        await Task.WhenAll(load);
        Assert.InRange(slowest, 0, 6000);
        Assert.InRange(outcomes.Count(o => o.Value == Applied.No), 1, int.MaxValue);
        Assert.InRange(outcomes.Count(o => o.Value == Applied.Unknown), 1, 3 * 33);
        foreach (var (key, applied) in outcomes)
        {
            var isThere = (await SendAsync(client, "EXISTS", key)).Number == 1;
            if (applied != Applied.Unknown) Assert.True(isThere == (applied == Applied.Yes), $"{key} was said to be applied: {applied}, and is there: {isThere}");
        }
    }

    [Fact]
    public async Task A_half_open_connection_is_given_up_within_the_time_out_and_works_again_when_the_server_goes_on()
    {
        await using var server = await TestRedis.StartAsync();
        await using var client = await OpenAsync(server.Url + "?timeout=0.5&connect=0.5");
        await server.PauseAsync();
        var watch = Stopwatch.StartNew();
        var lost = await Assert.ThrowsAsync<RedisException>(async () => await SendAsync(client, "INCR", "n"));
        Assert.Equal(Applied.Unknown, lost.Applied);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(2.5));
        // The next ones reach nobody: nothing of them was sent.
        watch.Restart();
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<RedisException>(async () => await SendAsync(client, "INCR", "n"))).Applied);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2.5));
        await server.ContinueAsync();
        Assert.InRange(long.Parse((await RecoverAsync(client, "GET", "n")).Text, CultureInfo.InvariantCulture), 1, 1);
    }

    [Fact]
    public async Task Of_several_servers_the_primary_is_found_and_a_promotion_followed()
    {
        await using var first = await TestRedis.StartAsync();
        await using var second = await TestRedis.StartAsync(["--replicaof", $"127.0.0.1 {first.Port}"]);
        // The replica stands first in the URL.
        await using var client = await OpenAsync($"{second.Url},127.0.0.1:{first.Port}");
        await SendAsync(client, "SET", "k", "1");
        Assert.Equal(":1\r\n", await first.CommandAsync("WAIT", "1", "9000"));

        // They change places: what goes to the old primary is refused, and the client looks for the new one.
        await second.CommandAsync("REPLICAOF", "NO", "ONE");
        await first.CommandAsync("REPLICAOF", "127.0.0.1", second.Port.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<RedisException>(async () => await SendAsync(client, "SET", "k", "2"))).Applied);
        await RecoverAsync(client, "SET", "k", "2");
        Assert.Equal("$1\r\n2\r\n", await second.CommandAsync("GET", "k"));

        // And back, as the new primary dies.
        Assert.Equal(":1\r\n", await second.CommandAsync("WAIT", "1", "9000"));
        await second.KillAsync();
        await first.CommandAsync("REPLICAOF", "NO", "ONE");
        await RecoverAsync(client, "SET", "k", "3");
        Assert.Equal("$1\r\n3\r\n", await first.CommandAsync("GET", "k"));
    }

    private sealed class NoWatcher : IStoreWatcher
    {
        public void Changed(StateKey key)
        {
        }

        public void AnyChanged()
        {
        }
    }
}
