using System.Security.Cryptography;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>States that live with the client: what comes, what leaves, and what the server does not do.</summary>
public sealed class ClientPlaceTests
{
    [Fact]
    public async Task A_state_rides_with_its_client_and_the_store_hears_nothing_of_it()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        for (var i = 0; i < 5; i++) Assert.Equal($"{i + 1}", (await browser.PostAsync($"/basket/{i}")).Text);
        Assert.Equal("0,1,2,3,4", await browser.ItemsAsync());
        Assert.Equal(["basket", "id"], browser.Kept.Keys.Order());
        Assert.Equal((0, 0), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task Nodes_that_share_only_the_key_serve_one_session_by_turns()
    {
        await using var one = await Browser.StartAsync(("Store", "none:"));
        await using var two = await Browser.StartAsync();
        var browser = new Browser(one);
        await browser.PostAsync("/basket/a");
        var other = new Browser(two) { Kept = browser.Kept };
        await other.PostAsync("/basket/b");
        Assert.Equal("a,b", await new Browser(one) { Kept = other.Kept }.ItemsAsync());
    }

    [Theory]
    [InlineData("/fail")]
    [InlineData("/throw")]
    public async Task SES_04_What_a_failed_run_changed_does_not_leave(string path)
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var reply = await browser.PostAsync(path);
        Assert.Equal(500, reply.Status);
        Assert.Null(reply["Set-Cookie"]);
        Assert.Equal("a", await browser.ItemsAsync());
    }

