using Stateside.AspNetCore.Tests.Support;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>A guarded state: genuine seals that are old are refused, and a lost response is made good.</summary>
public sealed class GuardTests
{
    private static Task<TestApp> StartAsync(TestStore? store = null) =>
        TestApp.StartAsync(Browser.Map, new() { Store = store, Settings = Browser.Settings(("States:basket:Guard", "true")) });

    private static async Task<Browser> WithAsync(TestApp app, params string[] items)
    {
        var browser = new Browser(app);
        foreach (var item in items) Assert.Equal(200, (await browser.PostAsync("/basket/" + item)).Status);
        return browser;
    }

    private static Browser Copy(TestApp app, Browser of) => new(app) { Kept = new(of.Kept) };

    [Fact]
    public async Task SEA_04_An_old_genuine_seal_is_refused()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "coupon");
        var old = Copy(app, browser);
        await browser.PostAsync("/basket/b");
        await browser.PostAsync("/basket/c");
        foreach (var reply in new[] { await old.GetAsync("/basket"), await old.PostAsync("/basket/x") })
        {
            Assert.Equal((409, "SS1022", "no"), (reply.Status, reply.Code, reply.Applied));
            Assert.Null(reply["Set-Cookie"]);
        }
        Assert.Equal("coupon,b,c", await browser.ItemsAsync());
    }

    [Fact]
    public async Task SEA_04_Without_a_guard_it_is_taken_as_the_documentation_says()
    {
        await using var app = await Browser.StartAsync();
        var browser = await WithAsync(app, "coupon");
        var old = Copy(app, browser);
        await browser.PostAsync("/basket/b");
        Assert.Equal("coupon", await old.ItemsAsync());
    }

    [Fact]
    public async Task A_client_whose_response_was_lost_is_given_the_newest_when_it_reads()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        var before = new Dictionary<string, string>(browser.Kept);
        await browser.PostAsync("/basket/b");
        var newest = browser.Kept["basket"];
        browser.Kept = before;
        Assert.Equal("a,b", await browser.ItemsAsync());
        Assert.Equal(newest, browser.Kept["basket"]);
        Assert.Equal("3", (await browser.PostAsync("/basket/c")).Text);
    }

    [Fact]
    public async Task SEA_06_Of_two_tabs_from_one_base_the_second_gets_the_conflict_and_the_newest_state()
    {
        await using var app = await StartAsync();
        var one = await WithAsync(app, "a");
        var two = Copy(app, one);
        Assert.Equal(200, (await one.PostAsync("/basket/one")).Status);
        var second = await two.PostAsync("/basket/two");
        Assert.Equal((409, "SS1021", "no"), (second.Status, second.Code, second.Applied));
        Assert.Equal("3", (await two.PostAsync("/basket/two")).Text);
        Assert.Equal("a,one,two", await two.ItemsAsync());
    }

    [Fact]
    public async Task SEA_06_Two_tabs_at_the_same_moment_on_two_nodes_are_no_different()
    {
        var store = new TestStore();
        await using var one = await StartAsync(store);
        await using var two = await StartAsync(store);
        var browser = await WithAsync(one, "a");
        var (left, right) = (Copy(one, browser), Copy(two, browser));
        var gate = new Gate();
        var held = 2;
        store.BeforeCommit = _ => Interlocked.Decrement(ref held) >= 0 ? gate.WaitAsync() : Task.CompletedTask;
        var both = new[] { left.PostAsync("/basket/l"), right.PostAsync("/basket/r") };
        await gate.ArrivedAsync(2);
        gate.Open();
        var replies = await Task.WhenAll(both);
        Assert.Equal([200, 409], replies.Select(r => r.Status).Order());
        Assert.Equal("SS1021", replies.Single(r => r.Status == 409).Code);
        Assert.Equal(await left.ItemsAsync(), await right.ItemsAsync());
    }

    [Fact]
    public async Task Dropping_the_cookie_is_going_back_too()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "coupon", "b");
        await browser.ItemsAsync();
        browser.Kept.Remove("basket");
        Assert.Equal("SS1022", (await browser.PostAsync("/basket/x")).Code);
    }

    [Fact]
    public async Task The_store_lets_go_of_the_seal_once_the_client_has_shown_it()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        var larger = app.Store.Sent.Last().Rows.Single(r => r.Key.Name == "$guard").Body.Length;
        await browser.ItemsAsync();
        var smaller = app.Store.Sent.Last().Rows.Single(r => r.Key.Name == "$guard").Body.Length;
        Assert.Equal((49 + browser.Kept["basket"].Length, 49), (larger, smaller));
        var commits = app.Store.Commits;
        Assert.Equal("a", await browser.ItemsAsync());
        Assert.Equal(commits, app.Store.Commits);
        Assert.Equal("2", (await browser.PostAsync("/basket/b")).Text);
    }

    [Fact]
    public async Task Deleting_is_a_version_like_any_other()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        var old = Copy(app, browser);
        Assert.Equal(204, (await browser.SendAsync(HttpMethod.Delete, "/basket")).Status);
        Assert.Equal("", await browser.ItemsAsync());
        Assert.Equal("SS1022", (await old.PostAsync("/basket/x")).Code);
        Assert.Equal("1", (await browser.PostAsync("/basket/b")).Text);
    }

    [Fact]
    public async Task A_change_costs_one_load_and_one_commit()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        var (loads, commits) = (app.Store.Loads, app.Store.Commits);
        await browser.PostAsync("/basket/b");
        Assert.Equal((loads + 1, commits + 1), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task A_retry_under_its_key_is_answered_from_the_receipt_and_not_refused()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        var before = new Dictionary<string, string>(browser.Kept);
        var key = ("Idempotency-Key", "\"k\"");
        await browser.PostAsync("/basket/b", key);
        browser.Kept = before;
        Assert.Equal("true", (await browser.PostAsync("/basket/b", key))["Idempotent-Replayed"]);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_leaves_the_client_where_it_can_go_on()
    {
        await using var app = await StartAsync();
        var browser = await WithAsync(app, "a");
        app.Store.AfterCommit = (_, _) => TestStore.Fail(Applied.Unknown);
        app.Store.BeforeLoad = request => request.Keys.Count > 0 && app.Store.Commits > 1 ? TestStore.Fail(Applied.No) : Task.CompletedTask;
        var reply = await browser.PostAsync("/basket/b");
        (app.Store.AfterCommit, app.Store.BeforeLoad) = (null, null);
        Assert.Equal(503, reply.Status);
        Assert.Equal("SS3002", reply.Code);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task A_guarded_state_may_be_read_by_a_turn_that_writes_another_group()
    {
        static void Map(WebApplication app)
        {
            Browser.Map(app);
            app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally, Snapshot<Basket> basket) =>
                $"{tally.Update(t => t.Add()).Value} {string.Join(',', basket.Value.Items)}");
        }
        await using var app = await TestApp.StartAsync(Map, new() { Settings = Browser.Settings(("States:basket:Guard", "true")) });
        var browser = await WithAsync(app, "a");
        var old = Copy(app, browser);
        var reply = await browser.PostAsync("/tallies/1");
        Assert.Equal((200, "1 a"), (reply.Status, reply.Text));
        await browser.PostAsync("/basket/b");
        await browser.PostAsync("/basket/c");
        Problem.Is(await old.PostAsync("/tallies/1"), "SS1022", 409);
        Assert.Equal("2 a,b,c", (await browser.PostAsync("/tallies/1")).Text);
    }
}
