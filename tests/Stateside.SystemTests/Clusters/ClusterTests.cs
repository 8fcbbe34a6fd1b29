using Stateside.SystemTests.Places;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests.Clusters;

/// <summary>Three processes that hold everything in memory, and a gateway: what a client sees while they die, stop and come back.</summary>
public sealed class ClusterTests(ITestOutputHelper output)
{
    /// <summary>Far above what is aimed at (a second), so that a machine with much else to do passes too; what it was is printed.</summary>
    private static readonly TimeSpan s_mostFailOver = TimeSpan.FromSeconds(3);

    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("STATESIDE_LONG") == "1";

    public static TheoryData<string> Engines { get; } = ["sqlite", "redis", "postgres"];

    [Theory, MemberData(nameof(Engines))]
    public async Task The_same_conversation_gets_the_same_answers_through_a_gateway(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await PlaceTests.TalkAsHybridAsync(fleet.Url);
    }

    /// <summary>The time from kill -9 to the first success of the last client of all, so that of the worst key.</summary>
    [Theory, MemberData(nameof(Engines))]
    public async Task A_node_that_is_killed_under_load_takes_nothing_with_it_and_is_replaced_within_a_second_or_so(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var load = new CounterLoad(fleet.Url, clients: 12);
        load.Start();
        await AddedAsync(load, 500);
        var times = new List<double>();
        for (var kill = 0; kill < (s_isLong ? 40 : 10); kill++)
        {
            load.Mark();
            await fleet.KillAsync(kill % 3);
            times.Add((await load.AllBackAsync()).TotalMilliseconds);
            await fleet.StartNodeAsync(kill % 3);
        }
        await load.StopAsync();
        times.Sort();
        output.WriteLine($"{engine}: {times.Count} kills, from the kill to the last key's first addition: p50 {At(times, 0.5):N0} ms, p99 {At(times, 0.99):N0} ms, max {times[^1]:N0} ms; "
            + $"{load.Acknowledged} additions, {load.Failures.Count} failures ({string.Join(", ", load.Failures.Distinct())})\n{fleet.Warnings}");
        await load.CheckAsync();
        Assert.All(load.Failures, f => Assert.Contains("SS4002", f, StringComparison.Ordinal));
        Assert.InRange(times[^1], 0, s_mostFailOver.TotalMilliseconds);
    }

    /// <summary>With a lease that a busy machine does not exceed: a node that is held for dead may fail requests, and this is about nodes that take their leave.</summary>
    [Theory, MemberData(nameof(Engines))]
    public async Task Nodes_that_are_stopped_one_after_the_other_under_load_fail_no_request(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url, more: "--Stateside:Cluster:Lease=00:00:03");
        await using var load = new CounterLoad(fleet.Url, clients: 12);
        load.Start();
        await AddedAsync(load, 500);
        var (stops, starts, warm) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < (s_isLong ? 20 : 3); round++)
        {
            for (var i = 0; i < 3; i++)
            {
                load.TakeGaps();
                await fleet.StopAsync(i);
                stops.Add(load.TakeGaps().Max().TotalMilliseconds);
                await fleet.StartNodeAsync(i);
                starts.Add(load.TakeGaps().Max().TotalMilliseconds);
            }
            // So far each was stopped while the one before it was still compiling what it had just been given. Once more when all have settled.
            await AddedAsync(load, load.Acknowledged + 3000);
            load.TakeGaps();
            await fleet.StopAsync(round % 3);
            warm.Add(load.TakeGaps().Max().TotalMilliseconds);
            await fleet.StartNodeAsync(round % 3);
        }
        await load.StopAsync();
        foreach (var times in (List<double>[])[stops, starts, warm]) times.Sort();
        output.WriteLine($"{engine}: {stops.Count} stops, {load.Acknowledged} additions; the longest wait of a client while a node leaves: p50 {At(stops, 0.5):N0} ms, max {stops[^1]:N0} ms; while it comes back: p50 {At(starts, 0.5):N0} ms, max {starts[^1]:N0} ms; "
            + $"while one leaves and all others are warm: p50 {At(warm, 0.5):N0} ms, max {warm[^1]:N0} ms\n{fleet.Warnings}");
        await load.CheckAsync();
        Assert.Empty(load.Failures);
        // Nobody was held for dead, neither a node nor one that had left.
        Assert.Equal("", fleet.Warnings);
    }

    private static double At(List<double> sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Count) - 1];

    private static Task AddedAsync(CounterLoad load, int count) =>
        Eventually.TrueAsync(() => load.Acknowledged > count, TimeSpan.FromSeconds(60), () => $"only {load.Acknowledged} additions: {string.Join(", ", load.Failures.Take(5))}");
}
