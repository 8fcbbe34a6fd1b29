using Stateside.Redis.Tests;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>
/// A primary of a Redis cluster dies before its replica has what the primary took. Redis replicates asynchronously: what the primary
/// acknowledged is lost with it, and no client can undo that. True nevertheless: an effect and its receipt are lost together, so what is
/// sent again is done once; and whoever builds on a lost version is told. A primary that asks for a replica acknowledges nothing meanwhile.
/// </summary>
public sealed class FailOverTests
{
    private const int Kept = 5;
    private const int Late = 3;

    [Fact]
    public async Task What_a_promotion_loses_is_a_conflict_to_whoever_saw_it_and_is_done_once_when_it_is_sent_again()
    {
        await using var under = await Engine.StartAsync("redis-cluster");
        await using var shop = await Host.StartShopAsync(under.Url);
        using var visitor = new Visitor(shop.Url);
        Reply lost = Reply.None;
        await FailOverBehindAsync(under.Cluster, visitor, minReplicas: 0, async i =>
        {
            lost = await visitor.PostAsync("/counters/a", key: $"{i}");
            Assert.Equal((200, i), (lost.Status, (int)lost.Json["value"]!));
        });

        Assert.Equal(Kept, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);
        Assert.Equal(412, (await visitor.SendAsync(HttpMethod.Post, "/counters/a", ifMatch: lost.ETag)).Status);
        await AllSentAgainAreCountedOnceAsync(visitor);
        // Also now that the counter has come as far again.
        Assert.Equal(412, (await visitor.SendAsync(HttpMethod.Post, "/counters/a", ifMatch: lost.ETag)).Status);
    }

    [Fact]
    public async Task A_primary_that_asks_for_a_replica_acknowledges_nothing_that_a_promotion_loses()
    {
        await using var under = await Engine.StartAsync("redis-cluster");
        await using var shop = await Host.StartShopAsync(under.Url);
        using var visitor = new Visitor(shop.Url);
        await FailOverBehindAsync(under.Cluster, visitor, minReplicas: 1, async i =>
        {
            var refused = await visitor.PostAsync("/counters/a", key: $"{i}");
            Assert.True(refused is { Status: 503, Applied: "no", RetryAfter: not null }, $"{refused}");
        });

        Assert.Equal(Kept, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);
        await AllSentAgainAreCountedOnceAsync(visitor);
    }

    /// <summary>Counts, cuts the replica off, sends more, and kills the primary, so that a replica without the later ones takes over.</summary>
    private static async Task FailOverBehindAsync(RedisCluster cluster, Visitor visitor, int minReplicas, Func<int, Task> sendLate)
    {
        for (var i = 1; i <= Kept; i++) Assert.Equal(200, (await visitor.PostAsync("/counters/a", key: $"{i}")).Status);
        var (primary, replica) = await OwnerOfCounterAsync(cluster);
        await RedisCluster.CatchUpAsync(primary, replica);

        // Held still, the replica reads no more, and without its connection nothing waits for it in a buffer either.
        await replica.PauseAsync();
        await primary.CommandAsync("CONFIG", "SET", "min-replicas-to-write", $"{minReplicas}");
        await primary.CommandAsync("CLIENT", "KILL", "TYPE", "replica");
        for (var i = Kept + 1; i <= Kept + Late; i++) await sendLate(i);
        await primary.KillAsync();
        await replica.ContinueAsync();
        await cluster.PromotedAsync(primary, replica);
        await Eventually.TrueAsync(async () => (await visitor.GetAsync("/counters/a")).Status == 200, TimeSpan.FromSeconds(30), () => "The shop does not find the new primary.");
    }

    private static async Task<(TestRedis Primary, TestRedis Replica)> OwnerOfCounterAsync(RedisCluster cluster)
    {
        foreach (var pair in await cluster.PairsAsync())
            if ((await pair.Primary.CommandAsync("KEYS", "*counter*")) != "*0\r\n") return pair;
        throw new InvalidOperationException("No primary has the counter.");
    }

    private static async Task AllSentAgainAreCountedOnceAsync(Visitor visitor)
    {
        for (var round = 0; round < 2; round++)
        {
            for (var i = 1; i <= Kept + Late; i++)
            {
                var reply = await visitor.PostAsync("/counters/a", key: $"{i}");
                Assert.Equal((200, i, round == 1 || i <= Kept), (reply.Status, (int)reply.Json["value"]!, reply.IsReplay));
            }
        }
        Assert.Equal(Kept + Late, (int)(await visitor.GetAsync("/counters/a")).Json["value"]!);
    }
}
