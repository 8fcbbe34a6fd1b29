using Stateside.Stores;

namespace Stateside.Configuration.Tests;

public sealed class FitTests
{
    private static readonly StoreCapabilities Memory = FakeStore.Capable("memory", Durability.None, StoreReach.Process);

    [Fact]
    public void SS2003_the_memory_of_a_process_is_not_durable() => Assert.Equal(
        ["SS2003 State \"order\" needs Durable, but store \"memory\" loses everything with the process (Stateside:Store). Use sqlite:PATH, or drop Needs.Durable where the state is declared."],
        Check(Needs.Durable, Memory));

    [Fact]
    public void SS2003_a_store_that_can_lose_its_last_commits_is_not_durable() => Assert.Equal(
        ["SS2003 State \"order\" needs Durable, but store \"sqlite\" can lose its last commits with the power (Stateside:Store; found: journal_mode = wal, synchronous = NORMAL). Let the store write to disk before it answers, or drop Needs.Durable where the state is declared."],
        Check(Needs.Durable, FakeStore.Capable("sqlite", Durability.Process, facts: [new("journal_mode", "wal", "."), new("synchronous", "NORMAL", ".")])));

    [Fact]
    public void SS2003_a_store_that_cannot_tell_counts_as_not_durable() => Assert.Equal(
        ["SS2003 State \"order\" needs Durable, but store \"redis\" cannot tell what its commits survive, which counts as not durable (Stateside:Store; found: nothing). Let the store show its settings, set Stateside:AssumeDurable to true if you know them to be durable, or drop Needs.Durable where the state is declared."],
        Check(Needs.Durable, FakeStore.Capable("redis", Durability.Unknown)));

    [Theory]
    [InlineData(Durability.Unknown, true)]
    [InlineData(Durability.None, false)]
    [InlineData(Durability.Process, false)]
    [InlineData(Durability.Disk, true)]
    [InlineData(Durability.Replicated, true)]
    public void AssumeDurable_speaks_for_a_store_that_cannot_tell_and_for_no_other(Durability durability, bool fits) =>
        Assert.Equal(fits, Check(Needs.Durable, FakeStore.Capable(durability: durability), """{ "AssumeDurable": true }""").Length == 0);

