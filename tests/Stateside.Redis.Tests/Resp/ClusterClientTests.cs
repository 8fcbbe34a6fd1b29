using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis.Tests.Resp;

/// <summary>The client on a cluster of three primaries with a replica each: slots that move under load, and a primary that dies.</summary>
public sealed class ClusterClientTests(ThreePrimariesAndReplicas cluster) : IClassFixture<ThreePrimariesAndReplicas>
{
    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static int SlotOf(string key) => RedisClient.SlotOf(Bytes(key).Span);

    private async Task<RedisClient> OpenAsync()
    {
        var client = new RedisClient(RedisUrl.Parse(cluster.Servers[0].Url + "?timeout=2"));
        await client.OpenAsync(default);
        return client;
    }

    [Fact]
    public async Task Each_command_goes_to_the_primary_of_its_slot_and_each_primary_is_asked_once()
    {
        await using var client = await OpenAsync();
        Assert.True(client.IsCluster);
        for (var i = 0; i < 300; i++) await client.SendAsync(SlotOf($"spread{i}"), RespCommand.OfWords("SET", $"spread{i}", "x"), default);
        var sizes = await client.ForEachPrimaryAsync(slot => client.SendAsync(slot, RespCommand.Of("DBSIZE"), default));
        Assert.Equal(3, sizes.Length);
        Assert.All(sizes, s => Assert.InRange(s.Number, 50, 10_000));
    }

    [Fact]
    public async Task A_slot_that_moves_under_load_loses_no_command_and_runs_none_twice()
    {
        const string Tag = "{moving}";
        const int Counters = 200;
        var slot = SlotOf(Tag);
        await using var client = await OpenAsync();
        var counts = new int[Counters];
        var script = new RedisScript("return redis.call('INCR', KEYS[1])");
        var stop = false;
        var load = Enumerable.Range(0, 16).Select(async caller =>
        {
            for (var i = caller; !Volatile.Read(ref stop); i = (i + 16) % Counters)
            {
                var key = Bytes($"{Tag}{i}");
                // One by one, as a script, and two in one pipeline.
                if (i % 3 == 0) await client.SendAsync(slot, RespCommand.Of("INCR", key), default);
                else if (i % 3 == 1) await client.EvalAsync(script, slot, [key], [], default);
                else
                {
                    var answers = await client.SendAsync(slot, [RespCommand.Of("INCR", key), RespCommand.Of("EXISTS", key)], default);
                    Assert.Equal(1, answers[1].Number);
                }
                Interlocked.Increment(ref counts[i]);
            }
        }).ToArray();
        while (counts.Any(c => c < 3)) await Task.Delay(5);
        var asked = await AsksAsync();
        await cluster.MoveSlotAsync(slot, Tag);
        var askedMeanwhile = await AsksAsync() - asked;
        var before = counts.Sum();
        while (counts.Sum() < before + 1000) await Task.Delay(5);
        Volatile.Write(ref stop, true);
        await Task.WhenAll(load);
        Assert.InRange(askedMeanwhile, 1, long.MaxValue);
        for (var i = 0; i < Counters; i++)
            Assert.Equal(counts[i].ToString(CultureInfo.InvariantCulture), (await client.SendAsync(slot, RespCommand.Of("GET", Bytes($"{Tag}{i}")), default)).Text);

        async Task<long> AsksAsync()
        {
            var asks = 0L;
            foreach (var server in cluster.Servers)
                foreach (var line in (await server.CommandAsync("INFO", "commandstats")).Split("\r\n"))
                    if (line.StartsWith("cmdstat_asking:calls=", StringComparison.Ordinal)) asks += long.Parse(line.AsSpan(21, line.IndexOf(',', StringComparison.Ordinal) - 21), CultureInfo.InvariantCulture);
            return asks;
        }
    }

