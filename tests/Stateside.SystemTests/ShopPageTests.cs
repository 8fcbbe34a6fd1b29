using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Stateside.SystemTests;

/// <summary>One real shop for all tests of its page; they change nothing.</summary>
public sealed partial class RunningShop : IAsyncLifetime, IDisposable
{
    private readonly Process _shop = Process.Start(new ProcessStartInfo(
        "dotnet", [Path.Combine(AppContext.BaseDirectory.Replace("Stateside.SystemTests", "Shop"), "Shop.dll"), "--urls", "http://127.0.0.1:0", "--Stateside:Store=memory:"])
    {
        RedirectStandardOutput = true,
        RedirectStandardInput = true,
        Environment = { ["STATESIDE_STOP_ON_STDIN_EOF"] = "1" },
    })!;

    private Task _drained = Task.CompletedTask;

    public HttpClient Client { get; } = new();

    public async Task InitializeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _shop.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (Listening().Match(line) is not { Success: true } match) continue;
            Client.BaseAddress = new Uri(match.Groups[1].Value);
            // The shop must not wait for somebody to read its log.
            _drained = _shop.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return;
        }
        throw new InvalidOperationException("The shop did not start.");
    }

    public async Task DisposeAsync()
    {
        _shop.Kill();
        await _shop.WaitForExitAsync();
        await _drained;
    }

    public void Dispose()
    {
        Client.Dispose();
        _shop.Dispose();
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();
}

/// <summary>The sample shop's page, from a real shop.</summary>
public sealed partial class ShopPageTests(RunningShop shop) : IClassFixture<RunningShop>
{
    private static readonly string[] s_contract = ["/about", "/cart", "/cart/add", "/counters/page", "/orders", "/orders/"];
    private readonly HttpClient _client = shop.Client;

    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/shop.css", "text/css; charset=utf-8")]
    [InlineData("/shop.js", "text/javascript; charset=utf-8")]
    public async Task The_page_is_served_with_a_policy_that_lets_in_nothing_foreign(string path, string contentType)
    {
        using var response = await _client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(contentType, response.Content.Headers.ContentType!.ToString());
        Assert.StartsWith("default-src 'self';", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task The_page_needs_nothing_that_its_policy_forbids()
    {
        var page = await _client.GetStringAsync("/");
        Assert.DoesNotMatch("""(?i)<style|style=|\son\w+=|<script(?![^>]*\ssrc=)|https?:""", page);
        foreach (Match file in OwnFile().Matches(page)) Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(file.Groups[1].Value)).StatusCode);
    }

    [Fact]
    public async Task The_script_uses_only_the_contracts_endpoints_and_each_is_there()
    {
        var script = await _client.GetStringAsync("/shop.js");
        Assert.Equal(s_contract, Urls().Matches(script).Select(m => m.Groups[1].Value).Distinct().Order());
        foreach (var url in (string[])["/about", "/cart", "/counters/page"])
            Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(url)).StatusCode);
    }

    [Fact]
    public async Task The_shop_says_where_each_state_lives_and_of_the_store_only_its_kind()
    {
        using var about = JsonDocument.Parse(await _client.GetStringAsync("/about"));
        Assert.Equal("memory", about.RootElement.GetProperty("store").GetString());
        Assert.Equal("Cookie", about.RootElement.GetProperty("carrier").GetString());
        var places = about.RootElement.GetProperty("places");
        foreach (var state in (string[])["cart", "order", "counter"]) Assert.Equal("Store", places.GetProperty(state).GetString());
    }

    [GeneratedRegex("""(?:href|src)="(/[^"]+)""")]
    private static partial Regex OwnFile();

    [GeneratedRegex("""["'`](/[^"'`]*)["'`]""")]
    private static partial Regex Urls();
}