    [Theory]
    [InlineData(StoreReach.Process, false)]
    [InlineData(StoreReach.Machine, true)]
    [InlineData(StoreReach.Network, true)]
    public void SS2003_shared_is_what_more_than_one_process_sees(StoreReach reach, bool fits) => Assert.Equal(
        fits ? [] : ["SS2003 State \"order\" needs Shared, but store \"fake\" is seen by this process only (Stateside:Store). Use sqlite:PATH for the processes of one machine, or drop Needs.Shared where the state is declared."],
        Check(Needs.Shared, FakeStore.Capable(reach: reach)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SS2003_watchable_is_as_the_store(bool watchable) => Assert.Equal(
        watchable ? [] : ["SS2003 State \"order\" needs Watchable, but store \"fake\" does not tell of changes (Stateside:Store). Use a store that does, or drop Needs.Watchable where the state is declared."],
        Check(Needs.Watchable, FakeStore.Capable(watchable: watchable)));

    [Fact]
    public void On_nodes_everything_is_watchable_whatever_the_store_tells() =>
        Assert.Empty(Check(Needs.Watchable, FakeStore.Capable(watchable: false), """{ "States": { "order": { "Place": "Node" } } }"""));

    [Fact]
    public void Every_store_keeps_a_state_current() => Assert.Empty(Check(Needs.Current, Memory));

    [Fact]
    public void SS2003_what_must_be_current_may_not_be_shown_by_age() => Assert.Equal(
        ["SS2003 State \"order\" needs Current, but Stateside:States:order:MaxAge lets a Snapshot show what is no longer so. Remove that entry (Cache saves the load of a State<T> and stays current), or drop Needs.Current where the state is declared."],
        Check(Needs.Current, Memory, """{ "States": { "order": { "MaxAge": "00:00:01", "Cache": true } } }"""));

    [Fact]
    public void What_must_be_current_may_be_cached_for_turns_which_are_validated() =>
        Assert.Empty(Check(Needs.Current, Memory, """{ "States": { "order": { "Cache": true } } }"""));

    private const string InClient = """{ "States": { "order": { "Place": "Client" } } }""";

    [Theory]
    [InlineData(Needs.Durable, "needs Durable, but Place Client leaves it in the client's hands, which may drop it (Stateside:States:order:Place).")]
    [InlineData(Needs.Current, "needs Current, but Place Client can be rewound by its holder (Stateside:States:order:Place). Write Store, set Stateside:States:order:Guard to true,")]
    [InlineData(Needs.Shared, "needs Shared, but in Place Client only the requests of that client bring it")]
    [InlineData(Needs.Watchable, "needs Watchable, but in Place Client nobody but the client sees it change")]
    public void SS2003_what_the_client_holds_gives_little(Needs needs, string says) => Assert.StartsWith(
        $"SS2003 State \"order\" {says}", Assert.Single(Check(needs, FakeStore.Capable(), InClient)), StringComparison.Ordinal);

    [Fact]
    public void Guarded_it_is_current() => Assert.Empty(Check(Needs.Current, Memory, """{ "States": { "order": { "Place": "Client", "Guard": true } } }"""));

    [Fact]
    public void The_store_is_not_asked_for_what_the_client_holds() => Assert.Empty(Check(Needs.None, Memory, InClient));

    [Fact]
    public void SS2006_a_state_and_the_session_cannot_be_carried_under_one_name() => Assert.StartsWith(
        "SS2006 Stateside:Session:Cookie is \"order\"", Assert.Single(Check(Needs.None, Memory, """{ "States": { "order": { "Place": "Client" } }, "Session": { "Cookie": "order" } }""")), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{ "Store": "none:", "States": { "order": { "Place": "Client" } } }""", "SS2006 There is no store (none:) that could keep the keys")]
    [InlineData("""{ "Store": "none:" }""", "SS2003 State \"order\" needs a store, and there is none (none:).")]
    [InlineData("""{ "Store": "none:", "States": { "order": { "Place": "Client", "Guard": true } } }""", "SS2003 State \"order\" needs a store, and there is none (none:).")]
    public void Without_a_store_only_the_client_is_left_and_keys_must_be_given(string json, string begins) =>
        Assert.StartsWith(begins, Check(Needs.None, FakeStore.Capable(NoStore.Name, Durability.None, StoreReach.Process), json)[0], StringComparison.Ordinal);

    [Fact]
    public void Every_unfit_pair_is_told()
    {
        var builder = Given.Builder()
            .AddState("cart", ShopJson.Default.Cart, needs: Needs.Shared | Needs.Durable)
            .AddState("order", ShopJson.Default.Order, needs: Needs.Watchable | Needs.Current);
        var faults = Check(builder, Memory, isConfigured: true);
        Assert.Equal(
            ["State \"cart\" needs Durable", "State \"cart\" needs Shared", "State \"order\" needs Watchable"],
            faults.Select(f => f["SS2003 ".Length..f.IndexOf(',', StringComparison.Ordinal)]));
    }

    [Fact]
    public void A_store_from_the_service_container_is_named_as_such()
    {
        var builder = Given.Builder().AddState("order", ShopJson.Default.Order, needs: Needs.Durable);
        Assert.Equal(
            ["SS2003 State \"order\" needs Durable, but store \"memory\" loses everything with the process (the IStore in the service container). Use sqlite:PATH, or drop Needs.Durable where the state is declared."],
            Check(builder, Memory, isConfigured: false));
    }

    [Fact]
    public void SS2006_what_is_larger_than_the_store_takes() => Assert.Equal(
        [
            "SS2006 Stateside:States:order:MaxBytes is 1001, but store \"fake\" takes at most 1000 bytes at once (Stateside:Store). Write 1000 or less.",
            "SS2006 Stateside:Idempotency:MaxStoredBytes is 1002, but store \"fake\" takes at most 1000 bytes at once (Stateside:Store). Write 1000 or less.",
        ],
        Check(Needs.None, FakeStore.Capable(maxBodyBytes: 1000), """{ "States": { "order": { "MaxBytes": 1001 } }, "Idempotency": { "MaxStoredBytes": 1002 } }"""));

    private static string[] Check(Needs needs, StoreCapabilities store, string json = "{}") =>
        Check(Given.Builder(json).AddState("order", ShopJson.Default.Order, needs: needs), store, isConfigured: true);

    private static string[] Check(StatesideBuilder builder, StoreCapabilities store, bool isConfigured)
    {
        var faults = new List<ConfigurationFault>();
        var model = ConfigurationReader.Read(builder.Configuration, builder.Definitions, faults);
        Assert.Empty(faults);
        Fit.Check(builder.Configuration, model, builder.Definitions, store, isConfigured, faults);
        return [.. faults.Select(f => f.ToString())];
    }
}
