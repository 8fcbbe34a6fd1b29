using Microsoft.AspNetCore.Server.Kestrel.Core;
using Stateside.AspNetCore.Tests.Support;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Sessions;

/// <summary>The rows in which other sessions failed (requirements §2.1 and §2.5, proof 7).</summary>
public class SessionTests
{
    internal static void Map(WebApplication app)
    {
        app.MapPost("/basket/{item}", (State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length);
        app.MapPost("/look", (State<Basket> basket) => basket.Value.Items.Length);
        app.MapGet("/basket", (Snapshot<Basket> basket) => string.Join(',', basket.Value.Items));
        app.MapPost("/count", (State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapGet("/count", (Snapshot<Tally> tally) => tally.Value.Value);
        app.MapPost("/letter", (State<Letter> letter) => letter.Set(new("x")).Text);
        app.MapDelete("/basket", (State<Basket> basket) => { basket.Delete(); return TypedResults.NoContent(); });
    }

    private static Group GroupOf((string, string Value) cookie) => SessionHandle.Parse(cookie.Value.Split('=', 2)[1])!.Group;

    [Fact]
    public async Task SES_01_A_hundred_concurrent_writes_of_one_session_are_all_present()
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/basket/seed");
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => app.PostAsync($"/basket/{i}", session)));
        Assert.All(replies, r => Assert.Equal(200, r.Status));
        var items = (await app.GetAsync("/basket", session)).Text.Split(',');
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}").Append("seed").Order(), items.Order());
    }

    [Fact]
    public async Task SES_01_Concurrent_writes_of_two_states_of_one_session_on_two_nodes_are_all_present()
    {
        var store = new TestStore();
        await using var one = await TestApp.StartAsync(Map, new() { Store = store, Settings = { ["Limits:MaxRuns"] = "100" } });
        await using var two = await TestApp.StartAsync(Map, new() { Store = store, Settings = { ["Limits:MaxRuns"] = "100" } });
        var session = await one.BeginSessionAsync("/basket/seed");
        var gate = new Gate();
        var held = 2;
        // The first two, one of each node, have both loaded before either commits: one of them must lose and run again.
        store.BeforeCommit = _ => Interlocked.Decrement(ref held) >= 0 ? gate.WaitAsync() : Task.CompletedTask;
        var both = new[] { one.PostAsync("/basket/a", session), two.PostAsync("/basket/b", session) };
        await gate.ArrivedAsync(2);
        gate.Open();
        Assert.All(await Task.WhenAll(both), r => Assert.Equal(200, r.Status));
        Assert.Equal(["a", "b", "seed"], (await two.GetAsync("/basket", session)).Text.Split(',').Order());
    }

    [Fact]
    public async Task SES_02_Concurrent_counting_on_two_nodes_is_exact_or_a_visible_conflict()
    {
        var store = new TestStore();
        await using var one = await TestApp.StartAsync(Map, new() { Store = store });
        await using var two = await TestApp.StartAsync(Map, new() { Store = store });
        var session = await one.BeginSessionAsync("/count");
        var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? one : two).PostAsync("/count", session)));
        foreach (var lost in replies.Where(r => r.Status != 200)) Problem.Is(lost, "SS1007", 409);
        Assert.Equal($"{1 + replies.Count(r => r.Status == 200)}", (await one.GetAsync("/count", session)).Text);
    }

    [Theory]
    [InlineData("fixed", HttpProtocols.Http1)]
    [InlineData("chunked", HttpProtocols.Http1)]
    [InlineData("redirect", HttpProtocols.Http1)]
    [InlineData("fixed", HttpProtocols.Http2)]
    public async Task SES_03_A_read_on_a_fresh_connection_after_the_response_sees_the_write_1000_of_1000(string kind, HttpProtocols protocols)
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            Map(a);
            a.MapPost("/fixed", (State<Tally> tally) => $"{tally.Update(t => t.Add()).Value}");
            a.MapPost("/redirect", (State<Tally> tally) => { tally.Update(t => t.Add()); return Results.Redirect("/count"); });
            a.MapPost("/chunked", async (HttpResponse response, State<Tally> tally) =>
            {
                tally.Update(t => t.Add());
                await response.Body.WriteAsync("one"u8.ToArray());
                await response.Body.FlushAsync();
                await response.Body.WriteAsync("two"u8.ToArray());
            });
        }, new() { Protocols = protocols });
        var session = await app.BeginSessionAsync("/count");
        // A store that answers late: whoever does not wait for it reads what was before.
        app.Store.BeforeCommit = async _ => await Task.Yield();
        app.Store.AfterCommit = async (_, _) => await Task.Yield();
        for (var i = 1; i <= 1000; i++)
        {
            var reply = await app.PostAsync("/" + kind, session);
            Assert.True(reply.Status is 200 or 302, reply.Text);
            using var fresh = app.FreshClient(protocols);
            Assert.Equal($"{i + 1}", (await fresh.SendAsync(HttpMethod.Get, "/count", null, session)).Text);
        }
    }

    [Fact]
    public async Task SES_03_No_byte_of_the_response_leaves_before_the_commit()
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/count");
        var gate = new Gate();
        app.Store.BeforeCommit = _ => gate.WaitAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/count");
        request.Headers.Add("Cookie", session.Value);
        var headers = app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await gate.ArrivedAsync();
        Assert.Equal("1", (await app.GetAsync("/count", session)).Text);
        Assert.False(headers.IsCompleted);
        gate.Open();
        Assert.Equal(HttpStatusCode.OK, (await headers).StatusCode);
    }

    [Theory]
    [InlineData(Applied.No, "SS3001", "no")]
    [InlineData(Applied.Unknown, "SS3002", "unknown")]
    public async Task SES_04_A_commit_that_fails_is_never_a_success_and_says_what_is_known(Applied applied, string code, string says)
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/basket/seed");
        app.Store.BeforeCommit = _ => TestStore.Fail(applied);
        foreach (var path in new[] { "/basket/x", "/count", "/letter" })
        {
            var reply = await app.PostAsync(path, session);
            Problem.Is(reply, code, 503, says);
            Assert.Equal("1", reply["Retry-After"]);
            Assert.Null(reply["ETag"]);
            Assert.Null(reply.Cookie);
        }
        // A fresh session: no cookie for what may not exist.
        var fresh = await app.PostAsync("/basket/x");
        Problem.Is(fresh, code, 503, says);
        Assert.Null(fresh.Cookie);
        app.Store.BeforeCommit = null;
        Assert.Equal("seed", (await app.GetAsync("/basket", session)).Text);
    }

    [Fact]
    public async Task SES_05_A_load_that_fails_is_503_and_never_an_empty_session()
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/basket/seed");
        app.Store.BeforeLoad = _ => TestStore.Fail(Applied.No);
        Problem.Is(await app.GetAsync("/basket", session), "SS3001", 503);
        var write = await app.PostAsync("/basket/x", session);
        Problem.Is(write, "SS3001", 503);
        Assert.Null(write.Cookie);
        app.Store.BeforeLoad = null;
        Assert.Equal("seed", (await app.GetAsync("/basket", session)).Text);
    }

    [Fact]
    public async Task SES_06_A_request_that_only_reads_writes_nothing_and_below_three_quarters_touches_once()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(Map, new() { Time = time, Settings = { ["Session:IdleTimeout"] = "01:00:00", ["States:basket:Expires"] = "02:00:00" } });
        var session = await app.BeginSessionAsync("/basket/seed");
        var before = app.Store.Commits;
        await app.GetAsync("/basket", session);
        await app.PostAsync("/look", session);
        time.Advance(TimeSpan.FromMinutes(15));
        await app.GetAsync("/basket", session);
        Assert.Equal(before, app.Store.Commits);

        time.Advance(TimeSpan.FromSeconds(1));
        await app.GetAsync("/basket", session);
        await app.GetAsync("/basket", session);
        Assert.Equal(before + 1, app.Store.Commits);
        var touch = Assert.Single(app.Store.Sent.Last().Rows);
        Assert.Equal((RowChange.Touch, "$session", 0), (touch.Change, touch.Key.Name, touch.Body.Length));

        time.Advance(TimeSpan.FromMinutes(16));
        await app.GetAsync("/basket", session);
        Assert.Equal(["$session", "basket"], app.Store.Sent.Last().Rows.Select(r => r.Key.Name).Order());
        Assert.All(app.Store.Sent.Last().Rows, r => Assert.Equal((RowChange.Touch, 0), (r.Change, r.Body.Length)));
    }

    [Fact]
    public async Task SES_06_A_touch_that_fails_harms_no_reader()
    {
        var time = new ManualClock();
        await using var app = await TestApp.StartAsync(Map, new() { Time = time });
        var session = await app.BeginSessionAsync("/basket/seed");
        time.Advance(TimeSpan.FromHours(6));
        app.Store.BeforeCommit = _ => TestStore.Fail(Applied.Unknown);
        Assert.Equal("seed", (await app.GetAsync("/basket", session)).Text);
        Assert.Equal("1", (await app.PostAsync("/look", session)).Text);
    }

    [Fact]
    public async Task SES_07_A_request_in_flight_cannot_bring_an_ended_session_back()
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/basket/seed");
        var group = GroupOf(session);
        var gate = new Gate();
        app.Store.BeforeCommit = _ => gate.WaitAsync();
        var inFlight = app.PostAsync("/count", session);
        await gate.ArrivedAsync();
        await EndAsync(app.Store, group);
        gate.Open();
        Problem.Is(await inFlight, "SS1007", 409);
        Assert.DoesNotContain(await app.Store.ListAsync(group, 10, default), k => k.Name is "$session" or "tally");
        app.Store.BeforeCommit = null;
        // The cookie of the ended session is not adopted: the next write begins another.
        var next = await app.PostAsync("/basket/new", session);
        Assert.Equal("1", next.Text);
        Assert.NotEqual(session.Value, next.Cookie);
        Assert.NotNull(next.Cookie);
    }

    [Fact]
    public async Task SES_08_Every_row_of_a_session_has_its_time_to_live_in_the_write_itself()
    {
        await using var app = await TestApp.StartAsync(Map);
        var session = await app.BeginSessionAsync("/basket/seed");
        await app.PostAsync("/letter", session);
        await app.PostAsync("/count", session);
        var puts = app.Store.Sent.SelectMany(c => c.Rows).Where(r => r.Change == RowChange.Put).ToArray();
        Assert.Equal(["$session", "basket", "letter", "tally"], puts.Select(r => r.Key.Name).Distinct().Order());
        Assert.All(puts, r => Assert.NotNull(r.TimeToLive));
    }

    [Fact]
    public async Task SES_10_A_value_that_is_not_given_to_Update_or_Set_is_not_saved()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            Map(a);
            a.MapPost("/ignore", (State<Basket> basket) => { _ = basket.Value.Add("never"); return "ok"; });
        });
        var session = await app.BeginSessionAsync("/basket/seed");
        await app.PostAsync("/ignore", session);
        Assert.Equal("seed", (await app.GetAsync("/basket", session)).Text);
    }

    [Fact]
    public async Task SES_11_A_session_is_whole_on_another_node()
    {
        var store = new TestStore();
        (string, string) session;
        await using (var one = await TestApp.StartAsync(Map, new() { Store = store })) session = await one.BeginSessionAsync("/basket/seed");
        await using var two = await TestApp.StartAsync(Map, new() { Store = store });
        Assert.Equal("seed", (await two.GetAsync("/basket", session)).Text);
    }

    [Fact]
    public async Task LIM_04_Many_anonymous_readers_leave_neither_row_nor_cookie_nor_trip()
    {
        await using var app = await TestApp.StartAsync(Map);
        for (var i = 0; i < 1000; i++)
        {
            var reply = await app.GetAsync("/basket");
            Assert.Equal((200, null), (reply.Status, reply.Cookie));
        }
        Assert.Null((await app.PostAsync("/look")).Cookie);
        Assert.Null((await app.SendAsync(HttpMethod.Delete, "/basket")).Cookie);
        Assert.Equal((0, 0), (app.Store.Loads, app.Store.Commits));
    }

    /// <summary>Ends a session as a logout will: its row is deleted under its version.</summary>
    private static async Task EndAsync(TestStore store, Group group)
    {
        var key = new StateKey(group, SessionHandle.RowName);
        var row = (await store.Inner.LoadAsync(new LoadRequest([key]), default)).Rows[0];
        var end = new Commit(group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Delete, row.Version)] };
        Assert.Equal(CommitResult.Committed, await store.Inner.CommitAsync(end, default));
    }
}
