using System.Collections.Concurrent;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>Everybody counts the same thing.</summary>
public sealed class ContentionTests
{
    private const int Connections = 64;
    private const int Increments = 1024;

    [Theory]
    [InlineData("memory", 1)]
    [InlineData("sqlite", 1)]
    [InlineData("sqlite", 2)]
    [InlineData("redis", 1)]
    [InlineData("redis", 2)]
    [InlineData("redis-cluster", 2)]
    [InlineData("postgres", 1)]
    [InlineData("postgres", 2)]
    public async Task Increments_of_one_counter_are_all_counted_or_visibly_refused(string engine, int processes)
    {
        await using var under = await Engine.StartAsync(engine);
        var hosts = new List<Host>();
        try
        {
            for (var i = 0; i < processes; i++) hosts.Add(await Host.StartShopAsync(under.Url));
            var replies = new ConcurrentBag<Reply>();
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(async connection =>
            {
                using var visitor = new Visitor(hosts[connection % processes].Url);
                for (var n = 0; n < Increments / Connections; n++) replies.Add(await visitor.PostAsync("/counters/hot", """{"by":1}"""));
            }));

            var counted = replies.Count(r => r.Status == 200);
            foreach (var host in hosts)
            {
                using var visitor = new Visitor(host.Url);
                Assert.Equal(counted, (int)(await visitor.GetAsync("/counters/hot")).Json["value"]!);
            }
            // Each saw a value of its own: nobody's increment was laid over another's.
            Assert.Equal(Enumerable.Range(1, counted), replies.Where(r => r.Status == 200).Select(r => (int)r.Json["value"]!).Order());
            Assert.All(replies.Where(r => r.Status != 200), r => Assert.True(r is { Status: 409, Code: "SS1007", Applied: "no" } or { Status: 503, Applied: "no" }, $"Neither counted nor a visible refusal: {r}"));
            Assert.Equal(Increments, replies.Count);
            Assert.True(counted >= Increments * 0.95, $"Only {counted} of {Increments} succeeded.");
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }
}
