using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Carriers;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>A sealed state in one cookie or several: what a browser can lose, double or mix up is refused as a whole.</summary>
public sealed class StateCookieTests
{
    private static readonly string s_long = string.Concat(Enumerable.Range(0, 1200).Select(i => $"{i:D4}-"));

    private static StateCookies.Found Find(params string[] pairs) => StateCookies.Find(new StringValues(string.Join("; ", pairs)), "cart");

    private static string[] Pairs(string token) => [.. StateCookies.Split("cart", token)!.Select(c => $"{c.Name}={c.Value}")];

    [Fact]
    public void CKI_06_What_is_split_is_found_again_whatever_its_length_and_order()
    {
        var lengths = Gen.Choose(1, 30_000);
        Prop.ForAll(lengths.ToArbitrary(), length =>
        {
            var token = string.Concat(Enumerable.Repeat(s_long, 5))[..length];
            var pairs = Pairs(token);
            return Find(pairs).Token == token && Find([.. pairs.Reverse(), "other=x"]).Token == token && pairs.All(p => p.Length <= StateCookies.MostCookieBytes + 1);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(4092, 1)]
    [InlineData(4093, 2)]
    [InlineData(8180, 2)]
    [InlineData(8181, 3)]
    public void CKI_04_A_cookie_has_at_most_4096_bytes_with_its_name(int length, int cookies)
    {
        var token = new string('A', length);
        var pairs = Pairs(token);
        Assert.Equal(cookies, pairs.Length);
        Assert.All(pairs, p => Assert.InRange(p.Length, 1, 4097));
        Assert.Equal(token, Find(pairs).Token);
    }

    [Fact]
    public void CKI_06_Beyond_eight_chunks_there_is_no_way()
    {
        Assert.Equal(8, StateCookies.Split("cart", new string('A', 8 * 4090))!.Count);
        Assert.Null(StateCookies.Split("cart", new string('A', 8 * 4090 + 1)));
    }

    public static TheoryData<string, string[]> Broken { get; } = new()
    {
        { "a chunk is missing", ["cart=3.aa", "cart.1=bb"] },
        { "the first is missing", ["cart.1=bb"] },
        { "one too many", ["cart=2.aa", "cart.1=bb", "cart.2=cc"] },
        { "one beside a whole", ["cart=aa", "cart.1=bb"] },
        { "doubled", ["cart=2.aa", "cart.1=bb", "cart.1=bb"] },
        { "the first doubled", ["cart=aa", "cart=aa"] },
        { "no such count", ["cart=1.aa"] },
        { "count 0", ["cart=0.aa"] },
        { "count 9", ["cart=9.aa", "cart.1=b", "cart.2=b", "cart.3=b", "cart.4=b", "cart.5=b", "cart.6=b", "cart.7=b", "cart.8=b"] },
        { "a letter for a count", ["cart=x.aa", "cart.1=bb"] },
        { "ASP-09: a huge number in place of a chunk", ["cart=2.aa", "cart.2147483647=bb"] },
        { "two digits in place of a chunk", ["cart=2.aa", "cart.01=bb"] },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void CKI_06_What_is_not_exactly_the_chunks_that_the_first_counts_is_refused(string why, string[] pairs)
    {
        var found = Find(pairs);
        Assert.True(found is { IsBroken: true, Token: null }, why);
    }

    [Theory]
    [InlineData("2147483647")]
    [InlineData("01")]
    [InlineData("0")]
    [InlineData("8")]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData("note")]
    public async Task CKI_09_A_cookie_that_is_numbered_as_no_chunk_can_be_is_another_s_and_refuses_nothing(string number)
    {
        Assert.Equal("aabb", Find("cart=2.aa", "cart.1=bb", $"cart.{number}=cc").Token);
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        // Nobody would ever take it back, so a refusal would be for good.
        browser.Kept[$"basket.{number}"] = "theirs";
        Assert.Equal("a", await browser.ItemsAsync());
        Assert.Equal("2", (await browser.PostAsync("/basket/b")).Text);
    }

    [Theory]
    [InlineData("cartoon=x", null)]
    [InlineData("Cart=x", null)]
    [InlineData("cart", null)]
    [InlineData("cart=", "")]
    [InlineData("cart=a=b", "a=b")]
    [InlineData(" cart=x", "x")]
    [InlineData("\u2000cart=x", null)]
    [InlineData("=cart; cart=\"x\"", "\"x\"")]
    public void CKI_08_Only_the_cookie_itself_counts_and_odd_ones_never_throw(string header, string? token) =>
        Assert.Equal(token, StateCookies.Find(new StringValues(header), "cart").Token);

    [Fact]
    public void LIM_01_Ten_thousand_cookies_are_passed_over_in_one_pass()
    {
        var header = new StringValues(string.Join("; ", Enumerable.Range(0, 10_000).Select(i => $"cart.{i}=x")));
        var found = StateCookies.Find(header, "cart");
        Assert.True(found.IsBroken);
        Assert.InRange(found.Chunks, 0, 0xFF);
    }

    [Fact]
    public async Task CKI_06_A_state_that_shrinks_takes_its_last_chunks_back()
    {
        await using var app = await Browser.StartAsync(("Limits:ClientBytes", "30000"));
        var browser = new Browser(app);
        for (var i = 0; i < 5; i++) await browser.PostAsync("/basket/" + new string((char)('a' + i), 1500));
        Assert.Equal(["basket", "basket.1", "basket.2", "id"], browser.Kept.Keys.Order());
        Assert.Equal(5 * 1501 - 1, (await browser.ItemsAsync()).Length);
        await browser.SendAsync(HttpMethod.Delete, "/basket");
        Assert.Equal(["basket", "id"], browser.Kept.Keys.Order());
        Assert.Equal("1", (await browser.PostAsync("/basket/b")).Text);
    }

    [Fact]
    public async Task CKI_06_Chunks_of_two_generations_are_refused_and_taken_back()
    {
        await using var app = await Browser.StartAsync(("Limits:ClientBytes", "30000"));
        var browser = new Browser(app);
        for (var i = 0; i < 4; i++) await browser.PostAsync("/basket/" + new string((char)('a' + i), 1500));
        var before = new Dictionary<string, string>(browser.Kept);
        await browser.PostAsync("/basket/z");
        var mixed = new Browser(app) { Kept = new(browser.Kept) { ["basket.1"] = before["basket.1"] } };
        var reply = await mixed.GetAsync("/basket");
        Assert.Equal((400, "SS1020", "no"), (reply.Status, reply.Code, reply.Applied));
        Assert.Equal(["id"], mixed.Kept.Keys);
        // CKI-09: it does not go on for ever.
        Assert.Equal("", await mixed.ItemsAsync());
        Assert.EndsWith("z", await browser.ItemsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CKI_06_What_is_taken_back_is_bounded_whatever_the_request_brought()
    {
        await using var app = await Browser.StartAsync();
        var browser = new Browser(app);
        await browser.PostAsync("/basket/a");
        var bomb = string.Join("; ", Enumerable.Range(0, 900).Select(i => $"basket.{i}=x"));
        var reply = await app.PostAsync("/basket/b", ("Cookie", $"id={browser.Kept["id"]}; {bomb}"));
        Assert.Equal((400, "SS1020"), (reply.Status, reply.Code));
        Assert.InRange(reply.Headers["Set-Cookie"].Length, 1, StateCookies.MostChunks);
    }
}
