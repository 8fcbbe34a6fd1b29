using System.Diagnostics;
using Stateside.Simulator;
using Xunit.Abstractions;

namespace Stateside.Simulation.Tests;

public sealed class SeedTests(ITestOutputHelper output)
{
    private const int Seeds = 500;

    [Fact]
    public void At_least_500_seeds_hold()
    {
        var watch = Stopwatch.StartNew();
        var (operations, acknowledged, steps) = (0L, 0L, 0L);
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            var result = SimulationRun.Of(seed);
            Assert.True(result.Holds, $"Seed {seed}: {string.Join("\n", result.Violations)}\nReplay: ./stateside simulate --seeds 1 --from {seed}");
            (operations, acknowledged, steps) = (operations + result.Operations, acknowledged + result.Acknowledged, steps + result.Steps);
        }
        output.WriteLine($"{Seeds / watch.Elapsed.TotalSeconds:N0} seeds/s, {operations / Seeds} operations and {steps / Seeds} steps a seed, {100.0 * acknowledged / operations:N1} % acknowledged");
        // A simulation in which little succeeds checks little.
        Assert.InRange(acknowledged, operations * 7 / 10, operations - 1);
    }

    [Fact]
    public void A_seed_decides_everything()
    {
        var hashes = new HashSet<ulong>();
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var (once, again) = (SimulationRun.Of(seed), SimulationRun.Of(seed, keepsTrace: true));
            Assert.Equal((once.Hash, once.Steps, once.Acknowledged), (again.Hash, again.Steps, again.Acknowledged));
            Assert.NotEmpty(again.Trace);
            Assert.True(hashes.Add(once.Hash));
        }
    }

    /// <summary>A fault that no longer happens would make every promise easy to keep.</summary>
    [Fact]
    public void Every_kind_of_fault_happens()
    {
        var traces = Enumerable.Range(1, 40).SelectMany(seed => SimulationRun.Of((ulong)seed, keepsTrace: true).Trace).ToArray();
        string[] faults =
        [
            "start of node 4", "death of node", "pause of node", "drain of node", "could not start", "cut between", "the store stops", "set the clock", "slow store", "slow network",
            ": Refused", "commit: RequestLost", "commit: AnswerLost", "commit: Late", "log ", "no reply, applied No", "no reply, applied Unknown", "applied Unknown, length 0",
        ];
        Assert.All(faults, fault => Assert.Contains(traces, line => line.Contains(fault, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_kept_trace_is_the_same_line_by_line()
    {
        for (ulong seed = 1; seed <= 5; seed++) Assert.Equal(SimulationRun.Of(seed, keepsTrace: true).Trace, SimulationRun.Of(seed, keepsTrace: true).Trace);
    }
}
