using Stateside.Simulator;
using Stateside.Stores;

namespace Stateside.Simulation.Tests;

/// <summary>Code that is broken on purpose must be found within a few seeds, by the check that is there for it.</summary>
public sealed class BreakTests
{
    private const int MostSeeds = 60;

    /// <summary>Whether the broken part is the store that all share, or each node's client of it.</summary>
    public static TheoryData<string, bool, string> InStore { get; } = new()
    {
        { nameof(VersionBlindStore), true, Violation.NothingLost },
        { nameof(ReceiptApartStore), false, Violation.AtMostOnce },
        { nameof(HastyStore), false, Violation.NothingLost },
        { nameof(OverconfidentStore), false, Violation.NothingRefusedApplied },
        { nameof(StaleStore), true, Violation.Linearizable },
        { nameof(ForgetfulStore), true, Violation.NothingLost },
        { nameof(StuckStore), false, Violation.Alive },
    };

    public static TheoryData<string, bool, string> InCluster { get; } = new()
    {
        { nameof(HastyStore), false, Violation.NothingLost },
        { nameof(ReceiptApartStore), false, Violation.AtMostOnce },
    };

    [Theory, MemberData(nameof(InStore))]
    public void A_broken_store_is_found_where_states_are_in_the_store(string name, bool isShared, string promise) =>
        AssertFound(Damaged(name, isShared) with { Software = setting => new StoreNode(setting) }, promise);

    [Theory, MemberData(nameof(InCluster))]
    public void A_broken_store_is_found_where_states_are_on_nodes(string name, bool isShared, string promise) => AssertFound(Damaged(name, isShared), promise);

    /// <summary>
    /// Versions alone stop most of what a node does that has lost a shard, and does not know. What is left is a commit between the new owner's first
    /// look at a key and its next write, with a read after it: so there are few keys, many reads, and nodes that stand still.
    /// </summary>
    private static SimulationOptions Overtaking { get; } = new() { Keys = 2, Reads = 8, MeanPause = 40, Gateways = 0, Kinds = ["Pause", "SlowStore"] };

    [Fact]
    public void An_owner_that_is_not_fenced_off_is_found() => AssertFound(Damaged(nameof(FenceBlindStore), isShared: true, Overtaking), Violation.Linearizable);

    /// <summary>The first write of the new owner raises the epoch too, so here there are even fewer of them.</summary>
    [Fact]
    public void A_take_over_that_does_not_raise_the_epoch_is_found() => AssertFound(
        Damaged(nameof(UnraisedStore), isShared: false, Overtaking with { Keys = 3, Reads = 9, MeanPause = 60, Kinds = ["Pause", "SlowStore", "CutFromStore"] }), Violation.Linearizable);

    [Fact]
    public void A_take_over_that_reads_before_it_raises_the_epoch_is_found() => AssertFound(Damaged(nameof(LateRaisingStore), isShared: false, Overtaking), Violation.Linearizable);

    /// <summary>The margin of a lease is a fifth of it: clocks that differ by more leave none.</summary>
    [Fact]
    public void A_lease_without_a_margin_is_found() => AssertFound(new() { MostDrift = 500_000 }, Violation.OneOwner);

    private static SimulationOptions Damaged(string name, bool isShared, SimulationOptions? options = null)
    {
        options ??= new();
        var type = typeof(BreakTests).Assembly.GetType($"Stateside.Simulation.Tests.{name}", throwOnError: true)!;
        IStore Damage(IStore inner) => (IStore)Activator.CreateInstance(type, inner)!;
        return isShared ? options with { DamageStore = Damage } : options with { DamageHandle = Damage };
    }

    private static void AssertFound(SimulationOptions options, string promise, ulong from = 1)
    {
        var found = new SortedSet<string>();
        for (var seed = from; seed < from + MostSeeds; seed++)
        {
            found.UnionWith(SimulationRun.Of(seed, options).Violations.Select(v => v.Promise));
            if (found.Contains(promise)) return;
        }
        Assert.Fail($"{MostSeeds} seeds do not show that \"{promise}\" is broken; they show: {string.Join(", ", found)}.");
    }
}
