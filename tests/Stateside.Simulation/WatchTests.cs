using System.Collections.Concurrent;
using Stateside.Simulator;
using Xunit.Abstractions;

namespace Stateside.Simulation.Tests;

/// <summary>Watchers in the simulated world.</summary>
public sealed class WatchTests(ITestOutputHelper output)
{
    private const int Seeds = 100;

    [Theory]
    [InlineData(Place.Node)]
    [InlineData(Place.Store)]
    public void Every_watcher_hears_every_event_once_and_in_order_whatever_happens(Place place)
    {
        var results = new ConcurrentBag<(ulong Seed, WatchResult Result)>();
        Parallel.For(1L, Seeds + 1, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed => results.Add(((ulong)seed, WatchRun.Of((ulong)seed, place))));
        var broken = results.OrderBy(r => r.Seed).SelectMany(r => r.Result.Violations.Take(1).Select(v => $"seed {r.Seed}: {v}; once more: ./stateside simulate --watch --seeds 1 --from {r.Seed}")).Take(10);
        Assert.True(!broken.Any(), string.Join("\n", broken));
        output.WriteLine($"{place}: {results.Average(r => r.Result.Events):N0} events and {results.Average(r => r.Result.Streams):N0} streams a seed");
        // A run in which nothing is said or nobody has to come back checks little.
        Assert.True(results.Average(r => r.Result.Events) > 50 && results.Average(r => r.Result.Streams) > 20);
    }

    [Fact]
    public void A_seed_decides_what_watchers_hear()
    {
        for (ulong seed = 1; seed <= 10; seed++) Assert.Equal(WatchRun.Of(seed, Place.Node).Hash, WatchRun.Of(seed, Place.Node).Hash);
    }
}
