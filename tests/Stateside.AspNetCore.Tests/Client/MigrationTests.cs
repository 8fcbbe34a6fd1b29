using Stateside.AspNetCore.Tests.Support;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>From the client to the store, while visitors come with what they still carry.</summary>
public sealed class MigrationTests
{
    private static Task<TestApp> AfterAsync(TestStore store, TimeProvider? time = null) =>
        TestApp.StartAsync(Browser.Map, new() { Store = store, Time = time, Settings = Browser.Settings(("States:basket:Place", "Store"), ("States:basket:MigrateFrom", "Client")) });

    private static async Task<Browser> FromBeforeAsync(params string[] items)
    {
        await using var before = await Browser.StartAsync();
        var browser = new Browser(before);
        foreach (var item in items) await browser.PostAsync("/basket/" + item);
        return browser;
    }

    [Fact]
    public async Task What_the_client_carries_is_taken_over_at_first_sight_also_by_a_read_and_taken_back_from_the_client()
    {
        var carried = (await FromBeforeAsync("a", "b")).Kept;
        var store = new TestStore();
        await using var app = await AfterAsync(store);
        var browser = new Browser(app) { Kept = carried };
        Assert.Equal("a,b", await browser.ItemsAsync());
        Assert.Equal(["id"], browser.Kept.Keys);
        Assert.Equal("a,b", await browser.ItemsAsync());
        Assert.Equal("3", (await browser.PostAsync("/basket/c")).Text);
    }

