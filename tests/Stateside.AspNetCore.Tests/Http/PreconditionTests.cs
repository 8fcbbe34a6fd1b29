using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>Versions as HTTP's own: ETag, If-Match, If-None-Match, 304 and 412.</summary>
public class PreconditionTests
{
    private static Task<TestApp> StartAsync() => TestApp.StartAsync(app =>
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapPost("/look/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Value.Value);
        app.MapPost("/two/{id}", ([RouteKey("id")] State<Tally> tally, [RouteKey("id"), ETag] State<Basket> basket) => { tally.Update(t => t.Add()); return basket.Update(b => b.Add("x")).Items.Length; });
        app.MapPost("/untagged/{id}", ([RouteKey("id")] State<Tally> tally, [RouteKey("id")] State<Basket> basket) => { basket.Update(b => b.Add("x")); return tally.Update(t => t.Add()).Value; });
        app.MapDelete("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => { tally.Delete(); return TypedResults.NoContent(); });
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        app.MapGet("/baskets/{id}", ([RouteKey("id")] Snapshot<Basket> basket) => basket.Value.Items.Length);
        app.MapMethods("/letters/{id}", ["GET", "HEAD"], ([RouteKey("id")] Snapshot<Letter> letter) => letter.Value.Text);
        app.MapPost("/letters", ([NewKey] State<Letter> letter) => { letter.Set(new("x")); return TypedResults.Created($"/letters/{letter.Id}"); });
    });

    [Fact]
    public async Task The_ETag_of_a_write_is_that_of_the_next_read_and_changes_with_each_write()
    {
        await using var app = await StartAsync();
        var one = (await app.PostAsync("/tallies/1"))["ETag"]!;
        Assert.Matches("^\"1-[A-Za-z0-9_-]{22}\"$", one);
        Assert.Equal(one, (await app.GetAsync("/tallies/1"))["ETag"]);
        Assert.Equal(one, (await app.PostAsync("/look/1"))["ETag"]);
        Assert.NotEqual(one, (await app.PostAsync("/tallies/1"))["ETag"]);
    }

    [Theory]
    [InlineData("{0}", true)]
    [InlineData("*", true)]
    [InlineData("\"x\", {0}", true)]
    [InlineData("W/{0}", false)]
    [InlineData("\"1-AAAAAAAAAAAAAAAAAAAAAA\"", false)]
    [InlineData("garbage", false)]
    [InlineData("\"\"", false)]
    public async Task If_Match_holds_for_the_current_strong_tag_only(string match, bool holds)
    {
        await using var app = await StartAsync();
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        var reply = await app.PostAsync("/tallies/1", ("If-Match", match.Replace("{0}", tag)));
        if (holds) Assert.Equal("2", reply.Text);
        else Problem.Is(reply, "SS1008", 412);
        Assert.Equal(holds ? "2" : "1", (await app.GetAsync("/tallies/1")).Text);
    }

    [Fact]
    public async Task If_Match_of_what_is_not_there_never_holds_not_even_the_star()
    {
        await using var app = await StartAsync();
        foreach (var match in new[] { "*", "\"1-AAAAAAAAAAAAAAAAAAAAAA\"" }) Problem.Is(await app.PostAsync("/tallies/1", ("If-Match", match)), "SS1008", 412);
    }

    [Fact]
    public async Task If_None_Match_star_creates_once()
    {
        await using var app = await StartAsync();
        Assert.Equal("1", (await app.PostAsync("/tallies/1", ("If-None-Match", "*"))).Text);
        Problem.Is(await app.PostAsync("/tallies/1", ("If-None-Match", "*")), "SS1008", 412);
    }

    [Fact]
    public async Task A_reader_who_has_the_version_gets_304_without_content_and_otherwise_the_whole()
    {
        await using var app = await StartAsync();
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        foreach (var match in new[] { tag, "W/" + tag, "*", "\"x\"," + tag })
        {
            var same = await app.GetAsync("/tallies/1", ("If-None-Match", match));
            Assert.Equal((304, 0, tag), (same.Status, same.Content.Length, same["ETag"]));
        }
        await app.PostAsync("/tallies/1");
        Assert.Equal((200, "2"), ((await app.GetAsync("/tallies/1", ("If-None-Match", tag))).Status, (await app.GetAsync("/tallies/1", ("If-None-Match", tag))).Text));
    }

    [Fact]
    public async Task What_is_absent_or_deleted_has_no_ETag_and_a_deleted_key_never_returns_to_an_old_tag()
    {
        await using var app = await StartAsync();
        Assert.Null((await app.GetAsync("/tallies/1"))["ETag"]);
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        var deleted = await app.SendAsync(HttpMethod.Delete, "/tallies/1");
        Assert.Equal((204, null), (deleted.Status, deleted["ETag"]));
        Assert.Null((await app.GetAsync("/tallies/1"))["ETag"]);
        Assert.StartsWith("\"3-", (await app.PostAsync("/tallies/1"))["ETag"], StringComparison.Ordinal);
        Problem.Is(await app.PostAsync("/tallies/1", ("If-Match", tag)), "SS1008", 412);
    }

    [Fact]
    public async Task Of_several_states_the_one_marked_ETag_is_meant_and_without_a_mark_none()
    {
        await using var app = await StartAsync();
        await app.PostAsync("/tallies/1");
        var two = await app.PostAsync("/two/1");
        Assert.Equal((await app.GetAsync("/baskets/1"))["ETag"], two["ETag"]);
        Problem.Is(await app.PostAsync("/two/1", ("If-Match", (await app.GetAsync("/tallies/1"))["ETag"]!)), "SS1008", 412);
        Assert.Equal(200, (await app.PostAsync("/two/1", ("If-Match", two["ETag"]!))).Status);
        Assert.Null((await app.PostAsync("/untagged/1"))["ETag"]);
        // Who sends a version wants no write over another one, and here none can be compared.
        Problem.Is(await app.PostAsync("/untagged/1", ("If-Match", two["ETag"]!)), "SS1008", 412);
        Assert.Equal(200, (await app.PostAsync("/untagged/1", ("If-Match", "*"))).Status);
    }

    [Fact]
    public async Task If_Match_is_compared_again_with_what_a_conflict_brought()
    {
        await using var app = await StartAsync();
        var tag = (await app.PostAsync("/tallies/1"))["ETag"]!;
        var once = true;
        // Another process is faster.
        app.Store.BeforeCommit = async c =>
        {
            if (!once) return;
            once = false;
            var row = c.Rows[0] with { Body = "{\"Value\":50}"u8.ToArray(), Decoded = null };
            await app.Store.Inner.CommitAsync(new Stores.Commit(c.Group, TurnId.New()) { Rows = [row] }, default);
        };
        Problem.Is(await app.PostAsync("/tallies/1", ("If-Match", tag)), "SS1008", 412);
        Assert.Equal("50", (await app.GetAsync("/tallies/1")).Text);
    }

    [Fact]
    public async Task An_absent_state_without_an_empty_value_is_404_and_its_HEAD_has_no_content()
    {
        await using var app = await StartAsync();
        Problem.Is(await app.GetAsync("/letters/none"), "SS1009", 404);
        var head = await app.SendAsync(HttpMethod.Head, "/letters/none");
        Assert.Equal((404, 0), (head.Status, head.Content.Length));
        var made = await app.PostAsync("/letters");
        Assert.Equal("x", (await app.GetAsync(made["Location"]!)).Text);
        Assert.Equal(made["ETag"], (await app.SendAsync(HttpMethod.Head, made["Location"]!))["ETag"]);
    }
}
