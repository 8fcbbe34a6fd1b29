using System.Diagnostics;
using Microsoft.Playwright;
using Stateside.SystemTests.Support;
using static Microsoft.Playwright.Assertions;

namespace Stateside.BrowserTests;

/// <summary>The shop as <c>up --as stateless</c> runs it, and a browser.</summary>
public sealed class StatelessShop : IAsyncLifetime, IDisposable
{
    private readonly TempFolder _folder = new();

    internal Shop Shop { get; private set; } = null!;

    public Chromium Chromium { get; } = new();

    public async Task InitializeAsync()
    {
        await Chromium.InitializeAsync();
        Shop = await Shop.UpAsync(_folder, "--as", "stateless");
    }

    public async Task DisposeAsync()
    {
        await Chromium.DisposeAsync();
        if (Shop is not null) await Shop.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();
}

/// <summary>The shop's page in a real browser, which carries the cart in one of the two ways that the page offers.</summary>
public sealed class ShopBrowserTests(StatelessShop fixture) : IClassFixture<StatelessShop>
{
    private const string Cookies = "cookies";
    private const string LocalStorage = "localStorage";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Uri _url = fixture.Shop.Url;

    [Theory]
    [InlineData(Cookies)]
    [InlineData(LocalStorage)]
    public async Task A_cart_outlives_a_reload_and_an_order_empties_it_and_is_shown(string carrier)
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, carrier);
        await visit.AddAsync(1);
        await visit.AddAsync(2);
        await visit.KeepsAsync(2);

