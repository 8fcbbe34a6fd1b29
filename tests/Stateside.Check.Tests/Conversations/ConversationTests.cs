using System.Text;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Conversations;

public sealed class ConversationTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly CancellationToken _ct = CancellationToken.None;

    public void Dispose() => _folder.Dispose();

    private Scenario Scenario(string text) => ScenarioFile.Read(_folder.Write("s.http", text));

    private static Conversation Talk(Scenario scenario, params RawServer[] servers) =>
        new(scenario, [.. servers.Select(s => s.Url)], new ConversationOptions { Timeout = TimeSpan.FromSeconds(20) }, TimeProvider.System);

    private static string Ok(string body, params string[] headers) => RawServer.Response("200 OK", body, headers);

    [Theory]
    [InlineData("/notes/7?a=b", "/notes/7?a=b")]
    [InlineData("notes/7", "/notes/7")]
    [InlineData("http://HOST/notes/7", "/notes/7")]
    [InlineData("https://elsewhere.example/notes/7", null)]
    public async Task A_target_may_be_a_whole_URL_that_a_response_gave_but_never_leads_elsewhere(string location, string? expected)
    {
        await using var server = new RawServer(r => r.Target == "/notes" ? RawServer.Response("201 Created", "", $"Location: {location.Replace("HOST", r["Host"], StringComparison.Ordinal)}") : Ok(r.Target));
        var scenario = Scenario("""
            # @name create
            POST /notes
            ###
            GET {{create.response.headers.Location}}
            """);
        using var talk = Talk(scenario, server);
        var created = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var exchange = await talk.SendAsync(scenario.Steps[1], 0, _ct);
        Assert.Equal(expected, exchange.Answer is { } answer ? Encoding.UTF8.GetString(answer.Body.Span) : null);
        if (expected is null) Assert.Contains("elsewhere.example", exchange.Detail, StringComparison.Ordinal);
        else Assert.DoesNotContain(expected, Curl.Of([created, exchange]).Split("# Step 2")[1].Split("cat ")[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("@base = /notes-{{$guid}}")]
    [InlineData("@base = http://127.0.0.1:1/notes-{{$guid}}")]
    public async Task A_path_that_is_made_up_in_a_variable_at_the_front_is_one_path_for_all_steps(string variable)
    {
        await using var server = new RawServer(r => Ok(r.Target));
        var scenario = Scenario($"{variable}\nPOST {{{{base}}}}\n###\nGET {{{{base}}}}/lines\n");
        using var talk = Talk(scenario, server);
        foreach (var step in scenario.Steps) await talk.SendAsync(step, 0, _ct);
        var made = server.Requests[0].Target;
        Assert.Matches("^/notes-[0-9a-f-]{36}$", made);
        Assert.Equal(made + "/lines", server.Requests[1].Target);
    }

    [Fact]
    public async Task A_session_keeps_its_cookies_and_takes_values_out_of_named_responses_over_all_replicas()
    {
        static string Answer(RawRequest r) => r.Target switch
        {
            "/login" => Ok("{\"token\":\"t-1\",\"user\":{\"ids\":[4,5]}}", "Content-Type: application/json", "Set-Cookie: sid=abc; Path=/; HttpOnly", "X-Next: 7"),
            _ => Ok($"{r.Method} {r.Target} {r["Authorization"]} {r["Cookie"]} {r["X-Next"]} {r.Text}"),
        };
        await using var a = new RawServer(Answer);
        await using var b = new RawServer(Answer);
        var scenario = Scenario("""
            @bearer = Bearer {{login.response.body.$.token}}
            # @name login
            POST /login
            Content-Type: application/json

            {"name":"ann"}
            ###
            PUT /items/{{login.response.body.user.ids[1]}}?n={{login.request.body.$.name}}
            Authorization: {{bearer}}
            X-Next: {{login.response.headers.x-next}}

            of {{login.response.body.$.user.ids[-1]}}
            """);
        using var talk = Talk(scenario, a, b);
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var exchange = await talk.SendAsync(scenario.Steps[1], 1, _ct);
        Assert.Equal("PUT /items/5?n=ann Bearer t-1 sid=abc 7 of 5", Encoding.UTF8.GetString(exchange.Answer!.Body.Span));
        Assert.Equal(a.Url.Authority, b.Requests[0]["Host"]);
        Assert.Equal("sid", Assert.Single(talk.Jar.Cookies).Name);
        Assert.Equal(b.Url, new Uri(exchange.Request!.Url.GetLeftPart(UriPartial.Authority)));
    }

    [Fact]
    public async Task A_function_in_a_variable_is_evaluated_once_and_in_a_request_at_each_use()
    {
        await using var server = new RawServer(r => Ok(r.Target));
        var scenario = Scenario("@id = {{$guid}}-{{$randomInt 1 1000000}}\nGET /{{id}}/{{$guid}}\n");
        using var talk = Talk(scenario, server);
        var first = (await talk.SendAsync(scenario.Steps[0], 0, _ct)).Request!;
        var second = (await talk.SendAsync(scenario.Steps[0], 0, _ct)).Request!;
        using var fork = talk.Fork();
        var forked = (await fork.SendAsync(scenario.Steps[0], 0, _ct)).Request!;
        Assert.Equal(first.Url.Segments[1], second.Url.Segments[1]);
        Assert.Equal(first.Url.Segments[1], forked.Url.Segments[1]);
        Assert.Equal(3, new HashSet<string> { first.Url.Segments[2], second.Url.Segments[2], forked.Url.Segments[2] }.Count);
    }

    [Fact]
    public async Task A_step_that_needs_what_no_response_held_is_not_sent()
    {
        await using var server = new RawServer(_ => RawServer.Response("500 Oops", "no"));
        var scenario = Scenario("# @name login\nPOST /login\n###\nGET /{{login.response.body.$.id}}\n###\nGET /{{$processEnv SURELY_NOT_SET_1}}\n");
        using var talk = Talk(scenario, server);
        var early = await talk.SendAsync(scenario.Steps[1], 0, _ct);
        Assert.Equal((Trouble.NotSent, "'login' was not sent before"), (early.Trouble, early.Detail));
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var exchange = await talk.SendAsync(scenario.Steps[1], 0, _ct);
        Assert.Equal((Trouble.NotSent, "'login.response.body.$.id' is taken from step 1, whose response (500) does not hold it"), (exchange.Trouble, exchange.Detail));
        Assert.Null(exchange.Request);
        Assert.Equal(Trouble.NotSent, (await talk.SendAsync(scenario.Steps[2], 0, _ct)).Trouble);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_refused_repetition_does_not_take_away_what_the_first_time_gave()
    {
        var count = 0;
        await using var server = new RawServer(r => r.Method == "GET" ? Ok(r.Target) : ++count == 1 ? RawServer.Response("201 Created", "{\"id\":9}", "Content-Type: application/json") : RawServer.Response("409 Conflict", "{}"));
        var scenario = Scenario("# @name make\nPOST /make\n###\nGET /{{make.response.body.$.id}}\n");
        var step = scenario.Steps[0] with { Extractions = [new("id", "json:$.id", false)] };
        using var talk = Talk(scenario, server);
        await talk.SendAsync(step, 0, _ct);
        await talk.SendAsync(step, 0, _ct);
        Assert.Equal("/9", (await talk.SendAsync(scenario.Steps[1], 0, _ct)).Request!.Url.AbsolutePath);
        Assert.Equal("9", talk.Value("id"));
    }

    [Fact]
    public async Task Redirects_are_followed_at_the_same_replica_as_a_browser_follows_them()
    {
        Uri? first = null;
        string Answer(RawRequest r) => r.Target switch
        {
            "/login" => RawServer.Response("302 Found", "", $"Location: {first}a?x=1", "Set-Cookie: s=1"),
            "/a?x=1" => RawServer.Response("307 Temporary Redirect", "", "Location: b"),
            "/b" => Ok($"{r.Method} {r["Cookie"]} {r["Content-Type"]} {r.Text}"),
            "/keep" => RawServer.Response("308 Permanent Redirect", "", "Location: /b"),
            _ => RawServer.Response("404 Not Found", ""),
        };
        await using var a = new RawServer(Answer);
        await using var b = new RawServer(Answer);
        first = a.Url;
        var scenario = Scenario("POST /login\nContent-Type: text/plain\n\nbody\n###\nPOST /keep\nContent-Type: text/plain\n\nbody\n###\n# @no-redirect\nGET /keep\n");
        using var talk = Talk(scenario, a, b);
        var exchange = await talk.SendAsync(scenario.Steps[0], 1, _ct);
        Assert.Equal("GET s=1  ", Encoding.UTF8.GetString(exchange.Answer!.Body.Span));
        Assert.Equal(["/login", "/a", "/b"], exchange.Hops.Append(exchange).Select(e => e.Request!.Url.AbsolutePath));
        Assert.Empty(a.Requests);
        Assert.Equal("POST s=1 text/plain body", Encoding.UTF8.GetString((await talk.SendAsync(scenario.Steps[1], 1, _ct)).Answer!.Body.Span));
        Assert.Equal(308, (await talk.SendAsync(scenario.Steps[2], 1, _ct)).Answer!.Status);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/elsewhere", "the redirect leads to 127.0.0.1:1, which is none of the replicas; it was not followed")]
    [InlineData("//evil.example/x", "the redirect leads to evil.example, which is none of the replicas; it was not followed")]
    [InlineData("file:///etc/passwd", "the redirect's Location is no http URL; it was not followed")]
    public async Task A_redirect_to_another_host_is_not_followed(string location, string detail)
    {
        await using var server = new RawServer(_ => RawServer.Response("302 Found", "", $"Location: {location}"));
        var scenario = Scenario("GET /\n");
        using var talk = Talk(scenario, server);
        var exchange = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        Assert.Equal((302, detail, null), (exchange.Answer!.Status, exchange.Detail, exchange.Trouble));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_circle_of_redirects_ends()
    {
        await using var server = new RawServer(_ => RawServer.Response("302 Found", "", "Location: /"));
        var scenario = Scenario("GET /\n");
        using var talk = Talk(scenario, server);
        var exchange = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        Assert.Equal((10, "more than 10 redirects"), (exchange.Hops.Count, exchange.Detail));
        Assert.Equal(11, server.Requests.Count);
    }

    [Fact]
    public async Task A_target_that_looks_like_another_host_is_a_path_at_the_replica()
    {
        await using var server = new RawServer(r => Ok(r.Target));
        var scenario = Scenario("GET //evil.example/x\n###\nGET /\\evil.example\n");
        using var talk = Talk(scenario, server);
        Assert.Equal(server.Url.Authority, (await talk.SendAsync(scenario.Steps[0], 0, _ct)).Request!.Url.Authority);
        Assert.Equal(server.Url.Authority, (await talk.SendAsync(scenario.Steps[1], 0, _ct)).Request!.Url.Authority);
        Assert.Equal(["//evil.example/x", "/%5Cevil.example"], server.Requests.Select(r => r.Target));
    }

    [Fact]
    public async Task A_value_with_a_line_break_never_becomes_a_header_field()
    {
        await using var server = new RawServer(_ => Ok("{\"v\":\"a\\r\\nX-Injected: 1\"}", "Content-Type: application/json"));
        var scenario = Scenario("# @name a\nGET /\n###\nGET /\nX-V: {{a.response.body.$.v}}\n");
        using var talk = Talk(scenario, server);
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var exchange = await talk.SendAsync(scenario.Steps[1], 0, _ct);
        Assert.Equal(Trouble.NotSent, exchange.Trouble);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task An_experiment_can_change_headers_body_cookies_and_connection()
    {
        await using var server = new RawServer(r => Ok(r.Connection.ToString(System.Globalization.CultureInfo.InvariantCulture), "Set-Cookie: s=1"));
        var scenario = Scenario("POST /\nIdempotency-Key: {{$guid}}\nX-A: 1\n\nold {{$guid}}\n");
        var step = scenario.Steps[0];
        using var talk = Talk(scenario, server);
        var first = await talk.SendAsync(step, 0, _ct);
        await talk.SendAsync(step, 0, _ct, new() { Again = first.Request });
        await talk.SendAsync(step, 0, _ct, new() { HeadersSet = new Dictionary<string, string?> { ["x-a"] = "2", ["idempotency-key"] = null, ["X-B"] = "3" }, Body = "new"u8.ToArray(), WithoutCookies = true });
        var own = await talk.SendAsync(step, 0, _ct, new() { OwnConnection = true, Cookies = [new("other", "9")] });
        var last = await talk.SendAsync(step, 0, _ct, new() { Body = ReadOnlyMemory<byte>.Empty });
        var sent = server.Requests;
        Assert.Equal((sent[0]["Idempotency-Key"], sent[0].Text, "s=1"), (sent[1]["Idempotency-Key"], sent[1].Text, sent[1]["Cookie"]));
        Assert.Equal(("2", null, "3", "new", null), (sent[2]["X-A"], sent[2]["Idempotency-Key"], sent[2]["X-B"], sent[2].Text, sent[2]["Cookie"]));
        Assert.Equal("other=9", sent[3]["Cookie"]);
        Assert.Equal(("", "0"), (sent[4].Text, sent[4]["Content-Length"]));
        Assert.Equal(["1", "2", "1"], new[] { first, own, last }.Select(e => Encoding.UTF8.GetString(e.Answer!.Body.Span)));
        Assert.NotEqual(sent[0]["Idempotency-Key"], sent[4]["Idempotency-Key"]);
    }

    [Fact]
    public async Task What_is_sent_to_look_only_leaves_the_conversation_as_it_was()
    {
        await using var server = new RawServer(r => Ok("x", "Set-Cookie: s=" + r["X-N"]));
        var scenario = Scenario("GET /\nX-N: 1\n");
        using var talk = Talk(scenario, server);
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        await talk.SendAsync(scenario.Steps[0], 0, _ct, new() { KeepNothing = true, HeadersSet = new Dictionary<string, string?> { ["X-N"] = "2" } });
        Assert.Equal("1", talk.Jar["s"]!.Value);
    }

    [Fact]
    public async Task A_fork_shares_the_past_and_nothing_after()
    {
        await using var server = new RawServer(r => Ok(r.Connection.ToString(System.Globalization.CultureInfo.InvariantCulture), "Set-Cookie: n=" + r.Target[1..]));
        var scenario = Scenario("GET /1\n###\nGET /2\n");
        using var talk = Talk(scenario, server);
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        using var fork = talk.Fork();
        var exchange = await fork.SendAsync(scenario.Steps[1], 0, _ct);
        Assert.Equal(("1", "2", "n=1"), (talk.Jar["n"]!.Value, fork.Jar["n"]!.Value, server.Requests[1]["Cookie"]));
        Assert.Equal("2", Encoding.UTF8.GetString(exchange.Answer!.Body.Span));
        Assert.Single(talk.Jar.History);
    }

    [Fact]
    public async Task A_conversation_moves_to_new_addresses_and_keeps_its_host_and_cookies()
    {
        await using var b = new RawServer(_ => Ok("b"));
        var scenario = Scenario("GET /\n");
        var a = new RawServer(_ => Ok("a", "Set-Cookie: s=1"));
        using var talk = Talk(scenario, a);
        var host = a.Url.Authority;
        await talk.SendAsync(scenario.Steps[0], 0, _ct);
        await a.DisposeAsync();
        Assert.Equal(Trouble.NoConnection, (await talk.SendAsync(scenario.Steps[0], 0, _ct)).Trouble);
        talk.MoveTo([b.Url]);
        var exchange = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        Assert.Equal("b", Encoding.UTF8.GetString(exchange.Answer!.Body.Span));
        Assert.Equal((host, "s=1"), (b.Requests[0]["Host"], b.Requests[0]["Cookie"]));
    }

    [Fact]
    public async Task A_step_may_do_without_the_jar_and_may_write_cookies_itself()
    {
        await using var server = new RawServer(_ => Ok("", "Set-Cookie: s=1", "Set-Cookie: t=2"));
        var scenario = Scenario("# @no-cookie-jar\nGET /\n###\nGET /\n###\nGET /\nCookie: s=mine; u=3\n###\n# @no-cookie-jar\nGET /\n");
        using var talk = Talk(scenario, server);
        foreach (var step in scenario.Steps) await talk.SendAsync(step, 0, _ct);
        Assert.Equal([null, null, "s=mine; u=3; t=2", null], server.Requests.Select(r => r["Cookie"]));
        Assert.Equal(4, talk.Jar.History.Count);
    }

    [Fact]
    public async Task Cancelling_is_the_only_thing_that_throws()
    {
        var came = new TaskCompletionSource();
        await using var server = new RawServer(async (_, _, ct) =>
        {
            came.SetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        var scenario = Scenario("GET /\n");
        using var talk = Talk(scenario, server);
        using var cancel = new CancellationTokenSource();
        var sending = talk.SendAsync(scenario.Steps[0], 0, cancel.Token);
        await came.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Throws<ArgumentException>(() => new Conversation(scenario, [], new(), TimeProvider.System));
        Assert.Throws<ArgumentException>(() => new Conversation(scenario, [new Uri("ftp://x/")], new(), TimeProvider.System));
    }
}
