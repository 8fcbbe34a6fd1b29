using Stateside.AspNetCore.Tests.Support;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Idempotency;

/// <summary>One effect, whatever happens: requirements CON and CRS.</summary>
public class OnceTests
{
    private const string Name = "Idempotency-Key";

    [Fact]
    public async Task CON_01_A_hundred_identical_requests_at_once_on_two_nodes_have_one_effect()
    {
        var store = new TestStore();
        await using var one = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        await using var two = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? one : two).PostAsync("/required/1", (Name, "k"))));
        Assert.All(replies, r => Assert.Equal("1", r.Text));
        Assert.Single(replies, r => r["Idempotent-Replayed"] is null);
        Assert.Equal("1", (await one.GetAsync("/tallies/1")).Text);
    }

    [Fact]
    public async Task CON_01_A_hundred_identical_requests_without_a_caller_make_one_new_state_on_two_nodes()
    {
        var store = new TestStore();
        await using var one = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        await using var two = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? one : two).PostAsync("/letters", """{"name":"x"}""", (Name, "k"))));
        Assert.Single(replies.Select(r => r["Location"]).Distinct());
        Assert.All(replies, r => Assert.Equal(201, r.Status));
    }

    [Fact]
    public async Task CON_02_Two_nodes_that_both_found_no_receipt_have_one_effect()
    {
        var store = new TestStore();
        await using var one = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        await using var two = await TestApp.StartAsync(KeyTests.Map, new() { Store = store });
        var gate = new Gate();
        store.BeforeCommit = _ => gate.WaitAsync();
        var both = new[] { one.PostAsync("/required/1", (Name, "k")), two.PostAsync("/required/1", (Name, "k")) };
        await gate.ArrivedAsync(2);
        gate.Open();
        var replies = await Task.WhenAll(both);
        Assert.All(replies, r => Assert.Equal("1", r.Text));
        Assert.Single(replies, r => r["Idempotent-Replayed"] == "true");
    }

    [Fact]
    public async Task IDK_03_A_retry_in_the_same_process_waits_and_gets_the_first_result()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        var gate = new Gate();
        app.Store.BeforeCommit = _ => gate.WaitAsync();
        var first = app.PostAsync("/required/1", (Name, "k"));
        await gate.ArrivedAsync();
        var second = app.PostAsync("/required/1", (Name, "k"));
        gate.Open();
        Assert.Equal(("1", "1"), ((await first).Text, (await second).Text));
        Assert.Equal("true", (await second)["Idempotent-Replayed"]);
    }

    [Fact]
    public async Task CRS_02_An_effect_without_its_answer_is_replayed_because_both_commit_together()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        app.Store.AfterCommit = (_, _) => TestStore.Fail(Applied.Unknown);
        app.Store.BeforeLoad = r => app.Store.Commits > 0 ? TestStore.Fail(Applied.No) : Task.CompletedTask;
        Problem.Is(await app.PostAsync("/required/1", (Name, "k")), "SS3002", 503, "unknown");
        (app.Store.AfterCommit, app.Store.BeforeLoad) = (null, null);
        var retry = await app.PostAsync("/required/1", (Name, "k"));
        Assert.Equal(("1", "true"), (retry.Text, retry["Idempotent-Replayed"]));
    }

    [Fact]
    public async Task CRS_02_An_answer_of_the_store_that_was_lost_is_looked_up_and_the_client_sees_nothing_of_it()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        var lost = 1;
        app.Store.AfterCommit = (_, _) => Interlocked.Decrement(ref lost) == 0 ? TestStore.Fail(Applied.Unknown) : Task.CompletedTask;
        Assert.Equal("1", (await app.PostAsync("/required/1", (Name, "k"))).Text);
        Assert.Equal("2", (await app.PostAsync("/required/1", (Name, "l"))).Text);
    }

    [Fact]
    public async Task CRS_03_A_handler_that_throws_after_a_change_has_no_effect_and_the_retry_runs()
    {
        var fail = true;
        await using var app = await TestApp.StartAsync(a =>
        {
            KeyTests.Map(a);
            a.MapPost("/throws/{id}", ([RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return fail ? throw new FormatException("secret-detail") : tally.Value.Value; });
        });
        var failed = await app.PostAsync("/throws/1", (Name, "k"));
        Assert.Equal(500, failed.Status);
        Assert.Equal(0, app.Store.Commits);
        fail = false;
        Assert.Equal("1", (await app.PostAsync("/throws/1", (Name, "k"))).Text);
    }

    [Fact]
    public async Task CRS_04_A_client_that_leaves_after_the_handler_does_not_stop_the_commit()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        var gate = new Gate();
        var committed = new TaskCompletionSource();
        app.Store.BeforeCommit = _ => gate.WaitAsync();
        app.Store.AfterCommit = (_, _) => { committed.TrySetResult(); return Task.CompletedTask; };
        using var leave = new CancellationTokenSource();
        using var client = app.FreshClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/required/1");
        request.Headers.Add(Name, "k");
        var call = client.SendAsync(request, leave.Token);
        await gate.ArrivedAsync();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        gate.Open();
        await committed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        app.Store.BeforeCommit = null;
        var retry = await app.PostAsync("/required/1", (Name, "k"));
        Assert.Equal(("1", "true"), (retry.Text, retry["Idempotent-Replayed"]));
    }

    [Fact]
    public async Task CRS_05_A_store_that_is_away_when_the_receipt_is_asked_for_means_503_and_no_run()
    {
        await using var app = await TestApp.StartAsync(KeyTests.Map);
        app.Store.BeforeLoad = _ => TestStore.Fail(Applied.No);
        var reply = await app.PostAsync("/required/1", (Name, "k"));
        Problem.Is(reply, "SS3001", 503);
        Assert.NotNull(reply["Retry-After"]);
        Assert.Equal(0, app.Store.Commits);
    }

    /// <summary>Each way in which a response can be finished is recorded.</summary>
    [Theory]
    [InlineData("file bytes")]
    [InlineData("file from disk")]
    [InlineData("stream")]
    [InlineData("stream by callback")]
    [InlineData("pipe")]
    [InlineData("BodyWriter")]
    [InlineData("Body stream")]
    [InlineData("SendFileAsync")]
    [InlineData("WriteAsJsonAsync")]
    [InlineData("redirect")]
    [InlineData("no content")]
    [InlineData("created")]
    [InlineData("exception page downstream")]
    [InlineData("compression downstream")]
    public async Task CRS_06_Every_way_to_finish_a_response_is_recorded(string name)
    {
        var feature = ReRuns.Feature.All[name];
        await using var app = await TestApp.StartAsync(feature.Map, feature.Setup);
        app.Client.DefaultRequestHeaders.Add(Name, "k");
        var first = await feature.Send(app.Client);
        var replay = await feature.Send(app.Client);
        Assert.Equal("true", replay["Idempotent-Replayed"]);
        Assert.Equal((first.Status, first["Content-Type"], first["Location"]), (replay.Status, replay["Content-Type"], replay["Location"]));
        Assert.Equal(first.Content, replay.Content);
        Assert.Equal(first["Content-Encoding"], replay["Content-Encoding"]);
        Assert.Equal(1, app.Store.Commits);
    }
}
