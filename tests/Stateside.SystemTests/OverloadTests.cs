using System.Diagnostics;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests;

/// <summary>More than the server can hold, on a store that takes a second for each trip.</summary>
public sealed class OverloadTests(ITestOutputHelper output)
{
    private const int MaxTurns = 1024;
    private const int MaxQueue = 256;

    [Fact]
    public async Task What_does_not_fit_is_refused_quickly_and_leaves_nothing_behind()
    {
        const int connections = 5000;
        await using var host = await Host.StartCrashHostAsync("memory:");
        using var visitor = new Visitor(host.Url);
        var before = await LatencyAsync(visitor);

        await visitor.PostAsync("/host/delay?milliseconds=1000");
        var replies = await Flood.PostAsync(host.Url, connections, i => $"/counters/flood-{i}");
        await visitor.PostAsync("/host/delay?milliseconds=0");

        var refused = replies.Where(r => r.Status != 200).ToArray();
        Assert.All(refused, AssertRefused);
        Assert.InRange(replies.Count(r => r.Status == 200), MaxTurns / 2, connections);
        Assert.InRange(refused.Length, 1000, connections);
        var (quick, memory) = (Median(refused.Select(r => r.Took)), host.Process.PeakMemory());
        output.WriteLine($"{refused.Length} refusals, {quick.TotalMilliseconds:0} ms in the median; {memory >> 20} MB at most");
        Assert.True(quick < TimeSpan.FromSeconds(2), $"Refusals took {quick} in the median.");
        Assert.InRange(memory, 1, 512L << 20);

        for (var i = 0; i < connections; i++)
        {
            var value = (int)(await visitor.GetAsync($"/counters/flood-{i}")).Json["value"]!;
            Assert.True(value == (replies[i].Status == 200 ? 1 : 0), $"Answered {replies[i].Status}, and the counter is at {value}.");
        }
        var after = await LatencyAsync(visitor);
        output.WriteLine($"one request: {before.TotalMilliseconds:0.00} ms before, {after.TotalMilliseconds:0.00} ms after");
        Assert.True(after < before * 3 + TimeSpan.FromMilliseconds(5), $"A request took {before} before the flood and takes {after} after it.");
    }

    [Fact]
    public async Task A_queue_for_one_state_that_is_full_refuses_the_rest()
    {
        const int connections = 600;
        await using var host = await Host.StartCrashHostAsync("memory:");
        using var visitor = new Visitor(host.Url);
        await visitor.PostAsync("/host/delay?milliseconds=1000");
        var flood = Flood.PostAsync(host.Url, connections, _ => "/counters/hot");
        // The one that runs takes two seconds, and nothing is read back before, so all of them have met the queue by then.
        await Eventually.TrueAsync(async () => (int)(await visitor.GetAsync("/counters/hot")).Json["value"]! > 0, TimeSpan.FromSeconds(60), () => "Nobody came through.");
        await visitor.PostAsync("/host/delay?milliseconds=0");
        var replies = await flood;

        var counted = replies.Count(r => r.Status == 200);
        Assert.InRange(counted, MaxQueue / 2, MaxQueue * 2);
        Assert.All(replies.Where(r => r.Status != 200), AssertRefused);
        Assert.Equal(counted, (int)(await visitor.GetAsync("/counters/hot")).Json["value"]!);
    }

    private static void AssertRefused(FloodReply reply)
    {
        Assert.True(reply.Status == 503 && reply.Head.Contains("Retry-After: ", StringComparison.OrdinalIgnoreCase), $"Not a refusal that says when to come back: {reply}");
        Assert.Contains("\"code\":\"SS1010\"", reply.Body, StringComparison.Ordinal);
        Assert.Contains("\"applied\":\"no\"", reply.Body, StringComparison.Ordinal);
    }

    /// <summary>The median of one request at a time, on a warm server.</summary>
    private static async Task<TimeSpan> LatencyAsync(Visitor visitor)
    {
        var times = new List<TimeSpan>();
        for (var i = 0; i < 1000; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            Assert.Equal(200, (await visitor.PostAsync("/counters/probe")).Status);
            if (i >= 500) times.Add(Stopwatch.GetElapsedTime(begun));
        }
        return Median(times);
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
