using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Idempotency;

/// <summary>The header and the answers that the draft prescribes: requirements IDK, SFV, SCP and FPR.</summary>
public class KeyTests
{
    private const string Name = "Idempotency-Key";

    internal static void Map(WebApplication app)
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally, Item? item) => tally.Update(t => t.Add(item?.Count ?? 1)).Value);
        app.MapPost("/required/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value).RequireIdempotencyKey();
        app.MapPost("/other/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add(100)).Value);
        app.MapPut("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapDelete("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapMethods("/tallies/{id}", ["OPTIONS"], ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapPatch("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        app.MapPost("/basket/{item}", (State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length);
        app.MapPost("/refuse/{id}/{status:int}", (int status, [RouteKey("id")] State<Tally> tally) => Results.StatusCode(status));
        app.MapPost("/letters", ([NewKey] State<Letter> letter, Item item) => { letter.Set(new(item.Name)); return TypedResults.Created($"/letters/{letter.Id}", letter.Id); });
    }

    private static Task<TestApp> StartAsync(bool strict = false) => TestApp.StartAsync(Map, new() { Settings = { ["Idempotency:Strict"] = $"{strict}" } });

    private static async Task<string> TallyAsync(TestApp app, string id = "1") => (await app.GetAsync($"/tallies/{id}")).Text;

    [Fact]
    public async Task IDK_01_A_required_key_that_is_missing_is_a_problem_of_400()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.PostAsync("/required/1"), "SS1002", 400);
        Assert.Equal("0", await TallyAsync(app));
    }

    [Fact]
    public async Task IDK_02_A_key_with_another_payload_is_422_and_has_no_effect()
    {
        await using var app = await StartAsync();
        var session = await app.BeginSessionAsync("/basket/x");
        Assert.Equal(200, (await app.PostAsync("/tallies/1", """{"name":"a","count":2}""", (Name, "k"), session)).Status);
        Problem.Is(await app.PostAsync("/tallies/1", """{"name":"a","count":3}""", (Name, "k"), session), "SS1004", 422);
        Assert.Equal("2", await TallyAsync(app));
    }

    [Fact]
    public async Task IDK_04_and_05_A_first_use_runs_and_a_second_gets_its_result()
    {
        await using var app = await StartAsync();
        var first = await app.PostAsync("/required/1", (Name, "k"));
        var second = await app.PostAsync("/required/1", (Name, "k"));
        Assert.Equal(("1", "1"), (first.Text, second.Text));
        Assert.Null(first["Idempotent-Replayed"]);
        Assert.Equal("true", second["Idempotent-Replayed"]);
        Assert.Equal("1", await TallyAsync(app));
    }

    [Fact]
    public async Task IDK_04_An_error_that_the_handler_decided_is_replayed_too()
    {
        await using var app = await StartAsync();
        Assert.Null((await app.PostAsync("/refuse/1/409", (Name, "k")))["Idempotent-Replayed"]);
        var again = await app.PostAsync("/refuse/1/409", (Name, "k"));
        Assert.Equal((409, "true"), (again.Status, again["Idempotent-Replayed"]));
    }

    /// <summary>docs/idempotency.md publishes the list.</summary>
    [Theory]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, true)]
    [InlineData(408, false)]
    [InlineData(409, true)]
    [InlineData(413, false)]
    [InlineData(415, false)]
    [InlineData(422, true)]
    [InlineData(425, false)]
    [InlineData(429, false)]
    [InlineData(500, false)]
    [InlineData(503, false)]
    public async Task IDK_06_and_RPL_05_Which_refusals_are_kept_follows_the_published_policy(int status, bool kept)
    {
        await using var app = await StartAsync();
        await app.PostAsync($"/refuse/1/{status}", (Name, "k"));
        var again = await app.PostAsync($"/refuse/1/{status}", (Name, "k"));
        Assert.Equal(status, again.Status);
        Assert.Equal(kept ? "true" : null, again["Idempotent-Replayed"]);
    }

    [Fact]
    public async Task IDK_07_and_08_The_problems_have_the_titles_of_the_draft_and_types_of_their_own()
    {
        await using var app = await StartAsync();
        var missing = await app.PostAsync("/required/1");
        await app.PostAsync("/basket/x", (Name, "k"));
        var session = await app.BeginSessionAsync("/basket/x");
        await app.PostAsync("/tallies/1", """{"name":"a"}""", (Name, "k"), session);
        var reused = await app.PostAsync("/tallies/1", """{"name":"b"}""", (Name, "k"), session);
        Assert.Equal("Idempotency-Key is missing", missing.Json.GetProperty("title").GetString());
        Assert.Equal("Idempotency-Key is already used", reused.Json.GetProperty("title").GetString());
        Assert.Equal("A request is outstanding for this Idempotency-Key", Errors.OutstandingKind.Title);
        Assert.Equal(Errors.All.Count, Errors.All.Select(k => k.Type).Distinct().Count());
    }

    [Theory]
    [InlineData("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", true, true)]
    [InlineData("8e03978e-40d5-43e8-bc93-6894a57f9324", true, false)]
    [InlineData("clkyoesmbgybucifusbbtdsbohtyuuwz", true, false)]
    [InlineData(":aGVsbG8=:", true, false)]
    [InlineData("?1", true, false)]
    [InlineData("42", true, false)]
    [InlineData("4.2", true, false)]
    [InlineData("@1659578233", true, false)]
    [InlineData("%\"x\"", false, false)]
    [InlineData("\"a\\\"b\"", true, true)]
    [InlineData("\"a\\\\b\"", true, true)]
    [InlineData("\"a\\nb\"", false, false)]
    [InlineData("\"a\tb\"", false, false)]
    [InlineData("\"a\u007fb\"", false, false)]
    [InlineData("   \"k\"   ", true, true)]
    [InlineData("\"k\" x", false, false)]
    [InlineData("\"k\";a=1", true, true)]
    [InlineData("\"k\", \"l\"", false, false)]
    [InlineData("k,l", false, false)]
    [InlineData("\"\"", false, false)]
    [InlineData("", false, false)]
    public async Task SFV_01_to_09_The_forms_of_the_key_that_are_taken(string header, bool plain, bool strict)
    {
        foreach (var (isStrict, isTaken) in new[] { (false, plain), (true, strict) })
        {
            await using var app = await StartAsync(isStrict);
            var reply = await app.PostAsync("/required/1", (Name, header));
            if (isTaken) Assert.Equal("1", reply.Text);
            else Problem.Is(reply, "SS1003", 400);
            Assert.Equal(isTaken ? "1" : "0", await TallyAsync(app));
        }
    }

    [Fact]
    public async Task SFV_06_and_09_Bare_quoted_and_parametrised_spellings_name_one_record()
    {
        await using var app = await StartAsync();
        foreach (var spelling in new[] { "key-1", "\"key-1\"", "\"key-1\";a=1" })
            Assert.Equal("1", (await app.PostAsync("/required/1", (Name, spelling))).Text);
    }

    [Fact]
    public async Task SFV_07_Two_lines_are_refused_and_the_handler_does_not_run()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.PostAsync("/required/1", (Name, "a"), (Name, "b")), "SS1003", 400);
        Assert.Equal((0, 0), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task SFV_08_A_key_of_255_characters_is_taken_and_one_of_256_is_refused_before_the_store_is_asked()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.PostAsync("/required/1", (Name, new string('k', 256))), "SS1003", 400);
        Assert.Equal(0, app.Store.Loads);
        Assert.Equal("1", (await app.PostAsync("/required/1", (Name, new string('k', 255)))).Text);
    }

    [Fact]
    public async Task SFV_10_No_text_of_the_key_reaches_the_store()
    {
        await using var app = await StartAsync();
        await app.PostAsync("/required/1", (Name, "'OR'1'='1'--DROP"));
        var commit = Assert.Single(app.Store.Sent);
        Assert.DoesNotContain("DROP", commit.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("DROP", System.Text.Encoding.Latin1.GetString(commit.Receipt!.Body.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SCP_01_Two_callers_with_one_key_never_see_each_others_answers()
    {
        await using var app = await StartAsync();
        var one = await app.BeginSessionAsync("/basket/seed1");
        var two = await app.BeginSessionAsync("/basket/seed2");
        Assert.Equal("2", (await app.PostAsync("/basket/x", (Name, "k"), one)).Text);
        await app.PostAsync("/basket/y", two);
        var other = await app.PostAsync("/basket/x", (Name, "k"), two);
        Assert.Equal(("3", null), (other.Text, other["Idempotent-Replayed"]));
        Assert.Equal("true", (await app.PostAsync("/basket/x", (Name, "k"), one))["Idempotent-Replayed"]);
    }

    [Fact]
    public async Task SCP_02_A_key_on_another_path_or_method_never_replays_the_first_answer()
    {
        await using var app = await StartAsync();
        var session = await app.BeginSessionAsync("/basket/x");
        Assert.Equal("1", (await app.PostAsync("/tallies/1", (Name, "k"), session)).Text);
        Problem.Is(await app.PostAsync("/tallies/1?q=1", (Name, "k"), session), "SS1004", 422);
        Assert.Equal("101", (await app.PostAsync("/other/1", (Name, "k"), session)).Text);
        Assert.Equal("102", (await app.SendAsync(HttpMethod.Patch, "/tallies/1", null, (Name, "k"), session)).Text);
        // Another id is another group, so the record of the first is not found there.
        Assert.Equal("1", (await app.PostAsync("/tallies/2", (Name, "k"), session)).Text);
    }

    [Fact]
    public async Task SCP_03_Two_anonymous_callers_behind_one_address_do_not_collide()
    {
        await using var app = await StartAsync();
        var one = await app.PostAsync("/letters", """{"name":"mine"}""", (Name, "k"));
        var two = await app.PostAsync("/letters", """{"name":"yours"}""", (Name, "k"));
        Assert.Equal((201, 201), (one.Status, two.Status));
        Assert.NotEqual(one.Text, two.Text);
        Assert.Equal(one.Text, (await app.PostAsync("/letters", """{"name":"mine"}""", (Name, "k"))).Text);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task FPR_01_The_fingerprint_covers_query_and_body_with_and_without_a_length(bool chunked, bool http2)
    {
        var protocols = http2 ? Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2 : Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1;
        await using var app = await TestApp.StartAsync(Map, new() { Protocols = protocols });
        var session = await app.BeginSessionAsync("/basket/x");
        HttpContent Body(int count) => chunked ? Sending.Chunked($$"""{"name":"a","count":{{count}}}""") : Sending.Json($$"""{"name":"a","count":{{count}}}""");
        Task<Reply> Post(string path, int count) => app.SendAsync(HttpMethod.Post, path, Body(count), (Name, "k"), session);

        Assert.Equal("5", (await Post("/tallies/1", 5)).Text);
        Assert.Equal(("5", "true"), ((await Post("/tallies/1", 5)).Text, (await Post("/tallies/1", 5))["Idempotent-Replayed"]));
        Problem.Is(await Post("/tallies/1", 6), "SS1004", 422);
        Problem.Is(await Post("/tallies/1?a=1", 5), "SS1004", 422);
        Assert.Equal("5", await TallyAsync(app));
    }

    [Fact]
    public async Task FPR_02_Reordered_members_are_another_body()
    {
        await using var app = await StartAsync();
        var session = await app.BeginSessionAsync("/basket/x");
        await app.PostAsync("/tallies/1", """{"name":"a","count":5}""", (Name, "k"), session);
        Problem.Is(await app.PostAsync("/tallies/1", """{"count":5,"name":"a"}""", (Name, "k"), session), "SS1004", 422);
    }

    [Fact]
    public async Task FPR_01_A_body_that_something_before_UseStateside_has_read_still_counts()
    {
        await using var app = await TestApp.StartAsync(Map, new()
        {
            Before = a => a.Use(async (http, next) =>
            {
                http.Request.EnableBuffering();
                await http.Request.Body.CopyToAsync(Stream.Null);
                await next();
            }),
        });
        var session = await app.BeginSessionAsync("/basket/x");
        Assert.Equal("5", (await app.PostAsync("/tallies/1", """{"name":"a","count":5}""", (Name, "k"), session)).Text);
        Problem.Is(await app.PostAsync("/tallies/1", """{"name":"a","count":6}""", (Name, "k"), session), "SS1004", 422);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FPR_01_A_body_that_is_gone_before_UseStateside_is_an_error_and_never_an_empty_fingerprint(bool chunked)
    {
        await using var app = await TestApp.StartAsync(Map, new()
        {
            Before = a => a.Use(async (http, next) =>
            {
                if (http.Request.HasFormContentType) await http.Request.ReadFormAsync();
                else await http.Request.Body.CopyToAsync(Stream.Null);
                await next();
            }),
        });
        HttpContent Body() => chunked ? Sending.Chunked("a=1", "application/x-www-form-urlencoded") : Sending.Json("""{"name":"a"}""");
        var reply = await app.SendAsync(HttpMethod.Post, "/required/1", Body(), (Name, "k"));
        Assert.Equal(500, reply.Status);
        Assert.Equal("0", await TallyAsync(app));
    }

    [Fact]
    public async Task FPR_04_The_body_has_a_limit_and_the_handler_reads_all_of_it()
    {
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/length/{id}", async (HttpRequest request, [RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add((new StreamReader(request.Body)).ReadToEndAsync().Result.Length)).Value),
            new() { Settings = { ["Limits:RequestBytes"] = "1000" } });
        foreach (var chunked in new[] { false, true })
        {
            HttpContent Body(int length) => chunked ? Sending.Chunked(new string('x', length), "text/plain") : new StringContent(new string('x', length));
            Assert.Equal("1000", (await app.SendAsync(HttpMethod.Post, $"/length/{chunked}", Body(1000), (Name, "k"))).Text);
            Problem.Is(await app.SendAsync(HttpMethod.Post, $"/length/{chunked}", Body(1001), (Name, "l")), "SS1012", 413);
        }
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public async Task EXP_03_On_methods_that_repeat_safely_the_header_is_ignored_and_nothing_is_kept(string method)
    {
        await using var app = await StartAsync();
        await app.SendAsync(new HttpMethod(method), "/tallies/1", null, (Name, "k,,invalid"));
        var second = await app.SendAsync(new HttpMethod(method), "/tallies/1", null, (Name, "k,,invalid"));
        Assert.Equal("2", second.Text);
        Assert.All(app.Store.Sent, c => Assert.Null(c.Receipt));
    }

    [Fact]
    public async Task EXP_03_A_read_with_the_header_keeps_nothing()
    {
        await using var app = await StartAsync();
        Assert.Equal("0", (await app.GetAsync("/tallies/1", (Name, "k"))).Text);
        Assert.Equal((1, 0), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task A_key_that_needs_a_session_is_refused_before_the_handler_with_the_cookie_that_the_retry_needs()
    {
        await using var app = await StartAsync();
        var refused = await app.PostAsync("/basket/x", (Name, "k"));
        Problem.Is(refused, "SS1001", 400);
        var session = ("Cookie", refused.Cookie!);
        Assert.Equal("1", (await app.PostAsync("/basket/x", (Name, "k"), session)).Text);
        Assert.Equal("true", (await app.PostAsync("/basket/x", (Name, "k"), session))["Idempotent-Replayed"]);
    }
}