    [Fact]
    public async Task When_a_primary_dies_the_other_slots_go_on_and_its_own_come_back_with_its_replica()
    {
        await cluster.SettleAsync();
        // Else all slots are refused as long as some are served by nobody.
        foreach (var server in cluster.Servers) await server.CommandAsync("CONFIG", "SET", "cluster-require-full-coverage", "no");
        await using var client = await OpenAsync();
        var victim = await cluster.PrimaryOfAsync(SlotOf("{victim}"));
        var others = Enumerable.Range(0, 1000).Select(i => $"{{o{i}}}").Where(t => !victim.Slots.Contains(SlotOf(t))).Take(20).ToArray();
        var outcomes = new ConcurrentDictionary<string, Applied>();
        var (stop, slowest, othersFailed) = (false, 0L, 0);
        var load = Enumerable.Range(0, 8).Select(async caller =>
        {
            for (var i = 0; !Volatile.Read(ref stop); i++)
            {
                var key = caller < 4 ? $"{{victim}}{caller}:{i}" : $"{others[i % others.Length]}{caller}:{i}";
                var watch = Stopwatch.StartNew();
                try
                {
                    await client.SendAsync(SlotOf(key), RespCommand.OfWords("SET", key, "x"), default);
                    outcomes[key] = Applied.Yes;
                }
                catch (RedisException e)
                {
                    outcomes[key] = e.Applied;
                    if (caller >= 4) Interlocked.Increment(ref othersFailed);
                }
                lock (outcomes) slowest = Math.Max(slowest, watch.ElapsedMilliseconds);
                await Task.Delay(1);
            }
        }).ToArray();
        while (outcomes.Count < 500) await Task.Delay(5);
        await victim.Server.KillAsync();
        var died = Stopwatch.StartNew();
        // The replica is promoted by itself; a command of its slots then works again.
        for (var key = 0; ; key++)
        {
            Assert.InRange(died.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
            try
            {
                await client.SendAsync(SlotOf("{victim}"), RespCommand.OfWords("SET", $"{{victim}}after:{key}", "x"), default);
                break;
            }
            catch (RedisException)
            {
                await Task.Delay(10);
            }
        }
        Volatile.Write(ref stop, true);
        await Task.WhenAll(load);
        Assert.InRange(slowest, 0, 8000);
        Assert.InRange(outcomes.Count(o => o.Value == Applied.No), 1, int.MaxValue);
        foreach (var (key, applied) in outcomes)
        {
            var isThere = (await client.SendAsync(SlotOf(key), RespCommand.OfWords("EXISTS", key), default)).Number == 1;
            if (applied == Applied.No) Assert.False(isThere, key + " was said not to be applied, and is there");
            // Replicas get a write after it was acknowledged, so only the slots that had no part in it promise all.
            if (applied == Applied.Yes && !key.StartsWith("{victim}", StringComparison.Ordinal)) Assert.True(isThere, key + " was lost");
        }
        Assert.Equal(0, othersFailed);
        await victim.Server.RestartAsync();
        await cluster.SettleAsync();
    }
}

/// <summary>Three primaries, a replica of each, and what tests do to them.</summary>
public sealed class ThreePrimariesAndReplicas() : ThreePrimaries(replicas: 1)
{
    /// <summary>Moves a slot with its keys, a few at a time, so that for a while some are here and some there.</summary>
    internal async Task MoveSlotAsync(int slot, string tag)
    {
        var number = slot.ToString(CultureInfo.InvariantCulture);
        var from = (await PrimaryOfAsync(slot)).Server;
        var to = (await PrimaryOfAsync((slot + (RedisClient.Slots / 2)) % RedisClient.Slots)).Server;
        var (fromId, toId) = (await IdAsync(from), await IdAsync(to));
        await to.CommandAsync("CLUSTER", "SETSLOT", number, "IMPORTING", fromId);
        await from.CommandAsync("CLUSTER", "SETSLOT", number, "MIGRATING", toId);
        while (true)
        {
            string[] keys = [.. (await from.CommandAsync("CLUSTER", "GETKEYSINSLOT", number, "5")).Split("\r\n").Where(l => l.StartsWith(tag, StringComparison.Ordinal))];
            if (keys.Length == 0) break;
            foreach (var key in keys) await from.CommandAsync("MIGRATE", "127.0.0.1", to.Port.ToString(CultureInfo.InvariantCulture), key, "0", "5000");
        }
        await to.CommandAsync("CLUSTER", "SETSLOT", number, "NODE", toId);
        await from.CommandAsync("CLUSTER", "SETSLOT", number, "NODE", toId);
    }

    /// <summary>The server that a slot is on now, and all that it has.</summary>
    internal async Task<(TestRedis Server, HashSet<int> Slots)> PrimaryOfAsync(int slot)
    {
        foreach (var server in Servers)
        {
            var self = (await server.CommandAsync("CLUSTER", "NODES")).Split('\n').Single(l => l.Contains("myself", StringComparison.Ordinal)).Trim();
            var slots = new HashSet<int>();
            foreach (var word in self.Split(' ')[8..])
                if (!word.StartsWith('[') && word.Split('-') is [var first, .. var rest])
                    for (var s = int.Parse(first, CultureInfo.InvariantCulture); s <= int.Parse(rest is [var last] ? last : first, CultureInfo.InvariantCulture); s++) slots.Add(s);
            if (slots.Contains(slot)) return (server, slots);
        }
        throw new InvalidOperationException($"Nobody has slot {slot}.");
    }

    /// <summary>Until every server says that the cluster is whole, and every replica has what its primary has: before that none is promoted.</summary>
    internal async Task SettleAsync()
    {
        foreach (var server in Servers)
            for (var tries = 0; !await IsSettledAsync(server); tries++)
            {
                if (tries > 800) throw new InvalidOperationException("The cluster did not become whole.");
                await Task.Delay(25);
            }
    }

    private static async Task<bool> IsSettledAsync(TestRedis server) =>
        (await server.CommandAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal)
        && await server.CommandAsync("INFO", "replication") is var role && (role.Contains("role:master", StringComparison.Ordinal) || role.Contains("master_link_status:up", StringComparison.Ordinal));

    private static async Task<string> IdAsync(TestRedis server) => (await server.CommandAsync("CLUSTER", "MYID")).Split("\r\n")[1];
}
