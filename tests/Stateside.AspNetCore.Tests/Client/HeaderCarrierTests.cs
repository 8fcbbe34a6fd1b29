using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>Clients that carry by themselves, in headers: API clients, and pages that keep their state in localStorage.</summary>
public sealed class HeaderCarrierTests
{
    [Theory]
    [InlineData("Header")]
    [InlineData("Both")]
    public async Task What_comes_in_headers_goes_back_in_headers_and_no_cookie_is_set(string carrier)
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", carrier));
        var client = new Browser(app, usesHeaders: true);
        var reply = await client.PostAsync("/basket/a");
        Assert.Null(reply["Set-Cookie"]);
        Assert.Equal(["Stateside-basket", "Stateside-id"], client.Kept.Keys.Order());
        await client.PostAsync("/basket/b");
        Assert.Equal("a,b", await client.ItemsAsync());
        Assert.Equal((0, 0), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task With_both_a_browser_that_sends_no_such_header_gets_cookies()
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", "Both"));
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        Assert.Equal(["basket", "id"], browser.Kept.Keys.Order());
        Assert.Equal("a", await browser.ItemsAsync());
    }

    [Fact]
    public async Task OWA_10_Where_cookies_are_configured_a_header_counts_for_nothing()
    {
        await using var headers = await Browser.StartAsync(("Session:Carrier", "Header"));
        var client = new Browser(headers, usesHeaders: true);
        await client.PostAsync("/basket/a");
        await using var cookies = await Browser.StartAsync();
        Assert.Equal("", await new Browser(cookies, usesHeaders: true) { Kept = client.Kept }.ItemsAsync());
    }

    [Fact]
    public async Task A_state_that_is_refused_is_taken_back_with_an_empty_header()
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", "Header"));
        var client = new Browser(app, usesHeaders: true);
        await client.PostAsync("/basket/a");
        client.Kept["Stateside-basket"] = client.Kept["Stateside-basket"][..^1];
        Assert.Equal("SS1020", (await client.GetAsync("/basket")).Code);
        Assert.Equal(["Stateside-id"], client.Kept.Keys);
    }

    [Fact]
    public async Task CKI_11_A_header_cannot_come_from_another_site_so_it_needs_no_proof()
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", "Both"));
        var client = new Browser(app, usesHeaders: true);
        Assert.Equal(200, (await client.PostAsync("/basket/a", ("Sec-Fetch-Site", "cross-site"))).Status);
    }

    [Theory]
    [InlineData("Header")]
    [InlineData("Both")]
    public async Task CKI_11_A_request_without_the_header_needs_the_proof_whatever_is_configured(string carrier)
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", carrier));
        Problem.Is(await app.PostAsync("/basket/a", ("Sec-Fetch-Site", "cross-site")), "SS1018", 403);
    }

    [Fact]
    public async Task CKI_06_A_state_that_comes_in_two_headers_is_refused_and_does_not_begin_anew()
    {
        await using var app = await TestApp.StartAsync(Browser.Map, new() { InMemory = true, Settings = Browser.Settings(("Session:Carrier", "Header")) });
        var client = new Browser(app, usesHeaders: true);
        await client.PostAsync("/basket/a");
        // HttpClient would put both into one header.
        var answered = await app.Server.SendAsync(c =>
        {
            (c.Request.Method, c.Request.Path) = (HttpMethods.Post, "/basket/b");
            foreach (var (name, value) in client.Kept) c.Request.Headers[name] = value;
            c.Request.Headers["Stateside-basket"] = new([client.Kept["Stateside-basket"], client.Kept["Stateside-basket"]]);
        });
        Assert.Equal((400, ""), (answered.Response.StatusCode, answered.Response.Headers["Stateside-basket"].ToString()));
    }

    [Fact]
    public async Task CKI_05_All_that_a_client_carries_in_headers_counts_also_what_the_request_does_not_take()
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", "Header"), ("States:tally:Place", "Client"), ("Limits:ClientBytes", "1000"));
        var client = new Browser(app, usesHeaders: true);
        Assert.Equal(200, (await client.PostAsync("/count")).Status);
        for (var length = 500; ; length -= 4)
        {
            var reply = await client.PostAsync("/basket/" + new string('x', length));
            if (reply.Status != 200) continue;
            Assert.InRange(client.Kept.Sum(k => k.Key.Length + 2 + k.Value.Length), 900, 1000);
            break;
        }
    }

    [Fact]
    public async Task The_budget_counts_for_headers_too()
    {
        await using var app = await Browser.StartAsync(("Session:Carrier", "Header"), ("Limits:ClientBytes", "1000"));
        var client = new Browser(app, usesHeaders: true);
        Assert.Equal(200, (await client.PostAsync("/basket/" + new string('x', 500))).Status);
        Assert.Equal((413, "SS1019"), ((await client.PostAsync("/basket/" + new string('y', 500))) is var r ? (r.Status, r.Code!) : default));
    }
}
