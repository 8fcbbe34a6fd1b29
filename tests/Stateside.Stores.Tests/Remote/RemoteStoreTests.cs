using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Remote;

/// <summary>The cases that need a network and a server, on one that is small enough to be sure of.</summary>
public sealed class RemoteStoreTests
{
    #region tests
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(RemoteHarness.Can).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new RemoteHarness();
        await StoreConformance.RunAsync(name, harness);
    }
    #endregion
}
