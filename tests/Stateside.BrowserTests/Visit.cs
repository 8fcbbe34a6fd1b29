using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Stateside.BrowserTests;

/// <summary>One visitor at the shop's page, and what can be seen and done there.</summary>
internal sealed class Visit : IAsyncDisposable
{
    /// <summary>Not the browser's: what it gets, the browser does not.</summary>
    private static readonly HttpClient s_outside = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });

    private readonly Uri _url;

    private Visit(IBrowserContext browser, IPage page, Uri url) => (Browser, Page, _url) = (browser, page, url);

    public IBrowserContext Browser { get; }

    public IPage Page { get; }

    public ILocator Message => Page.Locator("#message");

    public ILocator Quantity => Page.Locator("#quantity");

    public ILocator Orders => Page.Locator("#orders a");

    public ILocator Order => Page.GetByRole(AriaRole.Button, new() { Name = "Place order" });

    public ILocator Carriers => Page.GetByRole(AriaRole.Group, new() { Name = "This browser carries the cart" });

    /// <summary>Opens the page where the cart is with the client, and takes one of the two ways to carry it.</summary>
    public static async Task<Visit> OpenAsync(Chromium chromium, Uri url, string carrier)
    {
        var visit = await OpenAsync(chromium, url);
        await visit.CarryAsync(carrier);
        return visit;
    }

    public static async Task<Visit> OpenAsync(Chromium chromium, Uri url)
    {
        var browser = await chromium.VisitorAsync();
        var page = await browser.NewPageAsync();
        await page.GotoAsync(url.ToString());
        return new Visit(browser, page, url);
    }

    /// <summary>The same visitor's second tab.</summary>
    public async Task<Visit> SecondTabAsync()
    {
        var page = await Browser.NewPageAsync();
        await page.GotoAsync(_url.ToString());
        return new Visit(Browser, page, _url);
    }

    /// <summary>Chooses who carries: <c>cookies</c>, where the page begins, or <c>localStorage</c>.</summary>
    public async Task CarryAsync(string carrier)
    {
        var choice = Carriers.GetByRole(AriaRole.Radio, new() { Name = carrier });
        if (await choice.IsCheckedAsync())
        {
            await Expect(Carriers).ToBeVisibleAsync();
            return;
        }
        await choice.CheckAsync();
        await Expect(Message).ToContainTextAsync("from now on");
    }

    /// <summary>Adds a product and waits until it is in the cart.</summary>
    public async Task AddAsync(int thenQuantity)
    {
        await AddButton.ClickAsync();
        await ShowsAsync(thenQuantity);
    }

    public ILocator AddButton => Page.GetByRole(AriaRole.Button, new() { Name = "Add White metal lantern to the cart" });

    public Task ShowsAsync(int quantity) => Expect(Quantity).ToHaveTextAsync(quantity.ToString(CultureInfo.InvariantCulture));

    /// <summary>Shown, and still shown by a page that knows only what the browser kept.</summary>
    public async Task KeepsAsync(int quantity)
    {
        await ShowsAsync(quantity);
        await ShowsAfterReloadAsync(quantity);
    }

    public async Task ShowsAfterReloadAsync(int quantity)
    {
        // A page begins with an empty cart. It asks for the counter when it has shown the cart that it was given.
        await Page.RunAndWaitForResponseAsync(() => Page.ReloadAsync(), r => r.Url.EndsWith("/counters/page", StringComparison.Ordinal));
        await Expect(Page.Locator("#lines tr")).ToHaveCountAsync(quantity);
        await ShowsAsync(quantity);
    }

    /// <summary>The names of what the page keeps itself of what the shop gave it.</summary>
    public Task<string[]> KeptByPageAsync() => Page.EvaluateAsync<string[]>("Object.keys(localStorage).filter(k => k.startsWith('stateside-')).sort()");

    public async Task<string[]> CookiesAsync() => [.. (await Browser.CookiesAsync()).Select(c => c.Name).Order(StringComparer.Ordinal)];

    /// <summary>The next order reaches the shop and is placed, but its answer never reaches the browser.</summary>
    /// <returns>The path of the order that was placed so.</returns>
    public async Task<Task<string>> LoseNextOrderAsync()
    {
        var placed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await Page.RouteAsync("**/orders", async route =>
        {
            try
            {
                placed.SetResult(await PlaceOutsideAsync(route.Request));
            }
            catch (HttpRequestException e)
            {
                placed.SetException(e);
            }
            await route.AbortAsync("connectionreset");
        }, new() { Times = 1 });
        return placed.Task;
    }

    public async ValueTask DisposeAsync() => await Browser.CloseAsync();

    /// <summary>Sends what the browser was about to send.</summary>
    private async Task<string> PlaceOutsideAsync(IRequest request)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, request.Url);
        foreach (var (name, value) in request.Headers)
            if (name.StartsWith("stateside-", StringComparison.Ordinal) || name == "idempotency-key") message.Headers.Add(name, value);
        var cookies = string.Join("; ", (await Browser.CookiesAsync()).Select(c => $"{c.Name}={c.Value}"));
        if (cookies.Length > 0) message.Headers.Add("Cookie", cookies);
        message.Content = new ByteArrayContent([]) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await s_outside.SendAsync(message);
        return response.EnsureSuccessStatusCode().Headers.Location!.OriginalString;
    }
}
