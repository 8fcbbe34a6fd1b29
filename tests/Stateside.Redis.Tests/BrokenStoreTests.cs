using Stateside.Stores.Tests.Broken;

namespace Stateside.Redis.Tests;

/// <summary>The suite against this store, broken on purpose: each break must be found on the real server too.</summary>
public sealed class BrokenStoreTests
{
    public static TheoryData<string> Names { get; } = [.. Breaks.OfEveryStore.Select(b => b.ToString())];

    [Theory, MemberData(nameof(Names))]
    public async Task A_broken_Redis_store_is_found(string name) => await Breaks.OfEveryStore.Single(b => b.ToString() == name).IsFoundAsync(new RedisHarness());
}
