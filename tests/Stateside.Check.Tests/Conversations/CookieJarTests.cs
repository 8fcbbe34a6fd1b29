using FsCheck;
using FsCheck.Fluent;
using Stateside.Check.Conversations;

namespace Stateside.Check.Tests.Conversations;

public sealed class CookieJarTests
{
    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private readonly Clock _clock = new();
    private readonly CookieJar _jar;

    public CookieJarTests() => _jar = new(_clock);

    private string Sent(string path) => string.Join("; ", _jar.For(path).Select(c => $"{c.Name}={c.Value}"));

    private void Keep(string path, params string[] fields) => _jar.Keep(fields, path, 1, 0);

    [Fact]
    public void Cookies_go_to_their_path_and_below_the_longest_first()
    {
        Keep("/shop/cart", "a=1", "b=2; Path=/", "c=3; Path=/shop/cart/");
        Assert.Equal("b=2", Sent("/"));
        Assert.Equal("a=1; b=2", Sent("/shop"));
        Assert.Equal("a=1; b=2", Sent("/shop/cart"));
        Assert.Equal("c=3; a=1; b=2", Sent("/shop/cart/x"));
        Assert.Equal("b=2", Sent("/shopping"));
    }

    [Fact]
    public void Expiry_is_honoured_and_Max_Age_goes_before_Expires()
    {
        Keep("/", "a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2; Expires=Mon, 01-Jun-26 12:00:30 GMT", "c=3", "d=4; Max-Age=0", "e=5; Max-Age=99999999999999");
        Assert.Equal("a=1; b=2; c=3; e=5", Sent("/"));
        _clock.Now += TimeSpan.FromSeconds(10);
        Assert.Equal("b=2; c=3; e=5", Sent("/"));
        _clock.Now += TimeSpan.FromSeconds(20);
        Assert.Equal("c=3; e=5", Sent("/"));
        _clock.Now += TimeSpan.FromDays(400);
        Assert.Equal("c=3", Sent("/"));
    }