    [Fact]
    public async Task SES_04_If_the_commit_beside_it_fails_the_client_keeps_what_it_had()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        app.Store.BeforeCommit = _ => TestStore.Fail(Stores.Applied.No);
        var reply = await browser.PostAsync("/order");
        Assert.Equal((503, "no"), (reply.Status, reply.Applied));
        Assert.Null(reply["Set-Cookie"]);
        app.Store.BeforeCommit = null;
        Assert.Equal("a", await browser.ItemsAsync());
        var id = (await browser.PostAsync("/order")).Json.GetString();
        Assert.Equal(("", "a"), (await browser.ItemsAsync(), (await browser.GetAsync($"/order/{id}")).Text));
    }

    [Fact]
    public async Task What_was_deleted_leaves_only_its_version_so_that_nothing_older_can_take_its_place()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        Assert.Equal(204, (await browser.SendAsync(HttpMethod.Delete, "/basket")).Status);
        Assert.InRange(browser.Kept["basket"].Length, 1, 140);
        Assert.Equal("", await browser.ItemsAsync());
        Assert.StartsWith("\"3-", (await browser.PostAsync("/basket/b"))["ETag"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task LIM_04_Who_only_looks_gets_no_cookie()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        Assert.Equal("", await browser.ItemsAsync());
        Assert.Equal("0", (await browser.PostAsync("/look")).Text);
        Assert.Empty(browser.Kept);
    }

    [Fact]
    public async Task The_versions_are_http_s_own()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        var first = await browser.PostAsync("/basket/a");
        var second = await browser.PostAsync("/basket/b", ("If-Match", first["ETag"]!));
        Assert.Equal(200, second.Status);
        Assert.Equal(412, (await browser.PostAsync("/basket/c", ("If-Match", first["ETag"]!))).Status);
        Assert.Equal(second["ETag"], (await browser.GetAsync("/basket"))["ETag"]);
        Assert.Equal(304, (await browser.SendAsync(HttpMethod.Get, "/basket", ("If-None-Match", second["ETag"]!))).Status);
    }

    [Fact]
    public async Task CKI_01_Over_https_every_cookie_is_host_bound_secure_and_out_of_reach_of_scripts()
    {
        await using var app = await TestApp.StartAsync(Browser.Map, new() { InMemory = true, Settings = Browser.Settings() });
        app.Client.BaseAddress = new Uri("https://shop.test");
        var browser = new Browser(app);
        var reply = await browser.PostAsync("/basket/x");
        Assert.Equal(2, reply.Headers["Set-Cookie"].Length);
        Assert.All(reply.Headers["Set-Cookie"], c => Assert.Matches("^__Host-(id|basket)=[A-Za-z0-9_-]+; max-age=[0-9]+; path=/; secure; samesite=lax; httponly$", c));
        Assert.Equal("no-store", reply["Cache-Control"]);
        Assert.Equal("x", await browser.ItemsAsync());
    }

    [Fact]
    public async Task CKI_11_A_request_from_another_site_is_refused()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var reply = await browser.PostAsync("/basket/b", ("Sec-Fetch-Site", "cross-site"));
        Assert.Equal((403, "SS1018"), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task OWA_15_A_read_sets_no_cookie()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var reply = await browser.GetAsync("/basket");
        Assert.Null(reply["Set-Cookie"]);
        Assert.Equal("private, no-cache", reply["Cache-Control"]);
    }

    [Fact]
    public async Task A_read_seals_anew_only_what_has_an_end_of_its_own()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(Browser.Map, new() { Time = time, Settings = Browser.Settings(
            ("States:tally:Place", "Client"), ("States:tally:Expires", "01:00:00"), ("Session:IdleTimeout", "05:00:00"), ("Session:AbsoluteTimeout", "10:00:00")) });
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        await browser.PostAsync("/count");
        var (basket, tally) = (browser.Kept["basket"], browser.Kept["tally"]);
        for (var i = 0; i < 8; i++)
        {
            time.Advance(TimeSpan.FromMinutes(30));
            Assert.Equal("1", (await browser.GetAsync("/count")).Text);
            Assert.Equal("a", await browser.ItemsAsync());
        }
        Assert.Equal(basket, browser.Kept["basket"]);
        Assert.NotEqual(tally, browser.Kept["tally"]);
        time.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal("0", (await browser.GetAsync("/count")).Text);
    }

    [Fact]
    public async Task OWA_03_A_credential_that_was_not_issued_here_is_not_adopted()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        foreach (var forged in new[] { "x", new string('A', 44), new string('A', browser.Kept["id"].Length), Flip(browser.Kept["id"], 20), browser.Kept["basket"] })
        {
            var stranger = new Browser(app) { Kept = new() { ["id"] = forged } };
            Assert.Equal("1", (await stranger.PostAsync("/basket/b")).Text);
            Assert.NotEqual(forged, stranger.Kept["id"]);
        }
    }

    [Fact]
    public async Task A_session_that_begins_takes_back_the_states_of_the_one_before()
    {
        await using var app = await Browser.StartAsync(("States:tally:Place", "Client"));
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        await browser.PostAsync("/count");
        browser.Kept.Remove("id");
        Assert.Equal("", await browser.ItemsAsync());
        Assert.Equal("1", (await browser.PostAsync("/count")).Text);
        Assert.Equal(["id", "tally"], browser.Kept.Keys.Order());
        Assert.Equal("1", (await browser.PostAsync("/basket/b")).Text);
    }

    [Fact]
    public async Task A_state_of_a_user_is_bound_to_the_user()
    {
        static void Map(WebApplication app)
        {
            app.MapPost("/mine/{item}", ([UserKey] State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length);
            app.MapGet("/mine", ([UserKey] Snapshot<Basket> basket) => string.Join(',', basket.Value.Items));
        }
        await using var app = await TestApp.StartAsync(Map, new() { Users = true, Settings = Browser.Settings(), Before = a => a.UseAuthentication() });
        var browser = new Browser(app);
        await browser.PostAsync("/mine/a", ("X-User", "ann"));
        Assert.Equal(["basket"], browser.Kept.Keys);
        Assert.Equal("a", (await browser.SendAsync(HttpMethod.Get, "/mine", ("X-User", "ann"))).Text);
        var mine = new Dictionary<string, string>(browser.Kept);
        // SEA-03
        var reply = await browser.SendAsync(HttpMethod.Get, "/mine", ("X-User", "bob"));
        Assert.Equal((400, "SS1020", "no"), (reply.Status, reply.Code, reply.Applied));
        Assert.Empty(browser.Kept);
        Assert.Equal("", (await browser.SendAsync(HttpMethod.Get, "/mine", ("X-User", "bob"))).Text);
        Assert.Equal("a", (await new Browser(app) { Kept = mine }.SendAsync(HttpMethod.Get, "/mine", ("X-User", "ann"))).Text);
    }

    [Fact]
    public async Task A_job_cannot_read_what_only_the_client_has()
    {
        await using var app = await Browser.StartAsync();
        var states = app.Services.GetRequiredService<IStates>();
        var refused = await Assert.ThrowsAsync<StatesideException>(async () => await states.ReadAsync<Basket>(new StateKey(Group.Keyed("x"), "basket")));
        Assert.Equal("SS1024", refused.Code);
    }

    private static string Flip(string token, int at) => token[..at] + (token[at] == 'A' ? 'B' : 'A') + token[(at + 1)..];
}
