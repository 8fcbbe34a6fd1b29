using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.Check.Reports;

namespace Stateside.Check.Tests.Experiments;

/// <summary>What the way of asking makes is no fault of the service: each of these is right, or wrong in one way only, and must not be said to be wrong in another.</summary>
public sealed class RigTests
{
    private const string OneWrite = "@id = {{$guid}}\n\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n";

    [Fact]
    public async Task A_value_that_copies_sent_at_once_are_the_first_to_need_is_the_same_in_all_and_later()
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.Count(e => e.Key == id) }));
        }, new CheckOptions { Only = ["retry"] });
        Assert.Equal((Outcome.Holds, "every unsafe step was sent twice, one after the other and at once, and no second effect was seen"), (report.Verdicts[(int)Question.Retry].Outcome, report.Verdicts[(int)Question.Retry].Reason));
    }

    /// <summary>As where a connection is logged in and copies at once have connections of their own: the step was done once, and who asks later is refused.</summary>
    [Fact]
    public async Task Who_is_refused_after_copies_at_once_has_not_seen_an_effect_twice()
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", async (string id) =>
            {
                if (!s.Shared.TryAdd("busy " + id, 1)) s.Shared["met " + id] = 1;
                await Task.Delay(300);
                s.Shared.TryRemove("busy " + id, out _);
                s.Shared[id] = 1;
                return Results.NoContent();
            });
            app.MapGet("/n/{id}", (string id) => s.Shared.ContainsKey("met " + id) ? Results.Unauthorized() : Results.Json(new { n = s.Shared.Count(e => e.Key == id) }));
        }, new CheckOptions { Only = ["retry"] });
        Assert.Equal((Outcome.Holds, "every unsafe step was sent twice, one after the other, and no second effect was seen"), (report.Verdicts[(int)Question.Retry].Outcome, report.Verdicts[(int)Question.Retry].Reason));
    }

    [Fact]
    public async Task Replicas_that_count_for_themselves_are_not_said_to_lose_updates()
    {
        var report = await Checking.RunAsync("@id = {{$guid}}\n\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n\n###\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n", (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Memory.AddOrUpdate(id, 1, (_, n) => (int)n + 1); return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Memory.GetValueOrDefault(id, 0) }));
        }, new CheckOptions { Only = ["move", "parallel"] });
        Assert.Contains(report.Findings, f => f.Rule == "CHK-MOVE");
        Assert.DoesNotContain(report.Findings, f => f.Rule == "CHK-LOST");
        Assert.True(report.Experiments.Single(e => e.Name == "parallel").Requests > 40);
    }

    [Fact]
    public async Task A_cookie_that_is_named_after_the_port_is_sent_to_each_replica_under_its_own_name()
    {
        static string Name(HttpContext http) => "sid-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{http.Connection.LocalPort}")))[..8];
        var report = await Checking.RunAsync("POST /visit\n\n###\nGET /visit\n", (app, s) =>
        {
            app.MapPost("/visit", (HttpContext http) =>
            {
                var id = Guid.NewGuid().ToString("N");
                s.Shared[id] = 1;
                http.Response.Cookies.Append(Name(http), id, new CookieOptions { HttpOnly = true });
                return Results.NoContent();
            });
            app.MapGet("/visit", (HttpContext http) => Results.Text(s.Shared.ContainsKey(http.Request.Cookies[Name(http)] ?? "") ? "welcome back" : "who are you?"));
        });
        Assert.Matches("^hh.h", Checking.Answers(report));
        Assert.Contains(report.Notices, n => n.Contains("has another name at each address", StringComparison.Ordinal));
    }

    [Theory, InlineData(7), InlineData(1_200)]
    public async Task A_cookie_that_is_named_after_what_was_just_made_is_no_difference_and_not_named_after_the_port(int first)
    {
        var report = await Checking.RunAsync("POST /pages\n\n###\nGET /pages\n", (app, s) =>
        {
            app.MapPost("/pages", (HttpContext http) =>
            {
                var revision = (int)s.Shared.AddOrUpdate("revision", first, (_, n) => (int)n + 1);
                http.Response.Cookies.Append($"saved{revision}", "1", new CookieOptions { HttpOnly = true, MaxAge = TimeSpan.FromMinutes(20) });
                return Results.NoContent();
            });
            app.MapGet("/pages", (HttpContext http) =>
            {
                foreach (var name in http.Request.Cookies.Keys.Where(c => c.StartsWith("saved", StringComparison.Ordinal))) http.Response.Cookies.Delete(name);
                return Results.Text(http.Request.Cookies.Count == 1 ? "Your edit was saved." : "A page.");
            });
        }, new CheckOptions { Only = ["move", "spread"] });
        Assert.DoesNotContain(report.Notices, n => n.Contains("another name", StringComparison.Ordinal) || n.Contains("did not show", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Findings, f => f.Severity == Severity.Error);
        // No run was followed by a second one that was to confirm something.
        Assert.Equal(2, report.Experiments.Single(e => e.Name == "move").Runs);
    }

    [Fact]
    public async Task Where_numbers_grow_the_next_run_is_counted_from_the_last_that_differed_in_nothing()
    {
        var report = await Checking.RunAsync("POST /visits\n\n###\nGET /visits\n\n###\nPOST /visits\n\n###\nGET /visits\n", (app, s) =>
        {
            app.MapPost("/visits", () => { s.Shared.AddOrUpdate("n", 1, (_, n) => (int)n + 1); return Results.NoContent(); });
            app.MapGet("/visits", () => Results.Text($"{s.Shared["n"]} visits so far"));
        }, new CheckOptions { Only = ["move"] });
        Assert.DoesNotContain(report.Findings, f => f.Severity == Severity.Error);
        // Three moves in each direction, and one undisturbed run before them.
        Assert.Equal(7, report.Experiments.Single(e => e.Name == "move").Runs);
    }

    /// <summary>Beside it one that is named after the port, and has to be found all the same.</summary>
    [Fact]
    public async Task A_cookie_that_is_named_after_the_port_is_found_beside_one_that_is_named_after_what_was_made()
    {
        var report = await Checking.RunAsync("POST /pages\n\n###\nGET /pages\n", (app, s) =>
        {
            app.MapPost("/pages", (HttpContext http) =>
            {
                http.Response.Cookies.Append($"rev{(int)s.Shared.AddOrUpdate("revision", 7, (_, n) => (int)n + 1)}", "1", new CookieOptions { HttpOnly = true });
                http.Response.Cookies.Append($"sid{http.Connection.LocalPort}", "ann", new CookieOptions { HttpOnly = true });
                return Results.NoContent();
            });
            app.MapGet("/pages", (HttpContext http) => Results.Text(http.Request.Cookies[$"sid{http.Connection.LocalPort}"] ?? "who are you?"));
        }, new CheckOptions { Only = ["move"] });
        Assert.DoesNotContain(report.Findings, f => f.Severity == Severity.Error);
        Assert.Contains(report.Notices, n => n.Contains("has another name at each address", StringComparison.Ordinal));
    }

    /// <summary>Both are refused, so that it does not matter whose session the client keeps.</summary>
    [Fact]
    public async Task Of_two_logins_at_once_one_may_be_refused_and_nothing_is_done_twice()
    {
        const string Login = "# @name form\nGET /login\n\n###\nPOST /login\nContent-Type: application/x-www-form-urlencoded\n\nname=ann&password=secret&token={{form.response.body.$.token}}\n\n###\nGET /me\n";
        var report = await Checking.RunAsync(Login, (app, s) =>
        {
            app.MapGet("/login", () => Results.Json(new { token = Guid.NewGuid() }));
            app.MapPost("/login", async (HttpContext http) =>
            {
                var isAlone = !await MetAsync(s, (await http.Request.ReadFormAsync())["token"]!);
                http.Response.Cookies.Append("sid", (isAlone ? "ann" : "nobody") + "." + Guid.NewGuid().ToString("N"), new CookieOptions { HttpOnly = true });
                return isAlone ? Results.Redirect("/me") : Results.Text("Try again.");
            });
            app.MapGet("/me", (HttpContext http) => Results.Text(http.Request.Cookies["sid"]?.StartsWith("ann", StringComparison.Ordinal) == true ? "Welcome, ann" : "Who are you?"));
        }, new CheckOptions { Only = ["retry"] });
        Assert.DoesNotContain(report.Findings, f => f.Severity == Severity.Error);
    }

    /// <summary>A password among what is sent makes no login of it: each copy is answered as ever, and there are two.</summary>
    [Fact]
    public async Task Who_signs_up_twice_at_once_is_there_twice()
    {
        const string SignUp = "@user = {{$guid}}\n\nPOST /users/{{user}}\nContent-Type: application/json\n\n{\"password\":\"secret\"}\n\n###\nGET /users/{{user}}\n";
        var report = await Checking.RunAsync(SignUp, (app, s) =>
        {
            app.MapPost("/users/{user}", async (string user) =>
            {
                var isThere = s.Shared.ContainsKey("there " + user);
                await MetAsync(s, user);
                if (isThere) return Results.Conflict();
                s.Shared.AddOrUpdate("there " + user, 1, (_, n) => (int)n + 1);
                return Results.Created();
            });
            app.MapGet("/users/{user}", (string user) => Results.Json(new { n = s.Shared.GetValueOrDefault("there " + user, 0) }));
        }, new CheckOptions { Only = ["retry"] });
        Assert.Contains(report.Findings, f => f is { Rule: "CHK-DOUBLED", Severity: Severity.Error });
    }

    /// <summary>Waits a moment for another of the same name.</summary>
    private static async Task<bool> MetAsync(Surroundings s, string name)
    {
        var mine = new TaskCompletionSource();
        // Of two in the same moment exactly one is the first.
        if (s.Shared.GetOrAdd("waits " + name, mine) is TaskCompletionSource first && first != mine)
        {
            first.TrySetResult();
            return true;
        }
        var met = await Task.WhenAny(mine.Task, Task.Delay(150)) == mine.Task;
        s.Shared.TryRemove("waits " + name, out _);
        return met;
    }

    /// <summary>What one run left undone befalls the next, whatever that leaves out: which is no dependency.</summary>
    [Fact]
    public async Task What_a_step_that_was_left_out_leaves_behind_is_no_dependency_of_the_next_that_is_left_out()
    {
        const string Shift = "@me = {{$guid}}\n\nPOST /start/{{me}}\n\n###\nGET /stop/{{me}}\n\n###\nPOST /mark/{{me}}\n\n###\nGET /page/{{me}}\n";
        var report = await Checking.RunAsync(Shift, (app, s) =>
        {
            app.MapPost("/start/{me}", (string me) => { s.Shared["refused " + me] = (string)s.Shared.GetOrAdd("started", me) != me; return Results.NoContent(); });
            app.MapGet("/stop/{me}", (string me) => { s.Shared.TryRemove("started", out _); s.Shared["stopped " + me] = true; return Results.NoContent(); });
            app.MapPost("/mark/{me}", (string me) => Results.NoContent());
            app.MapGet("/page/{me}", (string me) => Results.Json(new { refused = s.Shared.GetValueOrDefault("refused " + me, false), stopped = s.Shared.GetValueOrDefault("stopped " + me, false) }));
        }, new CheckOptions { Only = ["retry"] });
        Assert.Equal((Outcome.CannotTell, "no later step shows what the unsafe steps did: read back what was written"), (report.Verdicts[(int)Question.Retry].Outcome, report.Verdicts[(int)Question.Retry].Reason));
    }

    [Fact]
    public async Task What_shows_only_while_other_experiments_go_on_does_not_count()
    {
        var isAlone = false;
        var source = new InProcessSource((app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = s.Number; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.TryGetValue(id, out var at) && (Volatile.Read(ref isAlone) || (int)at == s.Number) ? 1 : 0 }));
        }, keepsApart: true);
        var check = new CheckRun([Checking.Read(OneWrite)], source, new CheckOptions(), TimeProvider.System, progress => { if (progress.Experiment == "reproduction") Volatile.Write(ref isAlone, true); });
        var report = await check.RunAsync(CancellationToken.None);
        Assert.Equal("hhhh?", Checking.Answers(report));
        Assert.Contains(report.Notices, n => n.Contains("not when it was tried alone", StringComparison.Ordinal));
    }

    /// <summary>Where a replica lacks what the other was given before the check, the whole session is answered otherwise there; that is no name of the replica.</summary>
    [Theory]
    [InlineData("who are you?", false)]
    [InlineData("guest", false)]
    [InlineData("web-1b7", true)]
    public async Task A_replica_that_is_wrong_for_the_whole_session_is_not_taken_for_one_with_another_name(string other, bool isName)
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.Count(e => e.Key == id), says = s.Number == 0 ? isName ? "web-0a2" : "ann" : other }));
        }, new CheckOptions { Only = ["spread", "move"] });
        Assert.Equal(isName ? Outcome.Holds : Outcome.Fails, report.Verdicts[(int)Question.Spread].Outcome);
        Assert.Equal(isName, report.Notices.Any(n => n.Contains("names the replica", StringComparison.Ordinal)));
    }

    /// <summary>A write that fails once while the noise is learned makes all that shows it differ: a page does not vary by that, and what depends on the write is still seen.</summary>
    [Theory]
    [InlineData(6)]
    [InlineData(8)]
    public async Task A_step_that_fails_once_while_noise_is_learned_hides_no_dependency(int failing)
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) =>
            {
                if (s.Shared.AddOrUpdate("sent", 1, (_, n) => (int)n + 1) is int sent && sent == failing) return Results.StatusCode(503);
                s.Memory[id] = 1;
                return Results.NoContent();
            });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Memory.Count(e => e.Key == id) }));
        }, new CheckOptions { Only = ["move"] });
        Assert.Equal(Outcome.Fails, report.Verdicts[(int)Question.Context].Outcome);
    }

    [Fact]
    public async Task State_that_travels_in_a_signed_field_from_answer_to_request_is_the_clients()
    {
        var report = await Checking.RunAsync("# @name one\nGET /one\n\n###\n# @name two\nPOST /two\n\n{{one.response.body.$.state}}\n", (app, s) =>
        {
            app.MapGet("/one", () => Results.Json(new { state = "eyJ" + Convert.ToBase64String(Guid.NewGuid().ToByteArray())[..20].Replace('/', 'a').Replace('+', 'b') }));
            app.MapPost("/two", async (HttpContext http) => await new StreamReader(http.Request.Body).ReadToEndAsync() is ['e', 'y', 'J', ..] ? Results.Ok() : Results.BadRequest());
        });
        Assert.Equal(Architecture.Stateless, report.Architecture);
    }

    /// <summary>A job goes on by the clock, whoever is asked: a poll that comes sooner or later than in the undisturbed runs shows another progress.</summary>
    [Fact]
    public async Task A_job_that_goes_on_by_itself_is_no_state_of_a_replica()
    {
        var report = await Checking.RunAsync("# @name start\nPOST /jobs/{{$guid}}\n\n###\n# @name poll\nGET /jobs/{{start.response.body.$.name}}\n\n###\n# @name again\nGET /jobs/{{start.response.body.$.name}}\n", (app, s) =>
        {
            app.MapPost("/jobs/{name}", (string name) => { s.Shared.TryAdd(name, DateTimeOffset.UtcNow); return Results.Json(new { name }); });
            app.MapGet("/jobs/{name}", (string name) => (DateTimeOffset.UtcNow - (DateTimeOffset)s.Shared[name]).TotalMilliseconds is var since && since < 15
                ? Results.Json(new { state = "running", progress = (int)(since * 6) })
                : Results.Json(new { state = "done", progress = 100, result = 42 }));
        });
        Assert.DoesNotContain(report.Findings, f => f.Severity == Severity.Error);
        Assert.Equal(Outcome.Holds, report.Verdicts[(int)Question.Spread].Outcome);
    }

    /// <summary>A replica that learns a moment later what another did is told with a warning that says so, and not as one that never learns it.</summary>
    [Fact]
    public async Task What_another_replica_shows_a_second_later_is_a_warning()
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = (s.Number, DateTimeOffset.UtcNow); return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new
            {
                n = s.Shared.TryGetValue(id, out var made) && made is (int by, DateTimeOffset at) && (by == s.Number || DateTimeOffset.UtcNow - at > TimeSpan.FromSeconds(0.7)) ? 1 : 0,
            }));
        }, new CheckOptions { Only = ["move", "spread"] });
        Assert.Equal((Outcome.Holds, Outcome.Holds), (report.Verdicts[(int)Question.Context].Outcome, report.Verdicts[(int)Question.Spread].Outcome));
        Assert.Contains(report.Findings, f => f is { Severity: Severity.Warning, Rule: "CHK-STALE" } && f.Title.StartsWith("for a moment, ", StringComparison.Ordinal));
    }

    /// <summary>What keeps a copy from being done again is known to the process that saw the first; the retry goes to another.</summary>
    [Fact]
    public async Task A_copy_is_sent_to_another_replica_where_there_is_no_key_too()
    {
        var report = await Checking.RunAsync(OneWrite, (app, s) =>
        {
            app.MapPost("/n/{id}", (string id) =>
            {
                if (s.Memory.TryAdd(id, 1)) s.Shared.AddOrUpdate(id, 1, (_, n) => (int)n + 1);
                return Results.NoContent();
            });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = (int)s.Shared.GetValueOrDefault(id, 0) }));
        });
        Assert.Equal(Outcome.Fails, report.Verdicts[(int)Question.Retry].Outcome);
        Assert.Contains(report.Findings, f => f.Rule == "CHK-DOUBLED" && f.Detail.Contains("known to one process only", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(201, "id", true)]
    [InlineData(202, "id", true)]
    [InlineData(202, "requestId", false)]
    [InlineData(200, "id", false)]
    public async Task Two_that_were_created_or_begun_are_two(int status, string member, bool areTwo)
    {
        var report = await Checking.RunAsync("# @name start\nPOST /jobs\n\n###\nGET /jobs/{{start.response.body.$." + member + "}}\n", (app, s) =>
        {
            app.MapPost("/jobs", () =>
            {
                var id = Guid.NewGuid().ToString("N");
                s.Shared[id] = 1;
                return Results.Json(new Dictionary<string, string> { [member] = id }, statusCode: status);
            });
            app.MapGet("/jobs/{id}", (string id) => s.Shared.ContainsKey(id) ? Results.Ok() : Results.NotFound());
        }, new CheckOptions { Only = ["retry"] });
        Assert.Equal(areTwo, report.Findings.Any(f => f is { Rule: "CHK-DOUBLED", Severity: Severity.Error }));
    }

    /// <summary>A page that shows something else each time differs twice, at two places: no dependency on the step that was left out.</summary>
    [Fact]
    public async Task A_page_that_is_never_the_same_proves_nothing()
    {
        var report = await Checking.RunAsync("POST /n\n\n###\nGET /n\n", (app, s) =>
        {
            app.MapPost("/n", () => Results.NoContent());
            app.MapGet("/n", () => Results.Json(new Dictionary<string, bool> { [$"n{s.Shared.AddOrUpdate("asked", 1, (_, n) => (int)n + 1)}"] = true }));
        }, new CheckOptions { Only = ["move"] });
        Assert.Equal(Outcome.CannotTell, report.Verdicts[(int)Question.Context].Outcome);
    }

    [Fact]
    public async Task What_ends_with_its_connection_is_told_by_that()
    {
        var report = await Checking.RunAsync("# @name login\nPOST /login\n\n###\nGET /me/{{login.response.body.$.id}}\n", (app, s) =>
        {
            app.MapPost("/login", (HttpContext http) => { s.Memory[http.Connection.Id] = 1; return Results.Json(new { id = Guid.NewGuid() }); });
            app.MapGet("/me/{id}", (HttpContext http, string id) => s.Memory.ContainsKey(http.Connection.Id) ? Results.Json(new { id }) : Results.Unauthorized());
        });
        Assert.Contains("or with the connection over which it was made", report.Unrepeatable, StringComparison.Ordinal);
    }
}