        await visit.Order.ClickAsync();
        await Expect(visit.Message).ToHaveTextAsync("Thank you, the order is placed.");
        await Expect(visit.Orders).ToHaveTextAsync("2 pieces for £6.78");
        await visit.KeepsAsync(0);
        await Expect(visit.Orders).ToHaveCountAsync(1);
        await Expect(visit.Order).ToBeDisabledAsync();
    }

    [Theory]
    [InlineData(Cookies)]
    [InlineData(LocalStorage)]
    public async Task A_server_that_is_killed_and_started_again_loses_nothing(string carrier)
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, carrier);
        await visit.AddAsync(1);

        var killed = fixture.Shop.ProcessId!.Value;
        using (var server = Process.GetProcessById(killed)) server.Kill();
        // Sent to nobody, and again until the new server answers.
        await visit.AddAsync(2);

        Assert.NotEqual(killed, fixture.Shop.ProcessId);
        await visit.KeepsAsync(2);
        await visit.Order.ClickAsync();
        await Expect(visit.Orders).ToHaveTextAsync("2 pieces for £6.78");
    }

    [Theory]
    [InlineData(Cookies, false)]
    [InlineData(Cookies, true)]
    [InlineData(LocalStorage, false)]
    [InlineData(LocalStorage, true)]
    public async Task An_order_whose_response_is_lost_is_one_order_whether_the_page_tries_again_or_is_reloaded(string carrier, bool isReloaded)
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, carrier);
        await visit.AddAsync(1);
        var losing = await visit.LoseNextOrderAsync();
        await visit.Order.ClickAsync();
        var placed = await losing.WaitAsync(s_patience);
        if (isReloaded) await visit.Page.ReloadAsync();

        await Expect(visit.Orders).ToHaveAttributeAsync("href", placed);
        await visit.KeepsAsync(0);
        await Expect(visit.Orders).ToHaveCountAsync(1);
        // The next one is another.
        await visit.AddAsync(1);
        await visit.Order.ClickAsync();
        await Expect(visit.Orders).ToHaveCountAsync(2);
    }

    [Theory]
    [InlineData(Cookies)]
    [InlineData(LocalStorage)]
    public async Task A_cart_that_grows_too_large_for_the_client_is_refused_in_the_servers_words_and_stays_as_it_was(string carrier)
    {
        await using var small = await Host.StartShopAsync("memory:", "--Stateside:States:cart:Place=Client", "--Stateside:Session:Carrier=Both", "--Stateside:Limits:ClientBytes=1024");
        await using var visit = await Visit.OpenAsync(fixture.Chromium, small.Url, carrier);
        var (quantity, status) = (0, 200);
        while (status == 200)
        {
            var response = await visit.Page.RunAndWaitForResponseAsync(() => visit.AddButton.ClickAsync(), r => r.Url.EndsWith("/cart/add", StringComparison.Ordinal) && r.Status != 400);
            status = response.Status;
            if (status == 200) await visit.ShowsAsync(++quantity);
        }
        Assert.Equal(413, status);
        Assert.InRange(quantity, 5, 20);
        await Expect(visit.Message).ToContainTextAsync("State \"cart\" would take");
        await Expect(visit.Message).ToContainTextAsync("1024");
        await visit.KeepsAsync(quantity);

        await visit.Order.ClickAsync();
        await visit.KeepsAsync(0);
    }

    [Fact]
    public async Task Cookies_are_out_of_reach_of_scripts_and_the_page_keeps_nothing_beside_them()
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, Cookies);
        await visit.AddAsync(1);
        Assert.Equal(["cart", "id"], await visit.CookiesAsync());
        Assert.All(await visit.Browser.CookiesAsync(), c => Assert.True(c.HttpOnly, c.Name));
        Assert.Equal("", await visit.Page.EvaluateAsync<string>("document.cookie"));
        Assert.Empty(await visit.KeptByPageAsync());
    }

    [Fact]
    public async Task A_page_that_carries_by_itself_sets_no_cookie()
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, LocalStorage);
        await visit.AddAsync(1);
        Assert.Equal(["stateside-cart", "stateside-id"], await visit.KeptByPageAsync());
        await visit.Order.ClickAsync();
        await visit.KeepsAsync(0);
        Assert.Empty(await visit.CookiesAsync());
    }

    [Fact]
    public async Task Each_carrier_keeps_a_cart_of_its_own_and_a_page_that_carries_by_itself_sends_no_cookie()
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, Cookies);
        await visit.AddAsync(1);
        await visit.CarryAsync(LocalStorage);
        await visit.ShowsAsync(0);
        var sent = new List<IRequest>();
        visit.Page.Request += (_, request) => sent.Add(request);
        await visit.AddAsync(1);
        await visit.AddAsync(2);
        await visit.KeepsAsync(2);
        foreach (var request in sent.Where(r => r.ResourceType == "fetch")) Assert.False((await request.AllHeadersAsync()).ContainsKey("cookie"), request.Url);
        Assert.Contains(sent, r => r.Url.EndsWith("/cart/add", StringComparison.Ordinal));

        await visit.CarryAsync(Cookies);
        await visit.KeepsAsync(1);
    }

    [Fact]
    public async Task What_one_tab_puts_into_the_cart_that_the_page_carries_another_tab_shows()
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, LocalStorage);
        var other = await visit.SecondTabAsync();
        await other.ShowsAsync(0);
        await visit.AddAsync(1);
        await other.ShowsAsync(1);
        await other.AddAsync(2);
        await visit.ShowsAsync(2);
        await visit.Order.ClickAsync();
        await other.ShowsAsync(0);
        await Expect(other.Orders).ToHaveTextAsync("2 pieces for £6.78");
    }

    [Theory]
    [InlineData(Cookies)]
    [InlineData(LocalStorage)]
    public async Task Two_tabs_that_add_everything_at_once_lose_nothing(string carrier)
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, carrier);
        await visit.AddAsync(1);
        var other = await visit.SecondTabAsync();
        await other.ShowsAsync(1);
        const string ClickAll = "document.querySelectorAll('#products button').forEach(b => b.click())";
        await Task.WhenAll(visit.Page.EvaluateAsync(ClickAll), other.Page.EvaluateAsync(ClickAll));
        foreach (var tab in (Visit[])[visit, other]) await Expect(tab.Page.Locator("#products button:disabled")).ToHaveCountAsync(0);
        await visit.ShowsAfterReloadAsync(13);
        await other.ShowsAfterReloadAsync(13);
    }

    [Fact]
    public async Task A_cart_that_the_shop_refuses_is_taken_back_and_the_next_one_begins_anew()
    {
        await using var visit = await Visit.OpenAsync(fixture.Chromium, _url, LocalStorage);
        await visit.AddAsync(1);
        await visit.Page.EvaluateAsync("localStorage.setItem('stateside-cart', localStorage.getItem('stateside-cart').replace(/.$/, c => c === 'A' ? 'E' : 'A'))");
        await visit.AddButton.ClickAsync();
        await Expect(visit.Message).ToContainTextAsync("was not sealed by this application");
        await visit.ShowsAsync(0);
        Assert.Equal(["stateside-id"], await visit.KeptByPageAsync());
        await visit.AddAsync(1);
    }

    [Fact]
    public async Task Where_the_cart_is_in_the_store_there_is_no_choice_and_one_cookie()
    {
        using var folder = new TempFolder();
        await using var hybrid = await Shop.UpAsync(folder, "--as", "hybrid");
        await using var visit = await Visit.OpenAsync(fixture.Chromium, hybrid.Url);
        // As if the shop had been stateless before.
        await visit.Page.EvaluateAsync("localStorage.setItem('carrier', 'page')");
        await visit.KeepsAsync(0);
        await Expect(visit.Page.Locator("#about")).ToContainTextAsync("cart in Store");
        await Expect(visit.Carriers).ToBeHiddenAsync();
        await visit.AddAsync(1);
        Assert.Equal(["id"], await visit.CookiesAsync());
        Assert.Empty(await visit.KeptByPageAsync());

        using (var server = Process.GetProcessById(hybrid.ProcessId!.Value)) server.Kill();
        await visit.AddAsync(2);
        await visit.KeepsAsync(2);
        var losing = await visit.LoseNextOrderAsync();
        await visit.Order.ClickAsync();
        await Expect(visit.Orders).ToHaveAttributeAsync("href", await losing.WaitAsync(s_patience));
        await visit.KeepsAsync(0);
    }
}
