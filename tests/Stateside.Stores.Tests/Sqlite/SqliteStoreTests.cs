using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Sqlite;

public sealed class SqliteStoreTests
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(SqliteHarness.Can).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new SqliteHarness();
        await StoreConformance.RunAsync(name, harness);
    }
}
