using Stateside.Stores.Tests.Broken;
using Stateside.Testing.Stores;

namespace Stateside.Postgres.Tests;

/// <summary>The suite against this store, broken on purpose: each break must be found on the real server too.</summary>
public sealed class BrokenStoreTests
{
    public static TheoryData<string> Names { get; } = [.. Breaks.OfEveryStore.Select(b => b.ToString())];

    [Theory, MemberData(nameof(Names))]
    public async Task A_broken_PostgreSQL_store_is_found(string name)
    {
        var harness = new PostgresHarness();
        await harness.InitializeAsync();
        try
        {
            await Breaks.OfEveryStore.Single(b => b.ToString() == name).IsFoundAsync(harness);
        }
        finally
        {
            await ((IAsyncLifetime)harness).DisposeAsync();
        }
    }
}
