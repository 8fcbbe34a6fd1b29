using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>Retries where the state is with the client: the receipt is in the store, and holds what was sealed.</summary>
public sealed class ClientReceiptTests
{
    private static (string, string) Key(string key) => ("Idempotency-Key", $"\"{key}\"");

    [Fact]
    public async Task A_client_that_lost_the_response_gets_the_state_with_the_replay()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var before = new Dictionary<string, string>(browser.Kept);
        var first = await browser.PostAsync("/basket/b", Key("1"));
        browser.Kept = before;
        var second = await browser.PostAsync("/basket/b", Key("1"));
        Assert.Equal((200, "2", "true"), (second.Status, second.Text, second["Idempotent-Replayed"]));
        Assert.Equal(first["ETag"], second["ETag"]);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task A_client_that_has_gone_on_keeps_its_newer_state()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        await browser.PostAsync("/basket/b", Key("1"));
        await browser.PostAsync("/basket/c");
        var again = await browser.PostAsync("/basket/b", Key("1"));
        Assert.Equal(("2", "true"), (again.Text, again["Idempotent-Replayed"]));
        Assert.Null(again["Set-Cookie"]);
        Assert.Equal("a,b,c", await browser.ItemsAsync());
    }

    [Fact]
    public async Task What_was_deleted_since_does_not_come_back_with_a_replay()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        await browser.PostAsync("/basket/b", Key("1"));
        await browser.SendAsync(HttpMethod.Delete, "/basket");
        Assert.Equal("true", (await browser.PostAsync("/basket/b", Key("1")))["Idempotent-Replayed"]);
        Assert.Equal("", await browser.ItemsAsync());
    }

    [Fact]
    public async Task What_was_begun_anew_is_not_replaced_by_an_older_state_whatever_its_count()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        foreach (var item in new[] { "a", "b" }) await browser.PostAsync("/basket/" + item);
        await browser.PostAsync("/basket/c", Key("1"));
        browser.Kept["basket"] = browser.Kept["basket"][..^1];
        Assert.Equal("SS1020", (await browser.GetAsync("/basket")).Code);
        Assert.Equal("1", (await browser.PostAsync("/basket/new")).Text);
        Assert.Equal("true", (await browser.PostAsync("/basket/c", Key("1")))["Idempotent-Replayed"]);
        Assert.Equal("new", await browser.ItemsAsync());
    }

    [Fact]
    public async Task An_order_whose_response_was_lost_is_one_order_and_the_basket_is_empty_after_the_retry()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var before = new Dictionary<string, string>(browser.Kept);
        var first = await browser.PostAsync("/order", Key("o"));
        browser.Kept = before;
        Assert.Equal("a", await browser.ItemsAsync());
        Assert.Equal(first.Text, (await browser.PostAsync("/order", Key("o"))).Text);
        Assert.Equal("", await browser.ItemsAsync());
    }

    [Fact]
    public async Task CON_01_Twenty_at_once_under_one_key_are_done_once()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var carried = browser.Carried();
        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.PostAsync("/basket/b", [.. carried, Key("1")])));
        Assert.All(replies, r => Assert.Equal((200, "2"), (r.Status, r.Text)));
        Assert.Equal(19, replies.Count(r => r["Idempotent-Replayed"] is not null));
        foreach (var reply in replies) browser.Keep(reply);
        Assert.Equal("a,b", await browser.ItemsAsync());
    }

    [Fact]
    public async Task A_retry_without_a_session_is_asked_to_have_one_first_and_the_store_hears_nothing()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        var reply = await browser.PostAsync("/basket/a", Key("1"));
        Assert.Equal((400, "SS1001", "no"), (reply.Status, reply.Code, reply.Applied));
        Assert.Equal(["id"], browser.Kept.Keys);
        Assert.Equal(0, app.Store.Commits);
        Assert.Equal("1", (await browser.PostAsync("/basket/a", Key("1"))).Text);
    }

    [Fact]
    public async Task IDK_02_The_same_key_with_another_request_is_refused()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        await browser.PostAsync("/basket/b", Key("1"));
        var reply = await browser.PostAsync("/basket/c", Key("1"));
        Assert.Equal((422, "SS1004"), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task A_response_too_large_to_keep_gives_its_state_all_the_same()
    {
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/big/{item}", (State<Basket> basket, string item) => { basket.Update(b => b.Add(item)); return new string('x', 500); }),
            new() { Settings = Browser.Settings(("Idempotency:MaxStoredBytes", "100")) });
        var browser = new Browser(app);
        await browser.PostAsync("/big/a");
        var before = new Dictionary<string, string>(browser.Kept);
        await browser.PostAsync("/big/b", Key("1"));
        var after = browser.Kept["basket"];
        browser.Kept = before;
        var reply = await browser.PostAsync("/big/b", Key("1"));
        Assert.Equal((409, "SS1014", "yes"), (reply.Status, reply.Code, reply.Applied));
        Assert.Equal(after, browser.Kept["basket"]);
    }

    [Fact]
    public async Task Without_a_store_a_key_is_refused_and_not_ignored()
    {
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/basket/{item}", (State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length),
            new() { Settings = Browser.Settings(("Store", "none:"), ("States:tally:Place", "Client"), ("States:letter:Place", "Client")), Build = b => b.Services.Remove(b.Services.Last(s => s.ServiceType == typeof(Stores.IStore))) });
        var browser = new Browser(app);
        Assert.Equal("1", (await browser.PostAsync("/basket/a")).Text);
        var reply = await browser.PostAsync("/basket/b", Key("1"));
        Assert.Equal((400, "SS1023", "no"), (reply.Status, reply.Code, reply.Applied));
    }
}
