using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Stateside.Stores;
using Stateside.Testing.Tests.Support;
using Cart = Stateside.Testing.Tests.Support.Cart;

namespace Stateside.Testing.Tests;

public sealed class TestStoreTests : IAsyncLifetime
{
    private static readonly StateKey Key = new(Group.Keyed("a"), "counter");
    private TestApp _app = null!;

    private TestStore Store => _app.Store;

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(app =>
    {
        app.UseStateside();
        app.MapPost("/add", (State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1)));
        app.MapGet("/cart", (Snapshot<Cart> cart) => cart.Value);
    });

    public async Task DisposeAsync() => await _app.DisposeAsync();

    private Task<HttpResponseMessage> AddAsync() => _app.Client.PostAsync("/add", null);

    private Task<string> CartAsync() => _app.Client.GetStringAsync("/cart");

    [Fact]
    public async Task A_forced_conflict_runs_the_handler_again_and_is_used_up()
    {
        Store.ForceConflicts();
        Assert.Equal(HttpStatusCode.OK, (await AddAsync()).StatusCode);
        Assert.Equal("""{"quantity":1}""", await CartAsync());
        await AddAsync();
        Assert.Equal([StoreOutcome.Conflict, StoreOutcome.Done, StoreOutcome.Done], Outcomes(StoreVerb.Commit));
    }

    [Fact]
    public async Task A_conflict_waits_for_a_commit_that_compares_versions()
    {
        Store.ForceConflicts();
        var touch = new Commit(Key.Group, TurnId.New()) { Rows = [new RowWrite(Key, RowChange.Touch, StateVersion.None)] };
        Assert.Equal(CommitResult.Committed, await Store.CommitAsync(touch, default));
        var check = touch with { Rows = [new RowWrite(Key, RowChange.Check, StateVersion.None)] };
        Assert.Equal([Key], Assert.IsType<CommitResult.Conflict>(await Store.CommitAsync(check, default)).Rows.Select(r => r.Key));
    }

    [Fact]
    public async Task A_failed_load_is_a_503_that_was_not_applied()
    {
        await AddAsync();
        Store.FailLoads(2);
        await AssertProblemAsync(await _app.Client.GetAsync("/cart"), "SS3001", "no");
        await AssertProblemAsync(await AddAsync(), "SS3001", "no");
        Assert.Equal("""{"quantity":1}""", await CartAsync());
    }

    [Fact]
    public async Task A_refused_commit_is_a_503_and_nothing_is_written()
    {
        await AddAsync();
        Store.FailCommits();
        await AssertProblemAsync(await AddAsync(), "SS3001", "no");
        Assert.Equal("""{"quantity":1}""", await CartAsync());
    }

    [Fact]
    public async Task A_commit_that_broke_off_unwritten_stays_unknown()
    {
        await AddAsync();
        Store.FailCommits(1, Applied.Unknown);
        await AssertProblemAsync(await AddAsync(), "SS3002", "unknown");
        Assert.Equal("""{"quantity":1}""", await CartAsync());
    }

    [Fact]
    public async Task A_lost_answer_is_found_out_by_one_load_and_the_client_sees_none_of_it()
    {
        await AddAsync();
        Store.ClearCalls();
        Store.LoseAnswers();
        Assert.Equal(HttpStatusCode.OK, (await AddAsync()).StatusCode);
        Assert.Equal("""{"quantity":2}""", await CartAsync());
        Assert.Equal([StoreOutcome.AnswerLost], Outcomes(StoreVerb.Commit));
        Assert.Equal(3, Store.Loads);
    }

    [Fact]
    public async Task A_response_leaves_after_the_commit_and_not_before()
    {
        #region gate
        using var gate = Store.Hold(StoreVerb.Commit);
        var adding = AddAsync();
        await gate.Reached;
        Assert.False(adding.IsCompleted);
        gate.Open();
        Assert.Equal(HttpStatusCode.OK, (await adding).StatusCode);
        #endregion
        using var load = Store.Hold(StoreVerb.Load);
        var reading = CartAsync();
        await load.Reached;
        Assert.False(reading.IsCompleted);
        load.Dispose();
        Assert.Equal("""{"quantity":1}""", await reading);
    }

    [Fact]
    public async Task Whoever_waits_at_a_gate_can_give_up()
    {
        using var gate = Store.Hold(StoreVerb.Load);
        using var source = new CancellationTokenSource();
        var load = Store.LoadAsync(new LoadRequest([Key]), source.Token).AsTask();
        await gate.Reached;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
    }

    [Fact]
    public async Task The_calls_say_what_was_asked_and_written()
    {
        await AddAsync();
        await CartAsync();
        var commit = Store.Calls.Single(c => c.Verb == StoreVerb.Commit).Commit!;
        Assert.Equal(["$session", "cart"], commit.Rows.Select(r => r.Key.Name).Order());
        Assert.Equal(["$session", "cart"], Store.Calls.Single(c => c.Verb == StoreVerb.Load).Load!.Keys.Select(k => k.Name).Order());
        Store.ClearCalls();
        Assert.Equal((0, 0, 0), (Store.Calls.Count, Store.Loads, Store.Commits));
    }

    [Fact]
    public async Task Every_other_verb_is_handed_on()
    {
        await _app.App.Services.GetRequiredService<IStates>().RunAsync<Support.Counter>(Key, c => new(c.Value + 1));
        Assert.Equal([Key], await Store.ListAsync(Key.Group, 9, default));
        Assert.Empty(await Store.ReadJournalAsync(Key, 0, 9, default));
        Assert.Empty(await Store.FindDueAsync(9, default));
        Assert.Equal(0, await Store.CleanUpAsync(9, default));
    }

    [Fact]
    public async Task It_declares_what_any_state_may_need()
    {
        var declared = await Store.OpenAsync(default);
        Assert.Equal((Durability.Disk, StoreReach.Network, true), (declared.Durability, declared.Reach, declared.Watchable));
    }

    [Fact]
    public void Demands_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Store.ForceConflicts(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Store.FailLoads(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Store.LoseAnswers(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Store.FailCommits(1, Applied.Yes));
    }

    private IEnumerable<StoreOutcome> Outcomes(StoreVerb verb) => Store.Calls.Where(c => c.Verb == verb).Select(c => c.Outcome);

    private static async Task AssertProblemAsync(HttpResponseMessage response, string code, string applied)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        var body = await response.Content.ReadAsStringAsync();
        Assert.Contains($"\"code\":\"{code}\"", body, StringComparison.Ordinal);
        Assert.Contains($"\"applied\":\"{applied}\"", body, StringComparison.Ordinal);
    }
}
