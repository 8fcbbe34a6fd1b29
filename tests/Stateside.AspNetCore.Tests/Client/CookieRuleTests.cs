using System.Net.Sockets;
using System.Text;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>The rules of cookies (requirements §3.2) and limits (§4.4), for cookies that hold sealed states.</summary>
public sealed class CookieRuleTests
{
    [Fact]
    public async Task CKI_02_No_configuration_can_make_a_cookie_that_other_sites_send()
    {
        await using var app = await Browser.StartAsync(("Session:AllowCrossSite", "true"));
        var reply = await new Browser(app).PostAsync("/basket/a");
        Assert.All(reply.Headers["Set-Cookie"], cookie => Assert.Contains("; samesite=lax", cookie, StringComparison.Ordinal));
    }

    [Fact]
    public async Task CKI_03_A_cookie_without_the_prefix_counts_for_nothing_over_https()
    {
        await using var app = await TestApp.StartAsync(Browser.Map, new() { InMemory = true, Settings = Browser.Settings() });
        app.Client.BaseAddress = new Uri("https://shop.test");
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var (id, basket) = (browser.Kept["__Host-id"], browser.Kept["__Host-basket"]);
        foreach (var name in new[] { "basket", "__host-basket", "__HOST-basket", "__Secure-basket" })
            Assert.Equal("", (await app.GetAsync("/basket", ("Cookie", $"__Host-id={id}; {name}={basket}"))).Text);
        Assert.Equal("a", (await app.GetAsync("/basket", ("Cookie", $"__host-basket=x; __Host-id={id}; __Host-basket={basket}"))).Text);
    }

    [Fact]
    public async Task CKI_07_A_cookie_is_taken_back_with_the_name_path_and_attributes_that_it_was_given_with()
    {
        await using var app = await TestApp.StartAsync(Browser.Map, new() { InMemory = true, Settings = Browser.Settings() });
        app.Client.BaseAddress = new Uri("https://shop.test");
        var browser = new Browser(app);
        var given = (await browser.PostAsync("/basket/a")).Headers["Set-Cookie"].Single(c => c.StartsWith("__Host-basket=", StringComparison.Ordinal));
        browser.Kept["__Host-basket"] += "A";
        var taken = Assert.Single((await browser.GetAsync("/basket")).Headers["Set-Cookie"]);
        Assert.Equal("__Host-basket=; max-age=0" + given[given.IndexOf("; path", StringComparison.Ordinal)..], taken);
    }

    [Fact]
    public async Task CKI_09_LIM_01_Headers_that_are_too_large_are_refused_by_the_server_and_the_next_request_is_served()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        Assert.Contains("431", await RawAsync(app, "Cookie: basket=" + new string('A', 1_000_000)), StringComparison.Ordinal);
        Assert.Contains("431", await RawAsync(app, string.Join("\r\n", Enumerable.Range(0, 10_000).Select(i => $"Cookie: basket.{i % 9}=x"))), StringComparison.Ordinal);
        Assert.Equal("a", await browser.ItemsAsync());
    }

    [Theory]
    [InlineData("id=\"; basket=;")]
    [InlineData("basket")]
    [InlineData("=; ==; ;;;; basket==")]
    [InlineData("id=a=b=c; basket=a\"b")]
    [InlineData("basket=%00%0d%0a")]
    [InlineData("id=\u00e9; basket=\u00ff")]
    public async Task CKI_08_Whatever_stands_in_the_header_there_is_an_answer_that_is_no_500(string cookie)
    {
        await using var app = await Browser.StartAsync();
        using var client = app.FreshClient();
        var answer = await RawAsync(app, "Cookie: " + cookie);
        Assert.Matches("^HTTP/1.1 (200|400) ", answer);
    }

    [Fact]
    public async Task CKI_10_Nothing_but_base64url_ever_stands_in_a_cookie_whatever_the_state_holds()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        // Kestrel itself refuses a NUL in a path.
        var reply = await browser.PostAsync("/basket/" + Uri.EscapeDataString("a\r\nSet-Cookie: x=y; \u2028 é"));
        Assert.All(reply.Headers["Set-Cookie"], cookie => Assert.Matches("^(id|basket)=[A-Za-z0-9_-]+; max-age=[0-9]+; path=/; samesite=lax; httponly$", cookie));
        Assert.StartsWith("a\r\nSet-Cookie", await browser.ItemsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LIM_05_SEA_01_Every_refusal_reads_the_same_and_repeats_nothing_of_what_came()
    {
        await using var app = await Browser.StartAsync();
        await using var other = await TestApp.StartAsync(Browser.Map, new() { Settings = Browser.Settings(("Keys:Given", Browser.OtherKey)) });
        var (browser, stranger, foreign) = (new Browser(app), new Browser(app), new Browser(other));
        foreach (var b in new[] { browser, stranger, foreign }) await b.PostAsync("/basket/a");
        var token = browser.Kept["basket"];
        var answers = new HashSet<string>();
        foreach (var bad in new[] { "x", token[..^1], token + "A", "B" + token[1..], stranger.Kept["basket"], foreign.Kept["basket"], browser.Kept["id"], token.ToUpperInvariant() })
        {
            var reply = await app.GetAsync("/basket", ("Cookie", $"id={browser.Kept["id"]}; basket={bad}"));
            Assert.Equal((400, "SS1020", "no"), (reply.Status, reply.Code, reply.Applied));
            Assert.DoesNotContain(bad.Length > 8 ? bad[..8] : "\"x\"", reply.Text, StringComparison.Ordinal);
            answers.Add(reply.Text);
        }
        Assert.Single(answers);
    }

    /// <summary>Sends a request byte by byte as no client library would.</summary>
    private static async Task<string> RawAsync(TestApp app, string headers)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(app.Address.Host, app.Address.Port);
        await using var stream = socket.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes($"GET /basket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n"));
        }
        catch (IOException)
        {
            // The server has refused before it had all of it; its answer is there nevertheless.
        }
        var buffer = new byte[4096];
        var text = new StringBuilder();
        try
        {
            while (await stream.ReadAsync(buffer) is > 0 and var read) text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // It closed the connection on what was still being sent.
        }
        return text.ToString();
    }
}
