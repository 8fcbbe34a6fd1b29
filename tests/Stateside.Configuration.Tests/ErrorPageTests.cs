using System.Text.RegularExpressions;
using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Configuration.Tests;

/// <summary>Every code has a page, and what a page quotes is what the code says.</summary>
public sealed class ErrorPageTests
{
    private static readonly StoreException StoreFault = new("The directory of the file cannot be written. Choose another.", Applied.No);
    private static readonly string[] Sections = ["Store", "AssumeDurable", "Application", "States", "Session", "Idempotency", "Limits", "Keys", "Node", "Cluster"];
    private static readonly string[] SessionEntries = ["Cookie", "IdleTimeout", "AbsoluteTimeout", "AllowCrossSite"];
    private static readonly IStoreProvider[] Stores = [new MemoryStoreProvider(), new FakeProvider("sqlite")];
    private static readonly StoreCapabilities Memory = FakeStore.Capable("memory", Durability.None, StoreReach.Process);

    public static TheoryData<string> Codes => [.. Errors.All.Select(k => k.Code)];

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_page_begins_with_the_kind_and_answers_three_questions(string code)
    {
        var kind = Errors.All.Single(k => k.Code == code);
        var page = Page(code);

        Assert.StartsWith($"# {kind.Code}: {Escape(kind.Title)}\n\n", page, StringComparison.Ordinal);
        Assert.Contains($"type `{kind.Type}`", page, StringComparison.Ordinal);
        var stops = code.StartsWith("SS2", StringComparison.Ordinal) || code is "SS3007" or "SS4003" or "SS4004" or "SS4005" or "SS4006";
        Assert.Contains(stops ? "\nStops the start · " : $"\nHTTP {kind.Status} · ", page, StringComparison.Ordinal);
        foreach (var part in (string[])["**Why.** ", "**What to do.** ", "**Applied.** "]) Assert.Single(Regex.Matches(page, "^" + Regex.Escape(part), RegexOptions.Multiline));
    }

