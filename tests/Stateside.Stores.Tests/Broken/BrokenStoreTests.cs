using System.Globalization;
using System.Text.RegularExpressions;
using Stateside.Stores.Tests.Remote;
using Stateside.Stores.Tests.Sqlite;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Broken;

/// <summary>A suite that finds nothing proves nothing: each store is broken on purpose, and a case that is named here must say so.</summary>
public sealed class BrokenStoreTests
{
    public static TheoryData<string> InMemory { get; } = Names([.. Breaks.OfEveryStore, .. Breaks.OfData]);

    public static TheoryData<string> OnSqlite { get; } = Names(Breaks.OfEveryStore);

    public static TheoryData<string> BehindANetwork { get; } = Names(Breaks.OfNetwork);

    [Theory, MemberData(nameof(InMemory))]
    public async Task A_broken_store_in_memory_is_found(string name) => await Find(name).IsFoundAsync(new MemoryHarness());

    [Theory, MemberData(nameof(OnSqlite))]
    public async Task A_broken_sqlite_store_is_found(string name) => await Find(name).IsFoundAsync(new SqliteHarness());

    [Theory, MemberData(nameof(BehindANetwork))]
    public async Task A_broken_store_behind_a_network_is_found(string name) => await Find(name).IsFoundAsync(new RemoteHarness());

    [Fact]
    public async Task A_generated_sequence_that_fails_is_shown_as_short_as_it_gets_and_fails_again_from_its_seed()
    {
        var first = await FailAsync(null);
        Assert.Matches(@"shortened to [1-4] steps:\n  ", first);
        var seed = SeedOf(first);
        var again = await FailAsync(seed);
        Assert.Contains(", sequence 1, ", again, StringComparison.Ordinal);
        Assert.Equal(seed, SeedOf(again));
    }

    private static async Task<string> FailAsync(int? seed)
    {
        await using var harness = new BrokenHarness(new MemoryHarness(), s => new ResurrectedVersions(s), seed);
        return (await Assert.ThrowsAsync<StoreConformanceException>(() => StoreConformance.RunAsync("Any sequence of verbs is answered as the model answers it", harness))).Message;
    }

    private static int SeedOf(string message) => int.Parse(Regex.Match(message, @"seed (\d+), sequence").Groups[1].Value, CultureInfo.InvariantCulture);

    private static StoreBreak Find(string name) => Breaks.OfEveryStore.Concat(Breaks.OfData).Concat(Breaks.OfNetwork).Single(b => b.ToString() == name);

    private static TheoryData<string> Names(IEnumerable<StoreBreak> breaks) => [.. breaks.Select(b => b.ToString())];
}
