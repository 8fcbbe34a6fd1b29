using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.FactReading;

public sealed class FactTests
{
    private static readonly Step Step = new() { Number = 1, Name = "x", Method = "GET", Target = "/" };

    private static Exchange Answered(byte[] body, string? type, params (string, string)[] headers) => new(Step, 0, null,
        new Answer(200, [.. (type is null ? [] : new[] { KeyValuePair.Create("Content-Type", type) }).Concat(headers.Select(h => KeyValuePair.Create(h.Item1, h.Item2)))], body, false), null, null, TimeSpan.Zero);

    private static Facts Of(string body, string? type, params (string, string)[] headers) => Facts.Of(Answered(Encoding.UTF8.GetBytes(body), type, headers));

    private static string Body(string body, string? type) =>
        string.Join("|", Of(body, type).Values.Where(f => f.Key is not ("status" or "header:content-type")).Select(f => $"{f.Key}={f.Value}"));

    [Theory]
    [InlineData("{\"a\":{\"b\":[1,\"x\",null,true,{}]},\"e\":[]}", "json:$.a.b.length()=5|json:$.a.b[0]=1|json:$.a.b[1]=x|json:$.a.b[2]=null|json:$.a.b[3]=true|json:$.a.b[4]={}|json:$.e.length()=0")]
    [InlineData("{\"odd name\":1,\"it's\":2,\"0\":3}", "json:$['odd name']=1|json:$['it\\'s']=2|json:$['0']=3")]
    [InlineData("42", "json:$=42")]
    [InlineData("\"x\"", "json:$=x")]
    [InlineData("{\"a\":1,\"a\":2}", "json:$.a=1|json:$.a#2=2")]
    [InlineData("{\"a\":1}\n{\"a\":2}\n", "json:$[0].a=1|json:$[1].a=2")]
    [InlineData("{\"broken\":", "text:line[0]={\"broken\":")]
    [InlineData("{\"s\":\"\\ud800\"}", "json:$.s=(half a surrogate pair)")]
    public void Json_is_a_value_for_every_path(string body, string facts) => Assert.Equal(facts, Body(body, "application/problem+json; charset=utf-8"));

    [Theory]
    [InlineData("text/html; charset=UTF-8")]
    [InlineData("text/plain")]
    [InlineData(null)]
    public void Json_under_another_name_is_json_all_the_same(string? type) => Assert.Equal("json:$.a=1", Body("{\"a\":1}", type));

    [Fact]
    public void Lines_of_json_are_an_array_and_what_is_cut_is_a_line() =>
        Assert.Equal("json:$[0].a=1|json:$[1].a=2|text:line[2]={\"a\":", Body("{\"a\":1}\n\n{\"a\":2}\n{\"a\":", "application/x-ndjson"));

    [Fact]
    public void A_page_is_its_title_text_forms_links_and_metas()
    {
        var facts = Body("""
            <!DOCTYPE html><html><head><title> Shop &amp; more </title><meta name="csrf-token" content="t1"><style>p { color: red }</style></head>
            <body><!-- hidden <p>x</p> --><h1>Hello, <b>Ann</b>!</h1><script>var a = "<p>no</p>";</script><p>Two
              lines<br>here</p><a href="/a?x=1&amp;y=2">more</a>
            <form action="/login" method="POST"><input type=hidden name=csrf value='tok"1'><input name="user"><input type="checkbox" name="c1"><input type="checkbox" name="c2" checked>
            <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked><select name="s"><option value="a">A</option><option selected>B b</option></select>
            <textarea name="t">
            some <b>text</b></textarea><input type="submit" name="go" value="Go"><button>Send</button></form></body></html>
            """, "text/html");
        Assert.Equal("html:title=Shop & more|html:meta[csrf-token]=t1|html:text[0]=Hello, Ann!|html:text[1]=Two lines|html:text[2]=here|html:text[3]=more|html:text[4]=A|html:text[5]=B b|html:text[6]=Send"
            + "|html:form[0].action=/login|html:form[0].method=post|html:form[0].field[csrf]=tok\"1|html:form[0].field[user]=|html:form[0].field[c2]=on|html:form[0].field[r]=2|html:form[0].field[s]=B b"
            + "|html:form[0].field[t]=some <b>text</b>|html:link[0]=/a?x=1&y=2", facts);
    }