    [Theory]
    [MemberData(nameof(Quoted))]
    public void A_page_quotes_what_the_code_says(string code, string message) =>
        Assert.Contains($"\n> {Escape(message)}\n", Page(code), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Applieds))]
    public void A_page_says_whether_it_was_applied(string code, string applied) =>
        Assert.Contains($" · `applied: {applied}`\n", Page(code), StringComparison.Ordinal);

    [Fact]
    public void There_is_no_page_without_a_code() => Assert.Equal(
        Errors.All.Select(k => k.Code + ".md").Append("README.md").Order(StringComparer.Ordinal),
        Directory.GetFiles(Path.Combine(Documents.Root, "docs/errors")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));

    /// <summary>A setting that a page names must be in the table, and a page that it links to must be there.</summary>
    [Fact]
    public void Settings_and_links_on_the_pages_lead_somewhere()
    {
        foreach (var kind in Errors.All)
        {
            var page = Page(kind.Code);
            foreach (Match name in Regex.Matches(page, @"`((?:Session|Idempotency|Limits|States|Node|Cluster):[A-Za-z<>]+(?::[A-Za-z]+)?)`"))
            {
                var path = name.Groups[1].Value.Replace("<name>", "*", StringComparison.Ordinal);
                Assert.True(ConfigurationEntries.All.Any(e => e.Path == path || e.Path.StartsWith(path + ":", StringComparison.Ordinal)), $"{kind.Code} names {path}.");
            }
            foreach (Match link in Regex.Matches(page, @"\]\(([^)#]+)"))
                Assert.True(File.Exists(Path.Combine(Documents.Root, "docs/errors", link.Groups[1].Value)), $"{kind.Code} links to {link.Groups[1].Value}.");
        }
    }

    /// <summary>Every message of the engine. SS1003 and the endpoints' faults are made, and their texts tested, in Stateside.AspNetCore.</summary>
    public static TheoryData<string, string> Quoted
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var e in Refusals()) data.Add(e.Code, e.Detail);
            foreach (var f in Faulty()) data.Add(f.Code, f.Message);
            return data;
        }
    }

    public static TheoryData<string, string> Applieds
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var e in Refusals().Where(e => e.Code is not ("SS3007" or "SS4003" or "SS4004" or "SS4005" or "SS4006"))) data.Add(e.Code, e.Applied.ToString().ToLowerInvariant());
            return data;
        }
    }

    [Fact]
    public void Every_message_of_the_engine_is_compared() => Assert.Equal(
        Errors.All.Select(k => k.Code).Except(["SS1003", "SS2008", "SS2011", "SS2012", "SS2013", "SS2014"]),
        Refusals().Select(e => e.Code).Concat(Faulty().Select(f => f.Code)).Distinct().Order(StringComparer.Ordinal));

    private static StatesideException[] Refusals() =>
    [
        Errors.SessionRequired(), Errors.KeyMissing(), Errors.KeyReused(), Errors.Outstanding(TimeSpan.Zero), Errors.OutcomeUnknown(), Errors.Conflict(10),
        Errors.PreconditionFailed(), Errors.StateAbsent("order"), Errors.Overloaded(), Errors.BadKey(), Errors.RequestTooLarge(1_048_576), Errors.UserRequired(),
        Errors.ResponseNotKept(), Errors.ResponseTooLarge(8_388_608), Errors.StreamingRefused(), Errors.StateTooLarge("cart", 1_048_577, 1_048_576), Errors.CrossSite(),
        Errors.ClientStateTooLarge("cart", 8100, 240, 8192), Errors.ClientStateRefused("cart"), Errors.ClientStateBehind("cart", new("cart", "")),
        Errors.ClientStateRewound("cart"), Errors.NoReceipts(), Errors.ClientOnly("cart"),
        Errors.Gap(42), Errors.WatchEnded(), Errors.NotWatchable("cart"),
        Errors.StoreAway(StoreFault), Errors.CommitUnknown(StoreFault), Errors.RowNewer("order", 3, 2), Errors.RowTooOld("order", 1, 3),
        Errors.RowUnreadable("order", null), Errors.Fenced(), Errors.StoreUnusable(StoreFault),
        Errors.NotOwner(), Errors.ForwardLost(), Errors.NameTaken("node-1"), Errors.ClusterDisagrees("node-1"), Errors.NodeAlone("node-1"), Errors.ClusterFull(1000), Errors.Elsewhere(), Errors.ForwardLoop(),
    ];

    private static ConfigurationFault[] Faulty() =>
    [
        Faults.UnknownEntry("Stateside:Sesion", "Sesion", Sections, null), Faults.SectionExpected("Stateside:Session", SessionEntries),
        Faults.ValueExpected("Stateside:Store:Url", "Stateside:Store"), Faults.UnknownState("Stateside:States:crt", "crt", ["cart", "order"]),
        Faults.NotDurable("order", Memory, "Stateside:Store", "Stateside:AssumeDurable"),
        Faults.NotDurable("order", FakeStore.Capable("sqlite", Durability.Process, facts: new StoreFact("synchronous", "NORMAL", ".")), "Stateside:Store", "Stateside:AssumeDurable"),
        Faults.NotDurable("order", FakeStore.Capable("redis", Durability.Unknown), "Stateside:Store", "Stateside:AssumeDurable"),
        Faults.NotShared("order", Memory, "Stateside:Store"), Faults.NotWatchable("order", FakeStore.Capable("sqlite"), "Stateside:Store"),
        Faults.NotCurrent("order", "Stateside:States:order:MaxAge"),
        Faults.UnknownPlace("Stateside:States:cart:Place", "Stor"), Faults.UnknownStore("Stateside:Store", "sqlit", Stores),
        Faults.NoScheme("Stateside:Store", Stores.Select(s => s.Example)), Faults.BadStoreUrl("Stateside:Store", Stores[0], "Nothing may follow \"memory:\"."),
        Faults.BadValue("Stateside:Session:IdleTimeout", "30", ConfigurationEntries.SessionIdleTimeout.Rule, "12:00:00"),
        Faults.BadSecret("Stateside:Keys:Given", ConfigurationEntries.KeysGiven.Rule),
        Faults.IdleTooLong("Stateside:Session:IdleTimeout", TimeSpan.FromHours(2), "Stateside:Session:AbsoluteTimeout", TimeSpan.FromHours(1)),
        Faults.AboveStore("Stateside:States:order:MaxBytes", 20_000, FakeStore.Capable("fake", maxBodyBytes: 10_000), "Stateside:Store"),
        Faults.ClientNotDurable("cart", "Stateside:States:cart:Place"), Faults.ClientNotCurrent("cart", "Stateside:States:cart:Place", "Stateside:States:cart:Guard"),
        Faults.ClientNotShared("cart", "Stateside:States:cart:Place"), Faults.ClientNotWatchable("cart", "Stateside:States:cart:Place"),
        Faults.ClientFolded("cart", "Stateside:States:cart:Place"), Faults.NeedsStore("cart", "Stateside:States:cart:Place"),
        Faults.MigratesToClient("Stateside:States:cart:MigrateFrom", Place.Store), Faults.MigratesNowhere("Stateside:States:cart:MigrateFrom", Place.Store),
        Faults.MigratesByItself("Stateside:States:cart:MigrateFrom"), Faults.ClientNamedAsSession("cart", "Stateside:Session:Cookie"),
        Faults.NeedsGivenKeys("Stateside:Keys:Given"),
        Faults.NodeNotDurable("cart", "Stateside:States:cart:Durability", NodeDurability.Checkpoint), Faults.NodeFolded("room", "Stateside:States:room:Durability", NodeDurability.None),
        Faults.DuplicateName("cart", ["Cart", "Order"]),
        Faults.DuplicateType("Cart", ["cart", "basket"]), Faults.BadName("Cart"),
    ];

    private static string Page(string code) => File.ReadAllText(Path.Combine(Documents.Root, "docs/errors", code + ".md"));

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