    [Fact]
    public async Task A_change_takes_over_first()
    {
        var carried = (await FromBeforeAsync("a")).Kept;
        await using var app = await AfterAsync(new TestStore());
        var browser = new Browser(app) { Kept = carried };
        Assert.Equal("2", (await browser.PostAsync("/basket/b")).Text);
        Assert.Equal(["id"], browser.Kept.Keys);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task Whatever_the_client_still_shows_afterwards_the_store_s_is_the_newer()
    {
        var carried = (await FromBeforeAsync("a")).Kept;
        await using var app = await AfterAsync(new TestStore());
        var before = new Dictionary<string, string>(carried);
        var stale = new Browser(app) { Kept = new(carried) };
        var browser = new Browser(app) { Kept = carried };
        await browser.PostAsync("/basket/b");
        Assert.Equal("a,b", await stale.ItemsAsync());
        await browser.SendAsync(HttpMethod.Delete, "/basket");
        Assert.Equal("", await new Browser(app) { Kept = new(before) }.ItemsAsync());
    }

    [Fact]
    public async Task What_was_deleted_after_the_move_stays_so_when_the_store_has_forgotten_it_and_the_client_shows_the_old_seal()
    {
        var time = new ManualClock();
        var before = await TestApp.StartAsync(Browser.Map, new() { Time = time, Settings = Browser.Settings() });
        var browser = new Browser(before);
        await browser.PostAsync("/basket/a");
        await before.DisposeAsync();
        var old = browser.Kept;
        await using var app = await AfterAsync(new TestStore(time), time);
        browser = new Browser(app) { Kept = new(old) };
        Assert.Equal(204, (await browser.SendAsync(HttpMethod.Delete, "/basket")).Status);
        time.Advance(RowWrite.TombstoneLife + TimeSpan.FromMinutes(1));
        var stale = new Browser(app) { Kept = new(old) };
        Assert.Equal("", await stale.ItemsAsync());
        Assert.Equal(["id"], stale.Kept.Keys);
        Assert.Equal("1", (await new Browser(app) { Kept = new(old) }.PostAsync("/basket/b")).Text);
        Assert.Equal("b", await stale.ItemsAsync());
    }

    [Fact]
    public async Task Twenty_requests_at_once_take_over_once_and_lose_nothing()
    {
        var carried = (await FromBeforeAsync("a")).Kept;
        var store = new TestStore();
        await using var one = await AfterAsync(store);
        await using var two = await AfterAsync(store);
        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => new Browser(i % 2 == 0 ? one : two) { Kept = new(carried) }.PostAsync($"/basket/{i}")));
        Assert.All(replies, r => Assert.Equal(200, r.Status));
        var items = (await new Browser(one) { Kept = new(carried) }.ItemsAsync()).Split(',');
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}").Append("a").Order(), items.Order());
    }

    [Fact]
    public async Task A_failed_take_over_is_no_empty_basket()
    {
        var carried = (await FromBeforeAsync("a")).Kept;
        await using var app = await AfterAsync(new TestStore());
        var browser = new Browser(app) { Kept = carried };
        app.Store.BeforeCommit = _ => TestStore.Fail(Stores.Applied.No);
        var reply = await browser.GetAsync("/basket");
        Assert.Equal((503, "no"), (reply.Status, reply.Applied));
        Assert.Contains("basket", browser.Kept.Keys);
        app.Store.BeforeCommit = null;
        Assert.Equal("a", await browser.ItemsAsync());
    }

    private static (string, string) Key(string key) => ("Idempotency-Key", $"\"{key}\"");

    /// <summary>The basket of one visitor before the move: a change under a key whose response was lost.</summary>
    private static async Task<(Dictionary<string, string> Carried, TestStore Store)> LostResponseAsync()
    {
        var store = new TestStore();
        await using var before = await TestApp.StartAsync(Browser.Map, new() { Store = store, Settings = Browser.Settings() });
        var browser = new Browser(before);
        await browser.PostAsync("/basket/a");
        var carried = new Dictionary<string, string>(browser.Kept);
        Assert.Equal("2", (await browser.PostAsync("/basket/b", Key("1"))).Text);
        return (carried, store);
    }

    [Fact]
    public async Task A_retry_of_what_was_answered_before_the_move_brings_its_state_along()
    {
        var (carried, store) = await LostResponseAsync();
        await using var app = await AfterAsync(store);
        var browser = new Browser(app) { Kept = carried };
        Assert.Equal(("2", "true"), ((await browser.PostAsync("/basket/b", Key("1"))) is var r ? (r.Text, r["Idempotent-Replayed"]!) : default));
        Assert.Equal(["id"], browser.Kept.Keys);
        Assert.Equal("a,b", await browser.ItemsAsync());
        Assert.Equal("2", (await browser.PostAsync("/basket/b", Key("1"))).Text);
        Assert.Equal("3", (await browser.PostAsync("/basket/c")).Text);
        Assert.Equal("2", (await browser.PostAsync("/basket/b", Key("1"))).Text);
        Assert.Equal("a,b,c", await browser.ItemsAsync());
    }

    [Fact]
    public async Task Also_where_a_read_has_taken_over_the_version_before()
    {
        var (carried, store) = await LostResponseAsync();
        await using var app = await AfterAsync(store);
        var browser = new Browser(app) { Kept = carried };
        Assert.Equal("a", await browser.ItemsAsync());
        Assert.Equal("2", (await browser.PostAsync("/basket/b", Key("1"))).Text);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task And_where_others_have_built_on_the_version_before_it_is_not_claimed_to_be_there()
    {
        var (carried, store) = await LostResponseAsync();
        await using var app = await AfterAsync(store);
        var browser = new Browser(app) { Kept = carried };
        Assert.Equal("2", (await browser.PostAsync("/basket/c")).Text);
        var reply = await browser.PostAsync("/basket/b", Key("1"));
        Assert.Equal((409, "SS1021", "no"), (reply.Status, reply.Code, reply.Applied));
        Assert.Equal("a,c", await browser.ItemsAsync());
    }

    [Fact]
    public async Task A_guarded_state_moves_with_what_its_guard_knows()
    {
        var store = new TestStore();
        var browser = default(Browser)!;
        await using (var before = await TestApp.StartAsync(Browser.Map, new() { Store = store, Settings = Browser.Settings(("States:basket:Guard", "true")) }))
        {
            browser = new Browser(before);
            await browser.PostAsync("/basket/a");
            await browser.ItemsAsync();
            await browser.PostAsync("/basket/b");
        }
        var older = new Dictionary<string, string>(browser.Kept);
        await using var app = await AfterAsync(store);
        Assert.Equal("a,b", await new Browser(app) { Kept = older }.ItemsAsync());
    }
}