    [Theory]
    [InlineData("<p>a<p>b<div>c", "html:text[0]=a|html:text[1]=b|html:text[2]=c")]
    [InlineData("<form><input name=a value=1><input name=b", "html:form[0].action=|html:form[0].method=get|html:form[0].field[a]=1")]
    [InlineData("<form action='x'><input name=a><input name=a value=2>", "html:form[0].action=x|html:form[0].method=get|html:form[0].field[a]=|html:form[0].field[a]#2=2")]
    [InlineData("text <script>never closed <p>x", "html:text[0]=text")]
    [InlineData("a < b && c > d <", "html:text[0]=a < b && c > d <")]
    [InlineData("<input name=outside value=1>", "html:field[outside]=1")]
    [InlineData("<a href=\"unclosed>x</a><p>y", "")]
    [InlineData("<select name=s><option value=1>one<option value=2>two</select>", "html:text[0]=one|html:text[1]=two|html:field[s]=1")]
    [InlineData("<textarea name=t></textarea>", "html:field[t]=")]
    [InlineData("<!-- never closed", "")]
    [InlineData("</>", "")]
    public void Broken_html_is_read_as_far_as_it_goes(string html, string facts) => Assert.Equal(facts, Body(html, "text/html"));

    [Fact]
    public void Hostile_bodies_are_read_in_time_and_within_limits()
    {
        var time = System.Diagnostics.Stopwatch.StartNew();
        const int Size = 1 << 20;
        string Repeat(string s) => string.Concat(Enumerable.Repeat(s, Size / s.Length));
        foreach (var html in new[] { Repeat("<"), Repeat("<a "), Repeat("<a href=\""), Repeat("<!--"), Repeat("<script>"), Repeat("<p>"), Repeat("<a b=c "), Repeat("&amp"), Repeat("<form><input name=a>"), Repeat("</"), Repeat("<textarea>"), "<a " + Repeat("=") })
            Assert.InRange(Of(html, "text/html").Values.Count, 1, FactList.MaxFacts + 1);
        Assert.Equal(1, Of(Repeat("["), "application/json").Values.Count(f => f.Key.StartsWith("text:", StringComparison.Ordinal)));
        var numbers = Of("[" + Repeat("1,") + "1]", "application/json");
        Assert.Equal(FactList.MaxFacts + 1, numbers.Values.Count);
        Assert.Equal("bytes:sha256", numbers.Values[^1].Key);
        // A long name stands in the place of each value below it.
        var name = new string('n', Size / 2);
        Assert.InRange(Of($"{{\"{name}\":[{string.Concat(Enumerable.Repeat("1,", Size / 4))}1]}}", "application/json").Values.Sum(f => (long)f.Key.Length), 1, 40 << 20);
        Assert.InRange(Of(Repeat("x\n"), "text/plain").Values.Count, 1, FactList.MaxFacts + 1);
        Assert.InRange(Of(Repeat("data: 1\n\n"), "text/event-stream").Values.Count, 1, FactList.MaxFacts + 1);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void Json_of_64_levels_is_taken_apart_and_deeper_is_text()
    {
        string Nested(int depth) => new string('[', depth) + new string(']', depth);
        Assert.NotNull(Of(Nested(64), "application/json")["json:$.length()"]);
        Assert.Null(Of(Nested(65), "application/json")["json:$.length()"]);
        Assert.NotNull(Of(Nested(10_000), "application/json")["text:line[0]"]);
    }

    [Fact]
    public void Binary_is_its_length_and_hash_and_text_its_lines()
    {
        Assert.Equal("bytes:length=3|bytes:sha256=ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc", string.Join("|", Facts.Of(Answered([0, 1, 2], "application/octet-stream")).Values.Skip(2).Select(f => $"{f.Key}={f.Value}")));
        Assert.StartsWith("bytes:length=2|bytes:sha256=", Body("ab", "image/png"));
        Assert.Equal("text:line[0]=a|text:line[2]=b", Body("a\r\n\n b \n", "text/plain"));
        Assert.Equal("text:line[0]=<a>|text:line[1]=<b/>|text:line[2]=</a>", Body("<a><b/></a>", "application/xml"));
        Assert.Equal("", Body("", "text/plain"));
    }

    [Fact]
    public void Charsets_are_honoured()
    {
        Assert.Equal("grüß", Facts.Of(Answered(Encoding.Latin1.GetBytes("grüß"), "text/plain; charset=windows-1252"))["text:line[0]"]);
        Assert.Equal("grüß", Facts.Of(Answered([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes("grüß")], "text/plain"))["text:line[0]"]);
        Assert.NotNull(Facts.Of(Answered(Encoding.Latin1.GetBytes("grüß"), "text/plain"))["bytes:length"]);
        Assert.Equal("a", Facts.Of(Answered([(byte)'a'], "text/plain; charset=no-such-charset"))["text:line[0]"]);
    }

    [Fact]
    public void A_body_in_an_unknown_coding_is_binary() => Assert.NotNull(Of("abc", "text/html", ("Content-Encoding", "zstd"))["bytes:sha256"]);

    [Fact]
    public void Headers_are_facts_but_for_those_that_differ_by_nature()
    {
        var facts = Of("", null, ("Date", "now"), ("Content-Length", "0"), ("Connection", "close"), ("X-B", "1"), ("x-b", "2"), ("ETag", "\"e\""), ("Location", "http://h/a/b?code=1%202&state=x#frag"));
        Assert.Equal("status=200|header:x-b=1, 2|header:etag=\"e\"|header:location=http://h/a/b|header:location?code=1 2|header:location?state=x", string.Join("|", facts.Values.Select(f => $"{f.Key}={f.Value}")));
    }

    [Fact]
    public void Cookies_are_facts_by_their_last_setting_with_attributes_in_order()
    {
        var facts = Of("", null, ("Date", "Mon, 01 Jun 2026 12:00:00 GMT"), ("Set-Cookie", "a=1; Path=/x; Secure; HttpOnly; SameSite=Lax; Expires=Mon, 01 Jun 2026 13:00:00 GMT"), ("Set-Cookie", "b=2; Max-Age=60; Domain=.h.example"),
            ("Set-Cookie", "b=; Max-Age=0"), ("Set-Cookie", "c=; Expires=Mon, 01 Jun 2026 11:00:00 GMT"));
        Assert.Equal("set; expires; httponly; path=/x; samesite=lax; secure", facts["cookie:a"]);
        Assert.Equal("1", facts["cookie:a="]);
        Assert.Equal("removed; max-age=0; path=/", facts["cookie:b"]);
        Assert.Equal("removed; expires; path=/", facts["cookie:c"]);
    }

    [Fact]
    public void Redirects_on_the_way_and_their_cookies_are_facts()
    {
        var hop = Answered([], null, ("Set-Cookie", "s=1"), ("Location", "/home?x=1")) is var e ? e with { Answer = e.Answer! with { Status = 302 } } : null!;
        var facts = Facts.Of(Answered([], null) with { Hops = [hop] });
        Assert.Equal(("302 /home", "1", "200"), (facts["redirect[0]"], facts["cookie:s="], facts["status"]));
    }

    [Fact]
    public void No_answer_is_a_fact_too()
    {
        var facts = Facts.Of(new Exchange(Step, 0, null, null, Trouble.TimedOut, "x", TimeSpan.Zero));
        Assert.Equal("status=none|trouble=TimedOut", string.Join("|", facts.Values.Select(f => $"{f.Key}={f.Value}")));
    }

    [Theory]
    [InlineData("json:$.a.b[0]", "1")]
    [InlineData("json:$.a", "{\"b\":[1,\"two\"]}")]
    [InlineData("json:$.a.b[-1]", "two")]
    [InlineData("json:$['a']['b'][1]", "two")]
    [InlineData("json:$.a.b.length()", "2")]
    [InlineData("json:$.none", null)]
    [InlineData("json:$.a[0]", null)]
    [InlineData("json:$..a", null)]
    [InlineData("body", "{\"a\":{\"b\":[1,\"two\"]}}")]
    [InlineData("status", "200")]
    [InlineData("header:DATE", "now")]
    [InlineData("header:location?code", "a b")]
    [InlineData("header:location/1", "b c")]
    [InlineData("header:location/9", null)]
    [InlineData("cookie:s=", "v=w")]
    [InlineData("cookie:t=", null)]
    [InlineData("nonsense", null)]
    public void Places_find_single_values(string place, string? value) =>
        Assert.Equal(value, Places.Find(Answered(Encoding.UTF8.GetBytes("{\"a\":{\"b\":[1,\"two\"]}}"), "application/json", ("Date", "now"), ("Set-Cookie", "s=v=w; Path=/"), ("Location", "/a/b%20c?code=a+b")), place));

    [Theory]
    [InlineData("html:link[0]?id", "7")]
    [InlineData("html:link[0]/1", "edit")]
    [InlineData("html:form[0].action/1", "42")]
    [InlineData("html:form[0].action", "/items/42?x=1")]
    public void Places_find_parts_of_links(string place, string value) =>
        Assert.Equal(value, Places.Find(Answered(Encoding.UTF8.GetBytes("<a href='http://h/items/edit?id=7#x'>x</a><form action='/items/42?x=1'>"), "text/html"), place));

    [Fact]
    public void Every_place_of_every_json_leads_back_to_its_value()
    {
        var name = Gen.Elements("a", "b c", "it's", "x-y", "0", "a.b", "[0]", "\\", "ü", "");
        var leaf = Gen.Elements("1", "\"s\"", "true", "null", "\"\"");
        Gen<string> Json(int depth) => depth == 0 ? leaf : Gen.OneOf(leaf,
            Json(depth - 1).ListOf().Select(l => "[" + string.Join(",", l.Take(4)) + "]"),
            (from n in name from v in Json(depth - 1) select (n, v)).ListOf().Select(l => "{" + string.Join(",", l.DistinctBy(p => p.n).Take(4).Select(p => $"{System.Text.Json.JsonSerializer.Serialize(p.n)}:{p.v}")) + "}"));
        Prop.ForAll(Json(3).ToArbitrary(), json =>
        {
            var exchange = Answered(Encoding.UTF8.GetBytes(json), "application/json");
            return Facts.Of(exchange).Values.Where(f => f.Key.StartsWith("json:", StringComparison.Ordinal)).All(f => Places.Find(exchange, f.Key) == f.Value);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void No_html_throws_and_no_place_comes_twice()
    {
        var piece = Gen.Elements("<", ">", "</", "<a href=", "\"", "'", "x", " ", "&", "&lt;", "<form", "<input name=a", "/>", "<!--", "-->", "<script", "</script>", "<title>", "<select name=s>", "<option>", "=", "<textarea name=t>", "\0", "é");
        Prop.ForAll(piece.ListOf().ToArbitrary(), pieces =>
        {
            var facts = Of(string.Concat(pieces), "text/html").Values;
            return facts.Select(f => f.Key).Distinct().Count() == facts.Count;
        }).QuickCheckThrowOnFailure();
    }
}
