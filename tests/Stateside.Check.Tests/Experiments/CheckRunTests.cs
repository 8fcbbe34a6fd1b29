using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.Check.Reports;

namespace Stateside.Check.Tests.Experiments;

/// <summary>Whole checks of small services inside the test's process, each with one truth.</summary>
public sealed class CheckRunTests
{
    private const string Basket = """
        # @name open
        POST /basket

        ###
        POST /basket/{{open.response.body.$.basket}}/lines
        Content-Type: application/json

        {"article":"tea"}

        ###
        GET /basket/{{open.response.body.$.basket}}

        ###
        POST /basket/{{open.response.body.$.basket}}/lines
        Content-Type: application/json

        {"article":"cup"}

        ###
        GET /basket/{{open.response.body.$.basket}}
        """;

    [Fact]
    public async Task State_in_memory_is_lost_with_the_process_and_the_report_says_at_which_step()
    {
        var report = await Checking.RunAsync(Basket, Baskets(s => s.Memory));
        Assert.Equal("ffff?", Checking.Answers(report));
        Assert.Equal(Architecture.LostWithProcess, report.Architecture);
        var move = report.Findings.First(f => f.Rule == "CHK-MOVE");
        Assert.Equal((2, 1, "status", "201", "404"), (move.Step, move.MadeBy, move.Place, move.Expected, move.Actual));
        Assert.Contains("HTTP/1.1 404", move.ActualExchange, StringComparison.Ordinal);
        Assert.Contains("BASE_1", move.Reproduction, StringComparison.Ordinal);
        Assert.NotNull(report.Advice);
    }

