using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests;

public sealed class MemoryStoreTests
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(MemoryHarness.Can).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new MemoryHarness();
        await StoreConformance.RunAsync(name, harness);
    }
}
