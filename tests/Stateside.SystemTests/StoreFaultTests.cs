using System.Diagnostics;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>What goes wrong with the server of a store below a shop that serves: refusals in bounded time that say what they know, and then it goes on by itself. Everything is counted once.</summary>
public sealed class StoreFaultTests
{
    private static readonly TimeSpan s_recoversWithin = TimeSpan.FromSeconds(30);

    /// <summary>Time-outs of a second each, the engine's own retries, and a machine with more to do.</summary>
    private static readonly TimeSpan s_answersWithin = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public Task A_server_that_falls_silent_is_given_up_in_time_and_taken_up_again(string engine) =>
        GoesAwayAsync(engine, under => under.PauseServerAsync(), under => under.ContinueServerAsync());

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public Task A_server_that_dies_is_given_up_in_time_and_taken_up_again(string engine) =>
        GoesAwayAsync(engine, under => under.KillServerAsync(), under => under.RestartServerAsync());

    /// <summary>What waits in the socket of a server that is held still is done when it goes on, long after the shop has answered: only the receipt knows of it.</summary>
    [Fact]
    public async Task A_commit_that_a_silent_server_does_late_is_not_done_again()
    {
        await using var under = await Engine.StartAsync("redis");
        await using var shop = await Host.StartShopAsync(under.ImpatientUrl);
        var counted = new int[16];
        var late = 0;
        for (var round = 0; late == 0; round++)
        {
            Assert.True(round < 20, "No commit was ever on its way, or its receipt was lost.");
            var (answers, isBusy) = (0, new TaskCompletionSource());
            var counting = counted.Select((_, i) => CountUntilRefusedAsync(i)).ToArray();
            await isBusy.Task.WaitAsync(s_recoversWithin);
            await under.PauseServerAsync();
            Assert.All(await Task.WhenAll(counting), r => Assert.True(r is { Status: 503, Applied: "no" or "unknown", RetryAfter: not null }, $"{r}"));
            await under.ContinueServerAsync();

            for (var i = 0; i < counted.Length; i++)
            {
                Reply reply = Reply.None;
                await Eventually.TrueAsync(async () => (reply = await CountAsync(i)).Status == 200, s_recoversWithin, () => $"It does not come back: {reply}");
                counted[i]++;
                if (reply.IsReplay) late++;
                Assert.Equal(counted[i], (int)reply.Json["value"]!);
            }

            async Task<Reply> CountUntilRefusedAsync(int i)
            {
                while (true)
                {
                    var reply = await CountAsync(i);
                    if (reply.Status != 200) return reply;
                    counted[i]++;
                    if (Interlocked.Increment(ref answers) == 10 * counted.Length) isBusy.SetResult();
                }
            }
        }

        async Task<Reply> CountAsync(int i)
        {
            using var visitor = new Visitor(shop.Url);
            return await visitor.PostAsync($"/counters/{i}", key: $"{i}-{counted[i]}");
        }
    }

    [Fact]
    public Task Redis_out_of_memory_refuses_writes_and_goes_on_reading() => RefusesWritesAsync("redis",
        under => under.Redis.CommandAsync("CONFIG", "SET", "maxmemory", "1"),
        under => under.Redis.CommandAsync("CONFIG", "SET", "maxmemory", "0"));

    [Fact]
    public Task Redis_that_became_a_replica_refuses_writes_and_goes_on_reading() => RefusesWritesAsync("redis",
        under => under.Redis.CommandAsync("REPLICAOF", "127.0.0.1", "1"),
        under => under.Redis.CommandAsync("REPLICAOF", "NO", "ONE"));

    [Fact]
    public Task PostgreSQL_that_became_read_only_refuses_writes_and_goes_on_reading() => RefusesWritesAsync("postgres",
        under => ReadOnlyAsync(under, "on"),
        under => ReadOnlyAsync(under, "off"));

    [Fact]
    public Task Redis_connections_that_are_killed_in_mid_load_lose_and_double_nothing() =>
        CountsUnderAsync("redis", under => under.Redis.CommandAsync("CLIENT", "KILL", "TYPE", "normal"));

    [Fact]
    public Task Redis_scripts_that_are_flushed_in_mid_load_lose_and_double_nothing() =>
        CountsUnderAsync("redis", under => under.Redis.CommandAsync("SCRIPT", "FLUSH"));