    [Fact]
    public async Task One_more_step_that_differs_is_one_step_and_notices_are_in_the_order_of_the_steps()
    {
        var scenario = Checking.Read(string.Join("###", Basket.Split("###").Take(3))) with { Notices = ["Step 10 sends x", "Step 2 sends y"] };
        var report = await new CheckRun([scenario], new InProcessSource(Baskets(s => s.Memory)), new CheckOptions { Only = ["move"] }, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.EndsWith(" Step 3 differs too.", report.Findings.First(f => f.Rule == "CHK-MOVE").Detail, StringComparison.Ordinal);
        Assert.Equal(["Step 2 sends y", "Step 10 sends x"], report.Notices);
    }

    [Fact]
    public async Task A_restart_that_fails_later_leaves_what_was_seen_before_it()
    {
        var report = await new CheckRun([Checking.Read(Basket)], new InProcessSource(Baskets(s => s.Memory), mostRestarts: 0), new CheckOptions { Only = ["move"] }, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.Equal(2, report.Findings.First(f => f.Rule == "CHK-MOVE").Step);
        Assert.Equal("broke off: the command failed", report.Experiments.Single(e => e.Name == "move").LeftOut);
    }

    [Fact]
    public async Task Where_a_replica_does_not_come_back_nothing_is_laid_to_the_service_that_is_not_there()
    {
        var report = await new CheckRun([Checking.Read(Basket)], new InProcessSource(Baskets(s => s.Memory), mostRestarts: 0), new CheckOptions { Only = ["move", "spread", "retry"] }, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.DoesNotContain(report.Findings, f => f.Rule is "CHK-CRASH" or "CHK-SPREAD" or "CHK-DOUBLED");
        Assert.All(report.Experiments.Where(e => e.Name is "spread" or "retry"), e => Assert.Equal("a replica did not come back: the command failed", e.LeftOut));
    }

    /// <summary>Whoever is logged in by a sealed cookie, with a basket in memory: what a use of the credential alone shows (no basket) is not what the whole scenario shows.</summary>
    [Fact]
    public async Task What_one_experiment_shows_of_another_state_hides_nothing_that_others_found()
    {
        const string Note = "@name = {{$guid}}\n\nPOST /login\nContent-Type: application/json\n\n{\"user\":\"{{name}}\",\"password\":\"secret\"}\n\n###\nPOST /cart\nContent-Type: application/json\n\n{\"note\":\"{{$guid}}\"}\n\n###\nGET /cart\n";
        var report = await Checking.RunAsync(Note, (app, s) =>
        {
            app.MapPost("/login", (HttpContext http, JsonObject who) => { http.Response.Cookies.Append("who", (string)who["user"]!, new CookieOptions { HttpOnly = true }); return Results.NoContent(); });
            app.MapPost("/cart", (HttpContext http, JsonObject cart) => { s.Memory[http.Request.Cookies["who"]!] = (string)cart["note"]!; return Results.NoContent(); });
            app.MapGet("/cart", (HttpContext http) => Results.Json(new { note = s.Memory.GetValueOrDefault(http.Request.Cookies["who"]!) }));
        });
        Assert.StartsWith("ff", Checking.Answers(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_is_counted_in_each_process_is_told_as_a_limit_and_not_as_a_session()
    {
        const string Ask = "GET /n/{{id}}\n";
        var report = await Checking.RunAsync($"@id = {{{{$guid}}}}\n{string.Join("\n###\n", Enumerable.Repeat(Ask, 4))}", (app, s) =>
            app.MapGet("/n/{id}", (string id) => (int)s.Memory.AddOrUpdate(id, 1, (_, n) => (int)n + 1) > 2 ? Results.StatusCode(429) : Results.Ok()), new CheckOptions { Only = ["move"] });
        var limit = report.Findings.First(f => f is { Rule: "CHK-LIMIT", Experiment: "move" });
        Assert.Contains("One replica alone answers step 3 with 429, the two together with 200: each counts requests by itself.", limit.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("session", limit.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_things_that_one_request_made_without_its_key_are_said_to_be_two()
    {
        var report = await Checking.RunAsync("# @name make\nPOST /notes\nIdempotency-Key: {{$guid}}\n\n###\nGET {{make.response.headers.location}}\n", (app, s) =>
        {
            app.MapPost("/notes", (HttpContext http) =>
            {
                var key = http.Request.Headers["Idempotency-Key"].ToString();
                var id = (string)(key.Length == 0 ? Guid.NewGuid().ToString() : s.Shared.GetOrAdd(key, _ => Guid.NewGuid().ToString()));
                s.Shared[id] = "kept";
                return Results.Created($"/notes/{id}", null);
            });
            app.MapGet("/notes/{id}", (string id) => s.Shared.ContainsKey(id) ? Results.Ok() : Results.NotFound());
        }, new CheckOptions { Only = ["retry"] });
        Assert.Matches("has its effect twice: step 1 \\(make\\) made two: \"/notes/.*\", then \"/notes/.*\" at header:location$", Assert.Single(report.Findings, f => f.Rule == "CHK-DOUBLED").Title);
    }

    [Fact]
    public async Task State_on_local_disk_needs_stickiness_and_survives_a_restart()
    {
        var report = await Checking.RunAsync(Basket, Baskets(s => s.Disk));
        Assert.Equal("fhff?", Checking.Answers(report));
        Assert.Equal(Architecture.NeedsStickiness, report.Architecture);
    }

    [Fact]
    public async Task State_in_a_shared_store_leaves_only_the_retry_that_doubles()
    {
        var report = await Checking.RunAsync(Basket, Baskets(s => s.Shared));
        Assert.Equal("hhfh?", Checking.Answers(report));
        Assert.Equal(Architecture.Hybrid, report.Architecture);
        Assert.Equal("CHK-DOUBLED", report.Findings.Single(f => f.Severity == Severity.Error && f.Step == 3).Rule);
    }

    [Fact]
    public async Task The_same_check_gives_the_same_answers_every_time()
    {
        var answers = new List<string>();
        for (var i = 0; i < 3; i++) answers.Add(Checking.Answers(await Checking.RunAsync(Basket, Baskets(s => s.Memory))));
        Assert.Equal(["ffff?", "ffff?", "ffff?"], answers);
    }

    [Fact]
    public async Task A_scenario_that_proves_nothing_is_told_to_prove_nothing()
    {
        var report = await Checking.RunAsync("GET /a\n\n###\nGET /b\n", (app, s) => app.MapGet("/{x}", (string x) => Results.Json(new { x, instance = s.Number, at = DateTimeOffset.Now, id = Guid.NewGuid() })));
        Assert.Equal("?????", Checking.Answers(report));
        Assert.Contains("proves nothing", report.Verdicts[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_that_varies_by_itself_gets_no_verdict_and_the_usual_fix()
    {
        var report = await Checking.RunAsync("POST /users/ann\n\n###\nGET /users/ann\n", (app, s) =>
        {
            app.MapPost("/users/{name}", (string name) => s.Shared.TryAdd(name, 1) ? Results.Created() : Results.Conflict());
            app.MapGet("/users/{name}", (string name) => s.Shared.ContainsKey(name) ? Results.Ok() : Results.NotFound());
        });
        Assert.Contains("step 1", report.Unrepeatable, StringComparison.Ordinal);
        Assert.Contains("201, 409", report.Unrepeatable, StringComparison.Ordinal);
        Assert.Contains("{{$guid}}", report.Unrepeatable, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Updates_that_are_lost_when_they_come_at_once_are_counted()
    {
        var report = await Checking.RunAsync(Counter, (app, s) =>
        {
            app.MapPost("/n/{id}", async (string id) =>
            {
                var n = (int)s.Shared.GetValueOrDefault(id, 0);
                await Task.Delay(20);
                s.Shared[id] = n + 1;
                return Results.NoContent();
            });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Shared.GetValueOrDefault(id, 0) }));
        });
        Assert.Equal("hhff?", Checking.Answers(report));
        Assert.Contains(report.Findings, f => f.Rule == "CHK-LOST" && f.Detail.Contains("20 of them at once", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Updates_that_the_store_makes_atomic_are_not_lost()
    {
        var report = await Checking.RunAsync(Counter, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared.AddOrUpdate(id, 1, (_, n) => (int)n + 1); return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Shared.GetValueOrDefault(id, 0) }));
        });
        Assert.Equal("hhfh?", Checking.Answers(report));
        Assert.DoesNotContain(report.Findings, f => f.Rule == "CHK-LOST");
    }

    [Fact]
    public async Task A_server_error_under_the_experiment_is_a_finding_of_its_own()
    {
        var report = await Checking.RunAsync(Counter, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Memory[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => s.Memory.ContainsKey(id) ? Results.Json(new { n = 1 }) : Results.StatusCode(500));
        });
        Assert.Equal("CHK-5XX", report.Findings.First(f => f.Question == Question.Context).Rule);
    }

    [Fact]
    public async Task What_is_left_of_a_rate_limit_decides_nothing_and_is_told()
    {
        var report = await Checking.RunAsync(Counter, (app, s) =>
        {
            var left = 100_000;
            app.Use((http, next) =>
            {
                http.Response.Headers["X-RateLimit-Remaining"] = Interlocked.Decrement(ref left).ToString(CultureInfo.InvariantCulture);
                return next(http);
            });
            app.MapPost("/n/{id}", (string id) => { s.Shared.AddOrUpdate(id, 1, (_, n) => (int)n + 1); return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Shared.GetValueOrDefault(id, 0) }));
        });
        Assert.Equal("hhfh?", Checking.Answers(report));
        Assert.Equal(Severity.Warning, Assert.Single(report.Findings, f => f.Rule == "CHK-LIMIT").Severity);
    }

    [Fact]
    public async Task What_is_written_a_moment_after_the_answer_survives_a_restart_with_a_warning()
    {
        var report = await Checking.RunAsync(Counter, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) =>
            {
                s.Memory[id] = 1;
                _ = WriteAsync();
                return Results.NoContent();

                async Task WriteAsync()
                {
                    await Task.Delay(500);
                    s.Disk[id] = 1;
                }
            });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Memory.ContainsKey(id) || s.Disk.ContainsKey(id) ? 1 : 0 }));
        });
        Assert.Equal("fhhf?", Checking.Answers(report));
        Assert.Equal(Severity.Warning, Assert.Single(report.Findings, f => f.Rule == "CHK-RESTART").Severity);
    }

    [Theory]
    [InlineData("PUT /n/{{id}}\n\n###\nGET /n/{{id}}\n\n###\n", "hhhh?", "1 of 3 unsafe steps was sent twice, one after the other and at once, and no second effect was seen; not judged: ")]
    [InlineData("", "?????", "no unsafe step could show a second effect: ")]
    public async Task A_step_that_is_refused_anyway_or_that_nothing_reads_back_is_not_said_to_have_had_its_effect_once(string written, string answers, string reason)
    {
        var first = written.Length == 0 ? 1 : 3;
        var report = await Checking.RunAsync($"@id = {{{{$guid}}}}\n\n{written}# @name form\nPOST /forms\n\n###\n# @name mail\nPOST /mails\n\n###\nGET /about\n", (app, s) =>
        {
            app.MapPut("/n/{id}", (string id) => { s.Shared[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.Count(e => e.Key == id) }));
            app.MapPost("/forms", () => Results.BadRequest());
            app.MapPost("/mails", () => Results.NoContent());
            app.MapGet("/about", () => Results.Text("about"));
        });
        Assert.Equal(answers, Checking.Answers(report));
        Assert.Equal($"{reason}step {first} (form), which is answered 400; step {first + 1} (mail), which no later step reads back", report.Verdicts[(int)Question.Retry].Reason);
    }

    /// <summary>Two orders or one: who asks for the order whose id was answered sees one.</summary>
    [Theory]
    [InlineData(false, Outcome.CannotTell, "no unsafe step could show a second effect: step 1 (order), which later steps read only by the id that it answers")]
    [InlineData(true, Outcome.Holds, "every unsafe step was sent twice, one after the other and at once, and no second effect was seen")]
    public async Task What_is_read_only_by_its_own_id_does_not_show_that_there_are_two(bool isOnce, Outcome outcome, string reason)
    {
        var report = await Checking.RunAsync("@number = {{$guid}}\n\n# @name order\nPOST /orders/{{number}}\n\n###\nGET /orders/{{order.response.body.$.id}}\n", (app, s) =>
        {
            app.MapPost("/orders/{number}", (string number) =>
            {
                var id = isOnce ? (string)s.Shared.GetOrAdd("number " + number, _ => Guid.NewGuid().ToString("N")) : Guid.NewGuid().ToString("N");
                s.Shared[id] = 1;
                return Results.Json(new { id });
            });
            app.MapGet("/orders/{id}", (string id) => s.Shared.ContainsKey(id) ? Results.Text("ordered") : Results.NotFound());
        }, new CheckOptions { Only = ["retry"] });
        Assert.Equal((outcome, reason), (report.Verdicts[(int)Question.Retry].Outcome, report.Verdicts[(int)Question.Retry].Reason));
    }

    [Fact]
    public async Task Where_another_replica_fails_for_another_reason_nothing_is_said_of_the_credential()
    {
        var report = await Checking.RunAsync("""
            # @name login
            POST /login
            Content-Type: application/json

            {"user":"ann","password":"secret"}

            ###
            # @name note
            POST /notes
            Authorization: Bearer {{login.response.body.$.token}}

            ###
            # @name read
            GET /notes/{{note.response.body.$.id}}
            Authorization: Bearer {{login.response.body.$.token}}
            """, (app, s) =>
        {
            bool IsKnown(HttpContext http) => s.Shared.ContainsKey($"{http.Request.Headers.Authorization}".Split(' ')[^1]);
            app.MapPost("/login", () => { var token = Guid.NewGuid().ToString("N"); s.Shared[token] = 1; return Results.Json(new { token }); });
            app.MapPost("/notes", (HttpContext http) => Results.Json(new { id = Guid.NewGuid().ToString("N") }));
            app.MapGet("/notes/{id}", (HttpContext http) => !IsKnown(http) ? Results.Text("who are you?") : s.Number == 0 ? Results.Text("a note") : Results.NotFound());
        }, new CheckOptions { Only = ["credential"] });
        Assert.Equal((Outcome.CannotTell, "at step 3 (read) another replica answers otherwise, and not as to nobody: it need not be for the credential"),
            (report.Verdicts[(int)Question.Auth].Outcome, report.Verdicts[(int)Question.Auth].Reason));
    }

    [Fact]
    public async Task A_credential_that_no_replica_issued_is_not_said_to_be_issued()
    {
        var report = await Checking.RunAsync("GET /me\nAuthorization: Basic YW5uOnNlY3JldA==\n\n###\nGET /me\nAuthorization: Basic YW5uOnNlY3JldA==\n", (app, _) =>
            app.MapGet("/me", (HttpContext http) => http.Request.Headers.Authorization == "Basic YW5uOnNlY3JldA==" ? Results.Text("ann") : Results.Unauthorized()), new CheckOptions { Only = ["credential"] });
        Assert.Equal((Outcome.Holds, "the credential that the client has from elsewhere was honoured by one replica and another, and after a restart of all"),
            (report.Verdicts[(int)Question.Auth].Outcome, report.Verdicts[(int)Question.Auth].Reason));
    }

    [Theory]
    [InlineData(1, true, Outcome.CannotTell, "there is only one replica, so no other could be asked to honour the credential")]
    [InlineData(2, false, Outcome.Holds, "what one replica issued was honoured by another; not tried after a restart")]
    [InlineData(2, true, Outcome.Holds, "what one replica issued was honoured by another, and after a restart of all")]
    public async Task What_is_said_of_a_credential_is_what_was_tried(int replicas, bool canRestart, Outcome outcome, string reason)
    {
        var report = await Checking.RunAsync("""
            # @name login
            POST /login
            Content-Type: application/json

            {"user":"ann","password":"secret"}

            ###
            GET /me
            Authorization: Bearer {{login.response.body.$.token}}
            """, (app, s) =>
        {
            app.MapPost("/login", () => { var token = Guid.NewGuid().ToString("N"); s.Shared[token] = 1; return Results.Json(new { token }); });
            app.MapGet("/me", (HttpContext http) => s.Shared.ContainsKey($"{http.Request.Headers.Authorization}"["Bearer ".Length..]) ? Results.Text("ann") : Results.Unauthorized());
        }, new CheckOptions { Only = ["credential"] }, replicas, canRestart);
        Assert.Equal((outcome, reason), (report.Verdicts[(int)Question.Auth].Outcome, report.Verdicts[(int)Question.Auth].Reason));
    }

    [Fact]
    public async Task Without_a_restart_what_needs_one_cannot_be_told()
    {
        var report = await Checking.RunAsync(Basket, Baskets(s => s.Shared), canRestart: false);
        Assert.Equal("h?fh?", Checking.Answers(report));
        Assert.Contains("--restart", report.Verdicts[1].Reason, StringComparison.Ordinal);
        Assert.Contains(report.Experiments, e => e is { Name: "fresh", LeftOut: not null });
    }

    [Fact]
    public async Task Only_what_was_asked_for_is_done()
    {
        var report = await Checking.RunAsync(Basket, Baskets(s => s.Memory), new CheckOptions { Only = ["restart"] });
        Assert.Equal("?f???", Checking.Answers(report));
    }

    [Fact]
    public async Task What_is_ignored_is_no_difference()
    {
        Action<WebApplication, Surroundings> service = (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = 1; s.Memory[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.Count(e => e.Key == id), warm = s.Memory.ContainsKey(id) }));
        };
        Assert.Equal('f', Checking.Answers(await Checking.RunAsync(Counter, service))[0]);
        Assert.Equal("hhhh?", Checking.Answers(await Checking.RunAsync(Counter, service, new CheckOptions { Ignore = ["$.warm"] })));
    }

