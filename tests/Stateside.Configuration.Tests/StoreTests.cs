using Stateside.Stores;

namespace Stateside.Configuration.Tests;

public sealed class StoreTests
{
    private static readonly IStoreProvider[] Known = [new MemoryStoreProvider(), new FakeProvider("sqlite")];

    [Theory]
    [InlineData("memory:")]
    [InlineData("MEMORY:")]
    [InlineData("sqlite:shop.db")]
    public void A_store_is_found_by_its_scheme(string url)
    {
        var (store, faults) = Create(url, [new FakeProvider("memory"), new FakeProvider("sqlite")]);
        Assert.Empty(faults);
        Assert.NotNull(store);
    }

    [Fact]
    public void The_provider_gets_the_whole_url()
    {
        var provider = new FakeProvider("redis");
        Create("redis://user:secret@host:6379/0", [provider]);
        Assert.Equal("redis://user:secret@host:6379/0", provider.Url);
    }

    [Fact]
    public void Of_two_providers_for_one_scheme_the_one_added_last_is_used()
    {
        var mine = new FakeStore(FakeStore.Capable());
        Assert.Same(mine, Create("memory:", [.. Known, new FakeProvider("memory", mine)]).Store);
    }

    [Theory]
    [InlineData("sqlit:shop.db",
        "SS2005 Stateside:Store begins with \"sqlit:\", for which there is no store. Did you mean \"sqlite:\"? Known: memory:, sqlite:PATH. Correct the URL, or register the store with AddStore.")]
    [InlineData("mongodb://admin:hunter2@db/shop",
        "SS2005 Stateside:Store begins with \"mongodb:\", for which there is no store. Known: memory:, sqlite:PATH. Correct the URL, or register the store with AddStore.")]
    [InlineData("shop.db", "SS2005 Stateside:Store is not the URL of a store: it begins with no scheme. Known: memory:, sqlite:PATH. Write a URL of one of these forms.")]
    [InlineData("", "SS2005 Stateside:Store is not the URL of a store: it begins with no scheme. Known: memory:, sqlite:PATH. Write a URL of one of these forms.")]
    [InlineData("Server=db;Password=hunter2;Host=h:1",
        "SS2005 Stateside:Store is not the URL of a store: it begins with no scheme. Known: memory:, sqlite:PATH. Write a URL of one of these forms.")]
    [InlineData("memory:shop", "SS2005 Stateside:Store is not a URL of store \"memory\": Nothing may follow \"memory:\". Write one such as memory:.")]
    public void SS2005_an_unknown_store_or_a_bad_url(string url, string message) => Assert.Equal([message], Create(url, Known).Faults);

    [Theory]
    [InlineData("redis://admin:hunter2@db:6379/0")]
    [InlineData("admin:hunter2@db")]
    [InlineData("Password=hunter2;Server=tcp:db")]
    [InlineData("sqlite://admin:hunter2@db")]
    [InlineData("1://admin:hunter2@db")]
    public void No_fault_repeats_a_password(string url)
    {
        var (_, faults) = Create(url, [new MemoryStoreProvider(), new FakeProvider("sqlite", refusal: "A path must follow.")]);
        Assert.DoesNotContain("hunter2", Assert.Single(faults), StringComparison.Ordinal);
    }

    private static (IStore? Store, string[] Faults) Create(string url, IReadOnlyList<IStoreProvider> providers)
    {
        var faults = new List<ConfigurationFault>();
        var store = StoreChoice.Create(Given.Section("{}"), url, providers, TimeProvider.System, faults);
        Assert.Equal(store is null, faults.Count > 0);
        return (store, [.. faults.Select(f => f.ToString())]);
    }
}
