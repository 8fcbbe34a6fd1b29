using System.Diagnostics;
using Stateside.Simulator;
using Xunit.Abstractions;

namespace Stateside.Simulation.Tests;

public sealed class SeedTests(ITestOutputHelper output)
{
    private const int Seeds = 500;

    [Fact]
    public async Task At_least_500_seeds_hold()
    {
        var watch = Stopwatch.StartNew();
        var sweep = new Sweep(1, Seeds, SimulationOptions.For);
        await sweep.RunAsync();
        if (sweep.Failure is { } failure)
            Assert.Fail($"Seed {failure.Seed}: {string.Join("\n", failure.Violations)}\nReplay: ./stateside simulate --seeds 1 --from {failure.Seed}");
        output.WriteLine($"{Seeds / watch.Elapsed.TotalSeconds:N0} seeds/s, {sweep.Operations / Seeds} operations and {sweep.Steps / Seeds} steps a seed, {100.0 * sweep.Acknowledged / sweep.Operations:N1} % acknowledged");
        Assert.Equal(Seeds, sweep.Seeds);
        // A simulation in which little succeeds checks little.
        Assert.InRange(sweep.Acknowledged, sweep.Operations * 7 / 10, sweep.Operations - 1);
    }

    [Fact]
    public void A_seed_decides_everything()
    {
        var hashes = new HashSet<ulong>();
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var (once, again) = (SimulationRun.Of(seed, SimulationOptions.For(seed)), SimulationRun.Of(seed, SimulationOptions.For(seed), keepsTrace: true));
            Assert.Equal((once.Hash, once.Steps, once.Acknowledged), (again.Hash, again.Steps, again.Acknowledged));
            Assert.NotEmpty(again.Trace);
            Assert.True(hashes.Add(once.Hash));
        }
    }

    /// <summary>A fault that no longer happens would make every promise easy to keep.</summary>
    [Fact]
    public void Every_kind_of_fault_happens()
    {
        var traces = Enumerable.Range(1, 40).SelectMany(seed => SimulationRun.Of((ulong)seed, SimulationOptions.For((ulong)seed), keepsTrace: true).Trace).ToArray();
        string[] faults =
        [
            "start of node 4", "death of node", "pause of node", "drain of node", "could not start", "cut between", "the store stops", "set the clock", "slow store", "slow network",
            "start of node 6", "death of node 6", "(Clear", "log Node node-",
            ": Refused", "commit: RequestLost", "commit: AnswerLost", "commit: Late", "log ", "no reply, applied No", "no reply, applied Unknown", "applied Unknown, length 0",
        ];
        Assert.All(faults, fault => Assert.Contains(traces, line => line.Contains(fault, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_kept_trace_is_the_same_line_by_line()
    {
        for (ulong seed = 1; seed <= 5; seed++) Assert.Equal(SimulationRun.Of(seed, SimulationOptions.For(seed), keepsTrace: true).Trace, SimulationRun.Of(seed, SimulationOptions.For(seed), keepsTrace: true).Trace);
    }
}
