using System.Text;
using Stateside.AspNetCore.Tests.Support;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>The near cache over HTTP: the same answers with fewer trips, whatever others write meanwhile and though nobody tells of it.</summary>
public class CacheTests
{
    private static Task<TestApp> StartAsync() => TestApp.StartAsync(app =>
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally, HttpContext http) =>
        {
            http.Response.Headers.Append("X-Saw", $"{tally.Value.Value}");
            return tally.Update(t => t.Add()).Value;
        });
        app.MapPost("/look/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Value.Value);
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        app.MapPut("/letters/{id}", ([RouteKey("id")] State<Letter> letter) => letter.Set(new("x")).Text);
        app.MapPost("/letters/{id}/read", ([RouteKey("id")] State<Letter> letter) => letter.Value.Text);
        app.MapPost("/basket", (State<Basket> basket) => basket.Update(b => b.Add("x")).Items.Length);
        app.MapGet("/basket", (Snapshot<Basket> basket) => basket.Value.Items.Length);
    }, new AppSetup
    {
        Store = new TestStore { TellsNobody = true },
        Settings =
        {
            ["States:tally:Cache"] = "true", ["States:tally:MaxAge"] = "01:00:00", ["States:letter:Cache"] = "true",
            ["States:basket:Cache"] = "true", ["States:basket:MaxAge"] = "01:00:00",
        },
    });

    [Fact]
    public async Task A_write_is_one_trip_and_a_read_none_and_their_ETags_agree()
    {
        await using var app = await StartAsync();
        await app.PostAsync("/tallies/1");
        var (loads, commits) = (app.Store.Loads, app.Store.Commits);
        var write = await app.PostAsync("/tallies/1");
        var read = await app.GetAsync("/tallies/1");
        Assert.Equal(("2", "2", write["ETag"]), (write.Text, read.Text, read["ETag"]));
        Assert.Equal((loads, commits + 1), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task A_reader_who_has_the_version_gets_304_without_a_trip()
    {
        await using var app = await StartAsync();
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        var loads = app.Store.Loads;
        var reply = await app.GetAsync("/tallies/1", ("If-None-Match", tag));
        Assert.Equal((304, tag, loads), (reply.Status, reply["ETag"], app.Store.Loads));
        var next = await app.PostAsync("/tallies/1");
        Assert.Equal(200, (await app.GetAsync("/tallies/1", ("If-None-Match", tag))).Status);
        Assert.Equal(304, (await app.GetAsync("/tallies/1", ("If-None-Match", next["ETag"]!))).Status);
    }

    [Fact]
    public async Task If_Match_is_held_against_the_current_version_and_not_the_cached_one()
    {
        await using var app = await StartAsync();
        var old = (await app.PostAsync("/tallies/1"))["ETag"]!;
        var current = await ElsewhereAsync(app, "1", "tally", """{"Value":41}""");
        Problem.Is(await app.PostAsync("/tallies/1", ("If-Match", old)), "SS1008", 412);
        await app.PostAsync("/tallies/2");
        var other = await ElsewhereAsync(app, "2", "tally", """{"Value":41}""");
        Assert.Equal("42", (await app.PostAsync("/tallies/1", ("If-Match", current))).Text);
        Assert.Equal("42", (await app.PostAsync("/tallies/2", ("If-Match", other))).Text);
    }

    [Fact]
    public async Task Nothing_of_a_run_on_rows_that_had_changed_leaves()
    {
        await using var app = await StartAsync();
        await app.PostAsync("/tallies/1");
        await ElsewhereAsync(app, "1", "tally", """{"Value":41}""");
        var reply = await app.PostAsync("/tallies/1");
        Assert.Equal(("42", "41"), (reply.Text, reply["X-Saw"]));
        await ElsewhereAsync(app, "1", "tally", """{"Value":7}""");
        Assert.Equal("7", (await app.PostAsync("/look/1")).Text);
    }

    [Fact]
    public async Task A_404_is_that_of_the_store()
    {
        await using var app = await StartAsync();
        await app.SendAsync(HttpMethod.Put, "/letters/1");
        await ElsewhereAsync(app, "1", "letter", null);
        Problem.Is(await app.PostAsync("/letters/1/read"), "SS1009", 404);
        await ElsewhereAsync(app, "1", "letter", """{"Text":"y"}""");
        Assert.Equal("y", (await app.PostAsync("/letters/1/read")).Text);
    }

    [Fact]
    public async Task A_revoked_session_neither_writes_nor_reads_again()
    {
        await using var app = await StartAsync();
        var cookie = await app.BeginSessionAsync("/basket");
        Assert.Equal("2", (await app.PostAsync("/basket", cookie)).Text);
        Assert.Equal("2", (await app.GetAsync("/basket", cookie)).Text);
        var session = app.Store.Sent.SelectMany(c => c.Rows).First(r => r.Key.Name == "$session").Key;
        await ElsewhereAsync(app, session, null);
        Assert.Equal("0", (await app.GetAsync("/basket", cookie)).Text);
        var reply = await app.PostAsync("/basket", cookie);
        Assert.Equal("1", reply.Text);
        Assert.NotEqual(cookie.Value, reply.Cookie);
    }

    private static Task<string> ElsewhereAsync(TestApp app, string id, string name, string? json) => ElsewhereAsync(app, new StateKey(Group.Keyed(id), name), json);

    /// <summary>Another process writes a row, or deletes it. Answers its ETag.</summary>
    private static async Task<string> ElsewhereAsync(TestApp app, StateKey key, string? json)
    {
        var version = (await app.Store.Inner.LoadAsync(new LoadRequest([key]), default)).Rows[0].Version;
        var turn = TurnId.New();
        var write = json is null ? new RowWrite(key, RowChange.Delete, version) : new RowWrite(key, RowChange.Put, version) { Body = Encoding.UTF8.GetBytes(json) };
        Assert.Equal(CommitResult.Committed, await app.Store.Inner.CommitAsync(new Commit(key.Group, turn) { Rows = [write] }, default));
        return $"\"{version.Next(turn)}\"";
    }
}
