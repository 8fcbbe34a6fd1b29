using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>What a client can carry: found out when it is written, never by the browser.</summary>
public sealed class BudgetTests
{
    private static async Task<(int Fitted, Reply Refusal)> FillAsync(Browser browser, string item, int most = 2000)
    {
        for (var i = 0; i < most; i++)
        {
            var reply = await browser.PostAsync($"/basket/{item}{i:D4}");
            if (reply.Status != 200) return (i, reply);
            var header = browser.Carried()[0].Value;
            Assert.InRange(header.Length, 1, 8192);
        }
        throw new InvalidOperationException("It never got too large.");
    }

    [Fact]
    public async Task SEA_12_CKI_05_The_whole_header_stays_within_8_KB_and_the_refusal_names_size_budget_and_way_out()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        var (fitted, refusal) = await FillAsync(browser, new string('x', 40));
        Assert.Equal((413, "SS1019", "no"), (refusal.Status, refusal.Code, refusal.Applied));
        var detail = refusal.Json.GetProperty("detail").GetString()!;
        Assert.Matches(@"State ""basket"" would take 8\d{3} bytes, sealed, .* the 1\d\d bytes .* more than the 8192 ", detail);
        Assert.Contains("Stateside:States:basket:Place", detail, StringComparison.Ordinal);
        Assert.Null(refusal["Set-Cookie"]);
        Assert.Equal(fitted, (await browser.ItemsAsync()).Split(',').Length);
    }

    [Fact]
    public async Task CKI_05_The_cookies_of_others_count_too()
    {
        await using var app = await Browser.StartAsync();
        var alone = new Browser(app);
        var crowded = new Browser(app) { Kept = new() { ["theirs"] = new string('t', 4000) } };
        var (more, _) = await FillAsync(alone, new string('x', 40));
        var (fewer, _) = await FillAsync(crowded, new string('x', 40));
        Assert.InRange(fewer, 20, more * 6 / 10);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CKI_05_The_session_that_begins_with_the_first_write_counts_with_it(bool usesHeaders)
    {
        await using var app = await Browser.StartAsync(("Limits:ClientBytes", "1000"), ("Session:Carrier", usesHeaders ? "Header" : "Cookie"));
        var largest = 0;
        for (var length = 400; length < 700; length++)
        {
            var browser = new Browser(app, usesHeaders);
            if ((await browser.PostAsync("/basket/" + new string('x', length))).Status == 200)
                largest = Math.Max(largest, usesHeaders ? browser.Kept.Sum(k => k.Key.Length + 2 + k.Value.Length) : browser.Carried()[0].Value.Length);
        }
        Assert.InRange(largest, 990, 1000);
    }

    [Fact]
    public async Task Compression_lets_more_fit_and_reads_back()
    {
        await using var app = await Browser.StartAsync(("Limits:ClientBytes", "1000"), ("States:basket:Compress", "true"));
        await using var plain = await Browser.StartAsync(("Limits:ClientBytes", "1000"));
        const string item = "one-of-many-things-in-the-basket-";
        var browser = new Browser(app);
        var (without, _) = await FillAsync(new Browser(plain), item);
        var (fitted, _) = await FillAsync(browser, item);
        Assert.InRange(fitted, 3 * without, 2000);
        Assert.Equal(fitted, (await browser.ItemsAsync()).Split(',').Length);
    }

    [Fact]
    public async Task SEA_13_With_padding_the_length_does_not_tell_what_was_chosen()
    {
        await using var app = await Browser.StartAsync(("States:basket:PadTo", "256"));
        var lengths = new HashSet<int>();
        foreach (var choice in new[] { "a", "yes", "something-longer", new string('z', 60) })
        {
            var browser = new Browser(app);
            await browser.PostAsync("/basket/" + choice);
            lengths.Add(browser.Kept["basket"].Length);
            Assert.Equal(choice, await browser.ItemsAsync());
        }
        Assert.Single(lengths);
    }

    [Fact]
    public async Task SEA_10_Compression_is_off_unless_asked_for()
    {
        await using var app = await Browser.StartAsync();
        var (one, two) = (new Browser(app), new Browser(app));
        await one.PostAsync("/basket/" + new string('a', 400));
        await two.PostAsync("/basket/" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{i * 7919 % 9000 + 1000}")));
        Assert.Equal(two.Kept["basket"].Length, one.Kept["basket"].Length);
    }

    [Fact]
    public async Task The_limit_of_the_state_holds_before_the_client_s()
    {
        await using var app = await Browser.StartAsync(("States:basket:MaxBytes", "100"));
        var reply = await new Browser(app).PostAsync("/basket/" + new string('x', 100));
        Assert.Equal((413, "SS1017"), (reply.Status, reply.Code));
    }
}
