using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Idempotency;

/// <summary>What a replay is, and to whom: requirements RPL and EXP.</summary>
public class ReplayTests
{
    private const string Name = "Idempotency-Key";

    [Fact]
    public async Task RPL_01_to_03_A_replay_equals_the_original_but_for_what_belongs_to_one_response()
    {
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/all/{id}", async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
            {
                tally.Update(t => t.Add());
                response.StatusCode = 203;
                foreach (var (name, value) in Kept.Concat(NotKept)) response.Headers[name] = value;
                response.Cookies.Append("secret", "1");
                response.ContentType = "application/x-test";
                await response.Body.WriteAsync(new byte[] { 0, 1, 255, 10 });
            }));
        var first = await app.PostAsync("/all/1", (Name, "k"));
        var replay = await app.PostAsync("/all/1", (Name, "k"));
        Assert.Equal(first.Content, replay.Content);
        Assert.Equal(203, replay.Status);
        Assert.Equal("true", replay["Idempotent-Replayed"]);
        foreach (var name in Kept.Keys.Append("Content-Type").Append("ETag").Append("Content-Length")) Assert.Equal(first[name], replay[name]);
        foreach (var name in NotKept.Keys.Append("Set-Cookie"))
        {
            Assert.NotNull(first[name]);
            Assert.Null(replay[name]);
        }
        Assert.Equal("1", (await app.PostAsync("/all/1", (Name, "k")))["ETag"]![1..2]);
    }

    private static Dictionary<string, string> Kept { get; } = new()
    {
        ["Location"] = "/x", ["Content-Encoding"] = "identity", ["Content-Language"] = "de", ["Content-Disposition"] = "inline", ["Content-Location"] = "/y",
        ["Cache-Control"] = "max-age=1", ["Last-Modified"] = "Wed, 21 Oct 2015 07:28:00 GMT", ["Link"] = "</z>; rel=\"next\"", ["Vary"] = "Accept", ["Retry-After"] = "3",
    };

    private static Dictionary<string, string> NotKept { get; } = new()
    {
        ["WWW-Authenticate"] = "Basic", ["Authorization"] = "x", ["X-Request-Id"] = "7", ["traceparent"] = "t", ["RateLimit-Remaining"] = "5", ["Proxy-Authenticate"] = "Basic", ["X-Own"] = "1",
    };

    [Fact]
    public async Task RPL_04_A_response_too_large_to_keep_is_sent_whole_once_and_then_told_to_be_done()
    {
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/large/{id}", ([RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return new string('x', 1001); }),
            new() { Settings = { ["Idempotency:MaxStoredBytes"] = "1000" } });
        Assert.Equal(1001, (await app.PostAsync("/large/1", (Name, "k"))).Content.Length);
        Problem.Is(await app.PostAsync("/large/1", (Name, "k")), "SS1014", 409, "yes");
        Assert.Single(app.Store.Sent);
    }

    [Fact]
    public async Task RPL_06_A_replay_goes_only_to_the_caller_who_may_have_it()
    {
        await using var app = await TestApp.StartAsync(
            a =>
            {
                a.MapPost("/own/{id}", (HttpContext http, [RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return $"private to {http.User.FindFirst("sub")?.Value}"; }).RequireAuthorization();
                a.MapPost("/role/{id}", ([RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return "for clerks"; }).RequireAuthorization(p => p.RequireRole("clerk"));
                a.MapPost("/mine", ([UserKey] State<Tally> tally) => { tally.Update(t => t.Add()); return "private"; });
            }, new() { Users = true, Before = a => { a.UseAuthentication(); a.UseAuthorization(); } });
        foreach (var path in new[] { "/own/1", "/mine" })
        {
            var first = await app.PostAsync(path, (Name, "k"), ("X-User", "alice"));
            Assert.Equal(200, first.Status);
            Assert.Equal(first.Text, (await app.PostAsync(path, (Name, "k"), ("X-User", "alice"))).Text);
            var signedOut = await app.PostAsync(path, (Name, "k"));
            Assert.Equal(401, signedOut.Status);
            Assert.DoesNotContain("private", signedOut.Text, StringComparison.Ordinal);
            var other = await app.PostAsync(path, (Name, "k"), ("X-User", "bob"));
            Assert.Null(other["Idempotent-Replayed"]);
            Assert.DoesNotContain("alice", other.Text, StringComparison.Ordinal);
        }
        Assert.Equal(200, (await app.PostAsync("/role/1", (Name, "k"), ("X-User", "alice"), ("X-Role", "clerk"))).Status);
        Assert.Equal((403, ""), ((await app.PostAsync("/role/1", (Name, "k"), ("X-User", "alice"))).Status, (await app.PostAsync("/role/1", (Name, "k"), ("X-User", "alice"))).Text));
    }

    [Fact]
    public void RPL_07_The_documentation_says_that_recorded_responses_are_stored_as_plain_bytes()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Stateside.slnx"))) folder = Path.GetDirectoryName(folder)!;
        Assert.Contains("stored as plain bytes", File.ReadAllText(Path.Combine(folder, "docs", "idempotency.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EXP_01_One_second_before_the_retention_ends_is_a_replay_and_one_second_after_a_new_request()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(KeyTests.Map, new() { Time = time, Settings = { ["Idempotency:Retention"] = "01:00:00" } });
        Assert.Equal("1", (await app.PostAsync("/tallies/1", (Name, "k"))).Text);
        time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(1));
        Assert.Equal(("1", "true"), ((await app.PostAsync("/tallies/1", (Name, "k"))).Text, (await app.PostAsync("/tallies/1", (Name, "k")))["Idempotent-Replayed"]));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("2", (await app.PostAsync("/tallies/1", (Name, "k"))).Text);
    }

    [Fact]
    public async Task A_receipt_answers_before_If_Match_is_compared()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        Assert.Equal("2", (await app.PostAsync("/tallies/1", (Name, "k"), ("If-Match", tag))).Text);
        Assert.Equal("true", (await app.PostAsync("/tallies/1", (Name, "k"), ("If-Match", tag)))["Idempotent-Replayed"]);
        Problem.Is(await app.PostAsync("/tallies/1", (Name, "l"), ("If-Match", tag)), "SS1008", 412);
    }

    [Fact]
    public async Task A_replay_costs_one_load()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        await app.PostAsync("/tallies/1", (Name, "k"));
        Assert.Equal((1, 1), (app.Store.Loads, app.Store.Commits));
        await app.PostAsync("/tallies/1", (Name, "k"));
        Assert.Equal((2, 1), (app.Store.Loads, app.Store.Commits));
    }
}
