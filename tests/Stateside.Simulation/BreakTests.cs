using Stateside.Simulator;
using Stateside.Stores;

namespace Stateside.Simulation.Tests;

/// <summary>Code that is broken on purpose must be found within a few seeds, by the check that is there for it.</summary>
public sealed class BreakTests
{
    private const int MostSeeds = 30;

    public static TheoryData<string, bool, string> Damages { get; } = new()
    {
        { nameof(VersionBlindStore), true, Violation.NothingLost },
        { nameof(ReceiptApartStore), false, Violation.AtMostOnce },
        { nameof(HastyStore), false, Violation.NothingLost },
        { nameof(OverconfidentStore), false, Violation.NothingRefusedApplied },
        { nameof(StaleStore), true, Violation.Linearizable },
        { nameof(ForgetfulStore), true, Violation.NothingLost },
        { nameof(StuckStore), false, Violation.Alive },
    };

    [Theory, MemberData(nameof(Damages))]
    public void A_broken_store_is_found(string name, bool isShared, string promise)
    {
        var type = typeof(BreakTests).Assembly.GetType($"Stateside.Simulation.Tests.{name}", throwOnError: true)!;
        IStore Damage(IStore inner) => (IStore)Activator.CreateInstance(type, inner)!;
        AssertFound(isShared ? new() { DamageStore = Damage } : new() { DamageHandle = Damage }, promise);
    }

    private static void AssertFound(SimulationOptions options, string promise)
    {
        var found = new SortedSet<string>();
        for (ulong seed = 1; seed <= MostSeeds; seed++)
        {
            found.UnionWith(SimulationRun.Of(seed, options).Violations.Select(v => v.Promise));
            if (found.Contains(promise)) return;
        }
        Assert.Fail($"{MostSeeds} seeds do not show that \"{promise}\" is broken; they show: {string.Join(", ", found)}.");
    }
}
