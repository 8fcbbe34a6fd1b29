using Stateside.Testing.Stores;

namespace Stateside.Redis.Tests;

public sealed class RedisStoreTests
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(new RedisHarness()).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new RedisHarness();
        await StoreConformance.RunAsync(name, harness);
    }
}
