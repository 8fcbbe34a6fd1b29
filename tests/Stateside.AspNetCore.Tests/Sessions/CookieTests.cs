using System.Buffers.Text;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Sessions;

/// <summary>The cookie and whom it admits: requirements OWA and CKI.</summary>
public class CookieTests
{
    private static AppSetup InMemory(TimeProvider? time = null) => new()
    {
        InMemory = true, Time = time, Settings = { ["Session:IdleTimeout"] = "00:30:00", ["Session:AbsoluteTimeout"] = "02:00:00" },
    };

    [Fact]
    public async Task CKI_01_Over_https_the_cookie_is_host_bound_secure_and_out_of_reach_of_scripts()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory());
        app.Client.BaseAddress = new Uri("https://shop.test");
        var reply = await app.PostAsync("/basket/x");
        Assert.Matches("^__Host-id=[A-Za-z0-9_-]{44}; max-age=7200; path=/; secure; samesite=lax; httponly$", reply["Set-Cookie"]);
        Assert.Equal("2", (await app.PostAsync("/basket/y", ("Cookie", reply.Cookie!))).Text);
    }

    [Fact]
    public async Task CKI_01_Over_http_it_has_a_name_that_a_browser_keeps()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory());
        var reply = await app.PostAsync("/basket/x");
        Assert.Matches("^id=[A-Za-z0-9_-]{44}; max-age=7200; path=/; samesite=lax; httponly$", reply["Set-Cookie"]);
    }

    [Fact]
    public async Task CKI_01_The_cookie_of_http_does_not_count_over_https_nor_one_with_another_spelling_of_the_prefix()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory());
        var credential = (await app.PostAsync("/basket/x")).Cookie!.Split('=', 2)[1];
        const string path = "https://shop.test/basket/y";
        foreach (var name in new[] { "id", "__host-id", "__HOST-id", " __Secure-id", "x__Host-id" })
            Assert.Equal("1", (await app.PostAsync(path, ("Cookie", $"{name}={credential}"))).Text);
        Assert.Equal("2", (await app.PostAsync(path, ("Cookie", $"__host-id=x; __Host-id={credential}"))).Text);
    }

    [Fact]
    public async Task OWA_02_Name_and_value_say_nothing_of_the_product()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map);
        Assert.DoesNotContain("state", (await app.PostAsync("/basket/x"))["Set-Cookie"]!, StringComparison.OrdinalIgnoreCase);
    }

    public static TheoryData<string> Bad { get; } =
    [
        "", "x", new string('A', 44), new string('A', 43), new string('A', 45), "AQ" + new string('A', 42), "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        "a=b=c", "%00", "../../etc/passwd", "' OR 1=1--", "CfDJ8", new string('A', 8000), "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    ];

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task OWA_03_and_CKI_08_A_cookie_that_was_never_issued_is_not_adopted_and_never_an_error(string value)
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map);
        Assert.Equal((200, ""), ((await app.GetAsync("/basket", ("Cookie", "id=" + value))).Status, (await app.GetAsync("/basket", ("Cookie", "id=" + value))).Text));
        var written = await app.PostAsync("/basket/x", ("Cookie", "id=" + value));
        Assert.Equal("1", written.Text);
        Assert.NotNull(written.Cookie);
        Assert.NotEqual("id=" + value, written.Cookie);
    }

    [Fact]
    public async Task OWA_03_The_right_internal_id_with_a_wrong_secret_opens_nothing()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map);
        var session = await app.BeginSessionAsync("/basket/mine");
        var bytes = Base64Url.DecodeFromChars(session.Value.Split('=', 2)[1]);
        for (var i = 1; i < bytes.Length; i++)
        {
            var forged = (byte[])bytes.Clone();
            forged[i] ^= 1;
            var cookie = ("Cookie", "id=" + Base64Url.EncodeToString(forged));
            Assert.Equal("", (await app.GetAsync("/basket", cookie)).Text);
            var written = await app.PostAsync("/basket/thief", cookie);
            Assert.Equal("1", written.Text);
            Assert.NotEqual(cookie.Item2, written.Cookie);
        }
        Assert.Equal("mine", (await app.GetAsync("/basket", session)).Text);
    }

    [Fact]
    public async Task OWA_06_A_session_that_is_not_used_ends_after_the_idle_time_and_not_a_second_before()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory(time));
        var session = await app.BeginSessionAsync("/basket/x");
        time.Advance(TimeSpan.FromMinutes(30) - TimeSpan.FromSeconds(1));
        Assert.Equal("x", (await app.GetAsync("/basket", session)).Text);
        time.Advance(TimeSpan.FromMinutes(30) + TimeSpan.FromSeconds(1));
        Assert.Equal("", (await app.GetAsync("/basket", session)).Text);
        Assert.Equal("1", (await app.PostAsync("/basket/y", session)).Text);
    }

    [Fact]
    public async Task OWA_07_However_busy_a_session_ends_at_its_absolute_end()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory(time));
        var session = await app.BeginSessionAsync("/basket/x");
        for (var i = 0; i < 11; i++)
        {
            time.Advance(TimeSpan.FromMinutes(10));
            Assert.Null((await app.PostAsync("/basket/y", session)).Cookie);
        }
        time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.StartsWith("x", (await app.GetAsync("/basket", session)).Text, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("", (await app.GetAsync("/basket", session)).Text);
        Assert.NotNull((await app.PostAsync("/basket/z", session)).Cookie);
    }

    [Fact]
    public async Task OWA_10_A_credential_counts_in_the_cookie_only()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map);
        var credential = (await app.BeginSessionAsync("/basket/x")).Value.Split('=', 2)[1];
        Assert.Equal("", (await app.GetAsync($"/basket?id={credential}")).Text);
        Assert.Equal("", (await app.GetAsync("/basket", ("id", credential), ("Authorization", "Bearer " + credential), ("X-Session", credential))).Text);
    }

    [Fact]
    public async Task OWA_11_Two_session_cookies_count_as_none_and_are_never_merged()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map);
        var (one, two) = (await app.BeginSessionAsync("/basket/one"), await app.BeginSessionAsync("/basket/two"));
        foreach (var both in new[] { $"{one.Value}; {two.Value}", $"{one.Value}; {one.Value}", $"id=; {one.Value}" })
            Assert.Equal("", (await app.GetAsync("/basket", ("Cookie", both))).Text);
        Assert.Equal("one", (await app.GetAsync("/basket", ("Cookie", $"x=1; {one.Value}; y=\"; z"))).Text);
    }

    [Fact]
    public async Task OWA_14_and_15_Only_the_response_that_begins_a_session_sets_the_cookie_and_no_cache_may_keep_it()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            SessionTests.Map(a);
            a.MapPost("/cacheable", (HttpResponse response, State<Basket> basket) => { response.Headers.CacheControl = "public, max-age=60"; return basket.Update(b => b.Add("x")).Items.Length; });
        });
        var first = await app.PostAsync("/cacheable");
        Assert.Equal("no-store", first["Cache-Control"]);
        var session = ("Cookie", first.Cookie!);
        var second = await app.PostAsync("/cacheable", session);
        Assert.Equal((null, "public, max-age=60"), (second.Cookie, second["Cache-Control"]));
        var read = await app.GetAsync("/basket", session);
        Assert.Equal((null, "private, no-cache"), (read.Cookie, read["Cache-Control"]));
    }

    [Fact]
    public async Task OWA_15_A_handler_that_fails_begins_no_session()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapPost("/throws", string (State<Basket> basket) => throw new FormatException(basket.Update(b => b.Add("x")).ToString()));
            a.MapPost("/fails", (State<Basket> basket) => { basket.Update(b => b.Add("x")); return Results.StatusCode(500); });
        });
        Assert.Equal((500, null), ((await app.PostAsync("/throws")).Status, (await app.PostAsync("/throws")).Cookie));
        Assert.Equal((500, null), ((await app.PostAsync("/fails")).Status, (await app.PostAsync("/fails")).Cookie));
        Assert.Equal(0, app.Store.Commits);
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", true)]
    [InlineData("Sec-Fetch-Site", "same-site", false)]
    [InlineData("Sec-Fetch-Site", "same-origin", false)]
    [InlineData("Sec-Fetch-Site", "none", false)]
    [InlineData("Origin", "https://evil.test", true)]
    [InlineData("Origin", "null", true)]
    [InlineData("Origin", "http://localhost", false)]
    public async Task CKI_11_A_write_from_another_site_is_refused(string header, string value, bool refused)
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory());
        var session = await app.BeginSessionAsync("/basket/x");
        var withSession = await app.PostAsync("/basket/y", session, (header, value));
        // A browser keeps a Lax cookie back, and would let the new session take the place of the old one.
        var without = await app.PostAsync("/basket/y", (header, value));
        foreach (var reply in new[] { withSession, without })
        {
            if (refused) Problem.Is(reply, "SS1018", 403);
            else Assert.Equal(200, reply.Status);
            if (refused) Assert.Null(reply.Cookie);
        }
        Assert.Equal(refused ? "x" : "x,y", (await app.GetAsync("/basket", session, (header, value))).Text);
    }

    [Fact]
    public async Task CKI_11_Sec_Fetch_Site_is_believed_before_Origin_and_AllowCrossSite_permits_both()
    {
        await using var app = await TestApp.StartAsync(SessionTests.Map, InMemory());
        Assert.Equal(200, (await app.PostAsync("/basket/y", ("Sec-Fetch-Site", "same-origin"), ("Origin", "null"))).Status);
        await using var open = await TestApp.StartAsync(SessionTests.Map, new() { InMemory = true, Settings = { ["Session:AllowCrossSite"] = "true" } });
        Assert.Equal(200, (await open.PostAsync("/basket/y", ("Sec-Fetch-Site", "cross-site"))).Status);
        Assert.Equal(200, (await open.PostAsync("/basket/y", ("Origin", "https://evil.test"))).Status);
    }
}