    [Fact]
    public Task PostgreSQL_connections_that_are_killed_in_mid_load_lose_and_double_nothing() =>
        // But not those of psql: two disturbances at once would end each other.
        CountsUnderAsync("postgres", under => under.Postgres.SqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> 'psql' AND backend_type = 'client backend'"));

    private static async Task GoesAwayAsync(string engine, Func<Engine, Task> goAway, Func<Engine, Task> comeBack)
    {
        const int callers = 8;
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(under.ImpatientUrl);
        using var visitor = new Visitor(shop.Url);
        Assert.Equal(200, (await visitor.PostAsync("/counters/a")).Status);

        await goAway(under);
        // Twice: the first find it out, the others know it.
        for (var round = 0; round < 2; round++)
        {
            var begun = Stopwatch.GetTimestamp();
            var refusals = await Task.WhenAll(Enumerable.Range(0, callers).Select(i => visitor.PostAsync("/counters/a", key: $"{i}")));
            Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, s_answersWithin);
            Assert.All(refusals, r => Assert.True(r is { Status: 503, Applied: "no" or "unknown", RetryAfter: not null }, $"{r}"));
        }
        var read = await visitor.GetAsync("/counters/a");
        Assert.True(read is { Status: 503, Applied: "no", RetryAfter: not null }, $"{read}");
        Assert.Equal(200, (await visitor.GetAsync("/healthz")).Status);
        Assert.Equal(503, (await visitor.GetAsync("/readyz")).Status);

        await comeBack(under);
        for (var i = 0; i < callers; i++)
        {
            Reply reply = Reply.None;
            await Eventually.TrueAsync(async () => (reply = await visitor.PostAsync("/counters/a", key: $"{i}")).Status == 200, s_recoversWithin, () => $"It does not come back: {reply}");
        }
        Assert.Equal(1 + callers, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);
        await Eventually.TrueAsync(async () => (await visitor.GetAsync("/readyz")).Status == 200, s_recoversWithin, () => "It does not become ready.");
    }

    private static async Task RefusesWritesAsync(string engine, Func<Engine, Task> begin, Func<Engine, Task> end)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(under.Url);
        using var visitor = new Visitor(shop.Url);
        Assert.Equal(200, (await visitor.PostAsync("/counters/a")).Status);

        await begin(under);
        var refusal = await visitor.PostAsync("/counters/a", key: "1");
        Assert.True(refusal is { Status: 503, Applied: "no", RetryAfter: not null }, $"{refusal}");
        Assert.Equal(1, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);

        await end(under);
        Reply reply = Reply.None;
        await Eventually.TrueAsync(async () => (reply = await visitor.PostAsync("/counters/a", key: "1")).Status == 200, s_recoversWithin, () => $"It does not write again: {reply}");
        Assert.Equal(2, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);
    }

    /// <summary>Everybody counts until each increment is acknowledged, sent again under its key as often as need be, while the server is disturbed again and again.</summary>
    private static async Task CountsUnderAsync(string engine, Func<Engine, Task> disturb)
    {
        const int connections = 16, each = 25, between = 20;
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(under.Url);
        var (acknowledged, disturbing) = (0, 0);
        var counting = Enumerable.Range(0, connections).Select(async connection =>
        {
            using var visitor = new Visitor(shop.Url);
            for (var n = 0; n < each; n++)
            {
                // In mid-load: the others go on while this one waits for the disturbance.
                if (Interlocked.Increment(ref acknowledged) % between == 0)
                {
                    Interlocked.Increment(ref disturbing);
                    await disturb(under);
                }
                Reply reply = Reply.None;
                await Eventually.TrueAsync(async () => (reply = await visitor.PostAsync($"/counters/{connection % 4}", key: $"{connection}-{n}")).Status == 200, s_recoversWithin, () => $"{reply}");
            }
        });
        await Task.WhenAll(counting);

        Assert.Equal(connections * each / between, disturbing);
        using var reader = new Visitor(shop.Url);
        for (var i = 0; i < 4; i++) Assert.Equal(connections / 4 * each, (int)(await reader.GetAsync($"/counters/{i}")).Json["value"]!);
    }

    private static async Task ReadOnlyAsync(Engine under, string value)
    {
        await under.Postgres.SqlAsync($"ALTER SYSTEM SET default_transaction_read_only = {value}");
        await under.Postgres.SqlAsync("SELECT pg_reload_conf()");
        await Eventually.TrueAsync(async () => await under.Postgres.SqlAsync("SHOW default_transaction_read_only") == value, s_recoversWithin, () => "The setting does not arrive.");
    }
}