    [Fact]
    public async Task Twenty_steps_on_two_replicas_take_less_than_a_minute()
    {
        var scenario = string.Join("\n\n###\n", Enumerable.Range(0, 10).Select(_ => "POST /n/{{id}}\n\n###\nGET /n/{{id}}").Prepend("@id = {{$guid}}\n"));
        var report = await Checking.RunAsync(scenario, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared.AddOrUpdate(id, 1, (_, n) => (int)n + 1); return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Shared.GetValueOrDefault(id, 0) }));
        });
        Assert.Equal("hhfh?", Checking.Answers(report));
        Assert.InRange(report.Elapsed.TotalSeconds, 0, 60);
    }

    private const string Counter = "@id = {{$guid}}\n\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n\n###\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n";

    private static Action<WebApplication, Surroundings> Baskets(Func<Surroundings, ConcurrentDictionary<string, object>> place) => (app, surroundings) =>
    {
        var baskets = place(surroundings);
        app.MapPost("/basket", () =>
        {
            var basket = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
            baskets[basket] = new ConcurrentQueue<string>();
            return Results.Json(new { basket });
        });
        app.MapPost("/basket/{id}/lines", (string id, Line line) =>
        {
            if (!baskets.TryGetValue(id, out var lines)) return Results.NotFound();
            ((ConcurrentQueue<string>)lines).Enqueue(line.Article);
            return Results.StatusCode(201);
        });
        app.MapGet("/basket/{id}", (string id) => baskets.TryGetValue(id, out var lines) ? Results.Json(new { lines }) : Results.NotFound());
    };

    private sealed record Line(string Article);
}
