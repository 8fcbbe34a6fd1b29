using Stateside.SystemTests.Places;
using Stateside.SystemTests.Support;
using Xunit.Abstractions;

namespace Stateside.SystemTests.Clusters;

/// <summary>Three processes that hold everything in memory, and a gateway: what a client sees while they die, stop and come back.</summary>
public sealed class ClusterTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_noticed = TimeSpan.FromSeconds(3);

    public static TheoryData<string> Engines { get; } = ["sqlite", "redis", "postgres"];

    [Theory, MemberData(nameof(Engines))]
    public async Task The_same_conversation_gets_the_same_answers_through_a_gateway(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await PlaceTests.TalkAsHybridAsync(fleet.Url);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_node_that_is_killed_under_load_takes_nothing_with_it_and_is_replaced_within_a_second_or_so(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var load = new CounterLoad(fleet.Url, clients: 12);
        load.Start();
        await AddedAsync(load, 500);
        var gaps = new List<TimeSpan>();
        for (var kill = 0; kill < 3; kill++)
        {
            load.TakeGaps();
            await fleet.KillAsync(kill % 3);
            await Task.Delay(s_noticed, TimeProvider.System);
            gaps.Add(load.TakeGaps().Max());
            await fleet.StartNodeAsync(kill % 3);
        }
        await load.StopAsync();
        output.WriteLine($"{engine}: {load.Acknowledged} additions, {load.Failures.Count} failures ({string.Join(", ", load.Failures.Distinct())}); without an answer for {string.Join(", ", gaps.Select(g => $"{g.TotalMilliseconds:N0} ms"))}");
        await load.CheckAsync();
        Assert.All(load.Failures, f => Assert.Contains("SS4002", f, StringComparison.Ordinal));
        Assert.All(gaps, gap => Assert.InRange(gap, TimeSpan.Zero, s_noticed));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Nodes_that_are_stopped_one_after_the_other_under_load_fail_no_request(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        await using var load = new CounterLoad(fleet.Url, clients: 12);
        load.Start();
        await AddedAsync(load, 500);
        for (var i = 0; i < 3; i++)
        {
            await fleet.StopAsync(i);
            await fleet.StartNodeAsync(i);
        }
        await load.StopAsync();
        output.WriteLine($"{engine}: {load.Acknowledged} additions; the longest wait {load.TakeGaps().Max().TotalMilliseconds:N0} ms");
        await load.CheckAsync();
        Assert.Empty(load.Failures);
    }

    private static Task AddedAsync(CounterLoad load, int count) =>
        Eventually.TrueAsync(() => load.Acknowledged > count, TimeSpan.FromSeconds(60), () => $"only {load.Acknowledged} additions: {string.Join(", ", load.Failures.Take(5))}");
}