    [Fact]
    public void A_cookie_is_replaced_in_its_place_and_removed_by_an_age_that_is_over()
    {
        Keep("/", "a=1", "b=2", "a=3");
        Assert.Equal("a=3; b=2", Sent("/"));
        Keep("/", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=gone; Max-Age=-1");
        Assert.Equal("", Sent("/"));
        Assert.Equal(5, _jar.History.Count);
    }

    [Fact]
    public void Domains_schemes_and_ports_make_no_difference_to_what_is_sent_but_are_kept()
    {
        Keep("/", "a=1; Domain=.Shop.example; Secure; HttpOnly; SameSite=Lax; Partitioned");
        var cookie = Assert.Single(_jar.Cookies);
        Assert.Equal(("shop.example", true, true, "Lax", true), (cookie.Domain, cookie.Secure, cookie.HttpOnly, cookie.SameSite, cookie.Partitioned));
        Assert.Equal("a=1", Sent("/x"));
    }

    [Theory]
    [InlineData("__Host-a=1; Secure; Path=/", true)]
    [InlineData("__Host-a=1; Secure; Path=/x", false)]
    [InlineData("__Host-a=1; Path=/", false)]
    [InlineData("__Host-a=1; Secure; Path=/; Domain=h", false)]
    [InlineData("__Secure-a=1; Secure", true)]
    [InlineData("__secure-a=1", false)]
    [InlineData("=__Secure-a; Secure", false)]
    [InlineData("", false)]
    [InlineData("a=\u0001", false)]
    public void What_a_browser_refuses_is_in_the_history_with_the_reason(string field, bool kept)
    {
        Keep("/", field);
        Assert.Equal(kept ? 1 : 0, _jar.Cookies.Count);
        Assert.Equal(kept, Assert.Single(_jar.History).Refused is null);
    }

    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37")]
    [InlineData("Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37")]
    [InlineData("6 nov 69 8:9:7", "2069-11-06T08:09:07")]
    [InlineData("31 Feb 2020 00:00:00", null)]
    [InlineData("1 Jan 1500 00:00:00", null)]
    [InlineData("1 Jan 2020 24:00:00", null)]
    [InlineData("yesterday", null)]
    [InlineData("", null)]
    public void Dates_are_read_as_browsers_read_them(string text, string? date) =>
        Assert.Equal(date, SetCookie.ParseDate(text)?.ToString("yyyy-MM-ddTHH:mm:ss", System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public void A_service_cannot_fill_the_jar()
    {
        for (var i = 0; i < 400; i++) Keep("/", $"c{i}=1", "big=" + new string('x', 5000));
        Assert.Equal(180, _jar.Cookies.Count);
        Assert.Equal("c399", _jar.Cookies[^1].Name);
    }

    [Fact]
    public void Cookies_can_be_set_and_removed_by_hand_and_a_copy_is_its_own()
    {
        _jar.Set(new Cookie("a", "1"));
        _jar.Set(new Cookie("a", "2"));
        var copy = _jar.Copy();
        copy.Remove("a");
        _jar.Set(new Cookie("b", "3") { Path = "/p" });
        Assert.Equal(("2", "a=2", 0), (_jar["a"]!.Value, Sent("/"), copy.Cookies.Count));
        _jar.Clear();
        Assert.Empty(_jar.Cookies);
    }

    [Fact]
    public void Whatever_a_service_sets_the_jar_answers_and_what_it_sends_it_reads_back()
    {
        var fields = Gen.Elements("a=1", "a=2; Path=/x", "b=;", "=v", "c=\"q\"; max-age=5", "Max-Age=3", "d=1; Expires=Mon, 01 Jun 2026 12:00:01 GMT", ";;;=;", "e=1; Path=x; Path=/y", "a=; Max-Age=0", "é=ü")
            .Or(ArbMap.Default.GeneratorFor<string>().Select(s => s ?? "")).ListOf();
        Prop.ForAll(fields.ToArbitrary(), list =>
        {
            var jar = new CookieJar(_clock);
            jar.Keep(list, "/x/y", 1, 0);
            var sent = jar.For("/x/y/z");
            // Names and paths are unique, no control characters leave, and setting again what was sent changes nothing.
            var unique = jar.Cookies.Select(c => (c.Name, c.Path)).Distinct().Count() == jar.Cookies.Count;
            var clean = sent.All(c => !(c.Name + c.Value).Any(x => x is < ' ' and not '\t' or '\x7F') && !(c.Name + c.Value).Contains(';', StringComparison.Ordinal));
            var before = string.Join(";", sent);
            foreach (var cookie in sent) jar.Set(cookie);
            return unique && clean && before == string.Join(";", jar.For("/x/y/z"));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void The_jar_agrees_with_the_simplest_model_of_one()
    {
        var step = from name in Gen.Elements("a", "b") from value in Gen.Choose(0, 9) from path in Gen.Elements("/", "/x") from age in Gen.Elements(-1, 0, 5, 10) from wait in Gen.Choose(0, 4) select (name, value, path, age, wait);
        Prop.ForAll(step.ListOf().ToArbitrary(), steps =>
        {
            var (clock, model) = (new Clock(), new Dictionary<(string, string), (int Value, DateTimeOffset Until)>());
            var jar = new CookieJar(clock);
            foreach (var s in steps)
            {
                jar.Keep([$"{s.name}={s.value}; Path={s.path}; Max-Age={s.age}"], "/", 1, 0);
                if (s.age <= 0) model.Remove((s.name, s.path));
                else model[(s.name, s.path)] = (s.value, clock.Now + TimeSpan.FromSeconds(s.age));
                clock.Now += TimeSpan.FromSeconds(s.wait);
            }
            var expected = model.Where(m => m.Value.Until > clock.Now).Select(m => $"{m.Key.Item1}{m.Key.Item2}{m.Value.Value}").Order();
            return expected.SequenceEqual(jar.Cookies.Select(c => $"{c.Name}{c.Path}{c.Value}").Order());
        }).QuickCheckThrowOnFailure();
    }
}
