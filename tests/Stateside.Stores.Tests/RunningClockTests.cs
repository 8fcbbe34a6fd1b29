using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests;

/// <summary>
/// The cases as stores with a server see them, whose clock goes on by itself: spans are compared with room for that, and generated
/// sequences move by whole hours.
/// </summary>
public sealed class RunningClockTests
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(MemoryHarness.Can & ~HarnessAbilities.ClockStands).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new MemoryHarness(clockStands: false);
        await StoreConformance.RunAsync(name, harness);
    }
}
