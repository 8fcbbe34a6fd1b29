using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>More requests than the store can do: bounded queues, a quick 503 for the rest, and afterwards all is as before.</summary>
public class OverloadTests
{
    private static void Map(WebApplication app)
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
    }

    private static void IsQuickRefusal(Reply reply)
    {
        Problem.Is(reply, "SS1010", 503);
        Assert.Equal("1", reply["Retry-After"]);
    }

    [Fact]
    public async Task Beyond_MaxTurns_the_rest_is_refused_at_once_and_all_is_well_once_the_store_answers()
    {
        await using var app = await TestApp.StartAsync(Map, new() { Settings = { ["Limits:MaxTurns"] = "8" } });
        var gate = new Gate();
        app.Store.BeforeLoad = _ => gate.WaitAsync();
        var held = Enumerable.Range(0, 8).Select(i => app.PostAsync($"/tallies/{i}")).ToArray();
        await gate.ArrivedAsync(8);
        Assert.Equal(8, app.Gate.Turns);
        foreach (var refused in await Task.WhenAll(Enumerable.Range(0, 50).Select(i => i % 2 == 0 ? app.PostAsync($"/tallies/{i}") : app.GetAsync($"/tallies/{i}")))) IsQuickRefusal(refused);
        Assert.All(held, h => Assert.False(h.IsCompleted));
        gate.Open();
        Assert.All(await Task.WhenAll(held), r => Assert.Equal("1", r.Text));
        app.Store.BeforeLoad = null;
        Assert.Equal("2", (await app.PostAsync("/tallies/1")).Text);
        Assert.Equal(0, app.Gate.Turns);
    }

    [Fact]
    public async Task Beyond_MaxQueue_of_one_group_the_rest_is_refused_while_other_groups_go_on()
    {
        await using var app = await TestApp.StartAsync(Map, new() { Settings = { ["Limits:MaxQueue"] = "4" } });
        var gate = new Gate();
        app.Store.BeforeCommit = c => c.Group == Group.Keyed("hot") ? gate.WaitAsync() : Task.CompletedTask;
        var first = app.PostAsync("/tallies/hot");
        await gate.ArrivedAsync();
        var rest = Enumerable.Range(0, 20).Select(_ => app.PostAsync("/tallies/hot")).ToList();
        for (var refused = 0; refused < 16; refused++)
        {
            var done = await Task.WhenAny(rest);
            rest.Remove(done);
            IsQuickRefusal(await done);
        }
        Assert.Equal("1", (await app.PostAsync("/tallies/cold")).Text);
        Assert.Equal("0", (await app.GetAsync("/tallies/hot")).Text);
        gate.Open();
        Assert.Equal("1", (await first).Text);
        Assert.Equal(["2", "3", "4", "5"], (await Task.WhenAll(rest)).Select(r => r.Text).Order());
        Assert.Equal(0, app.Gate.Turns);
    }

    [Fact]
    public async Task Waiters_whose_clients_leave_give_their_places_back()
    {
        await using var app = await TestApp.StartAsync(Map, new() { Settings = { ["Limits:MaxQueue"] = "4" } });
        var gate = new Gate();
        app.Store.BeforeCommit = _ => gate.WaitAsync();
        var first = app.PostAsync("/tallies/hot");
        await gate.ArrivedAsync();
        using (var leave = new CancellationTokenSource())
        {
            using var client = app.FreshClient();
            var waiting = Enumerable.Range(0, 4).Select(_ => client.PostAsync(new Uri("/tallies/hot", UriKind.Relative), null, leave.Token)).ToArray();
            await UntilAsync(() => app.Gate.Turns == 5);
            await leave.CancelAsync();
            foreach (var w in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => w);
            await UntilAsync(() => app.Gate.Turns == 1);
        }
        var second = app.PostAsync("/tallies/hot");
        gate.Open();
        Assert.Equal(("1", "2"), ((await first).Text, (await second).Text));
        await UntilAsync(() => app.Gate.Turns == 0);
    }

    [Fact]
    public async Task Failing_stores_leave_no_turn_behind()
    {
        await using var app = await TestApp.StartAsync(Map);
        app.Store.BeforeCommit = _ => TestStore.Fail(Stores.Applied.No);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => app.PostAsync("/tallies/1")));
        (app.Store.BeforeCommit, app.Store.BeforeLoad) = (null, _ => TestStore.Fail(Stores.Applied.No));
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => app.PostAsync("/tallies/1")));
        app.Store.BeforeLoad = null;
        Assert.Equal("1", (await app.PostAsync("/tallies/1")).Text);
        Assert.Equal(0, app.Gate.Turns);
    }

    [Fact]
    public async Task Five_thousand_connections_and_a_store_that_takes_a_second_keep_memory_bounded_and_the_service_whole()
    {
        await using var app = await TestApp.StartAsync(Map);
        await app.PostAsync("/tallies/warm");
        app.Store.BeforeLoad = _ => Task.Delay(TimeSpan.FromSeconds(1));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using (var client = app.FreshClient())
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 5_000).Select(i => client.SendAsync(HttpMethod.Post, $"/tallies/{i}")));
            foreach (var reply in replies.Where(r => r.Status != 200)) IsQuickRefusal(reply);
            Assert.Contains(replies, r => r.Status == 200);
            Assert.Equal(replies.Count(r => r.Status == 200) + 1, app.Store.Commits);
        }
        app.Store.BeforeLoad = null;
        Assert.Equal(0, app.Gate.Turns);
        // Client and server are in one process; after all of them have gone, what stays is far below a page each.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 5_000 * 32_768L);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 200).Select(i => app.PostAsync($"/tallies/after{i}"))), r => Assert.Equal("1", r.Text));
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!holds())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
