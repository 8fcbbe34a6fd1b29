using Stateside.AspNetCore.Tests.Support;
using Stateside.Stores;

namespace Stateside.AspNetCore.Tests.Idempotency;

/// <summary>Handlers that call the outside world: the claim comes first, and what breaks off is told (CON-03, CON-04, CRS-01 to CRS-05, EXP-02).</summary>
public class OutsideTests
{
    private const string Name = "Idempotency-Key";
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>The outside world: counts its calls, may hold them and may fail.</summary>
    private sealed class Outside
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public List<string> Ids { get; } = [];

        public Gate? Gate { get; set; }

        public bool Fails { get; set; }

        public int Status { get; set; } = 200;

        public async Task<IResult> CallAsync(Turn turn)
        {
            Interlocked.Increment(ref _calls);
            lock (Ids) Ids.Add($"{turn.Id} {turn.Now:O} {turn.NewId()}");
            if (Gate is { } gate) await gate.WaitAsync();
            if (Fails) throw new FormatException("secret-detail");
            return Results.Text("paid", statusCode: Status);
        }
    }

    private static Task<TestApp> StartAsync(Outside outside, ManualClock? time = null, TestStore? store = null) => TestApp.StartAsync(
        app =>
        {
            app.MapPost("/pay/{id}", async ([RouteKey("id")] State<Tally> tally, Turn turn) => { tally.Update(t => t.Add()); return await outside.CallAsync(turn); }).CallsOutside();
            app.MapPost("/again/{id}", async ([RouteKey("id")] State<Tally> tally, Turn turn) => { tally.Update(t => t.Add()); return await outside.CallAsync(turn); }).CallsOutside(safeToRepeat: true);
            app.MapPost("/mail", outside.CallAsync).CallsOutside();
            app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        }, new() { Time = time, Store = store });

    [Fact]
    public async Task The_key_is_required_and_claimed_before_the_handler_runs()
    {
        var outside = new Outside { Gate = new Gate() };
        await using var app = await StartAsync(outside);
        Problem.Is(await app.PostAsync("/pay/1"), "SS1002", 400);
        var first = app.PostAsync("/pay/1", (Name, "k"));
        await outside.Gate.ArrivedAsync();
        var claim = Assert.Single(app.Store.Sent).Receipt!;
        Assert.Equal((ReceiptStatus.Claimed, Lease), (claim.Status, claim.Lease));
        outside.Gate.Open();
        Assert.Equal("paid", (await first).Text);
        Assert.Equal(("paid", "true"), ((await app.PostAsync("/pay/1", (Name, "k"))).Text, (await app.PostAsync("/pay/1", (Name, "k")))["Idempotent-Replayed"]));
        Assert.Equal(1, outside.Calls);
    }

    [Fact]
    public async Task IDK_03_and_08_While_it_runs_a_retry_gets_409_with_Retry_After_at_once()
    {
        var outside = new Outside { Gate = new Gate() };
        await using var app = await StartAsync(outside);
        var first = app.PostAsync("/pay/1", (Name, "k"));
        await outside.Gate.ArrivedAsync();
        var retry = await app.PostAsync("/pay/1", (Name, "k"));
        Problem.Is(retry, "SS1005", 409);
        Assert.InRange(int.Parse(retry["Retry-After"]!), 1, 30);
        outside.Gate.Open();
        await first;
        Assert.Equal(1, outside.Calls);
    }

    [Fact]
    public async Task FPR_03_Another_payload_while_the_first_is_running_is_422()
    {
        var outside = new Outside { Gate = new Gate() };
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapPost("/basket", (State<Basket> basket) => basket.Update(b => b.Add("x")).Items.Length);
            a.MapPost("/pay", async (State<Basket> basket, Turn turn) => { basket.Update(b => b.Add("p")); return await outside.CallAsync(turn); }).CallsOutside();
        });
        var session = await app.BeginSessionAsync("/basket");
        var first = app.PostAsync("/pay", "{}", (Name, "k"), session);
        await outside.Gate.ArrivedAsync();
        Problem.Is(await app.PostAsync("/pay", "[]", (Name, "k"), session), "SS1004", 422);
        outside.Gate.Open();
        Assert.Equal(200, (await first).Status);
    }

    [Fact]
    public async Task CON_01_A_hundred_at_once_on_two_nodes_call_the_outside_once()
    {
        var (outside, store) = (new Outside(), new TestStore());
        await using var one = await StartAsync(outside, null, store);
        await using var two = await StartAsync(outside, null, store);
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? one : two).PostAsync("/pay/1", (Name, "k"))));
        Assert.Equal(1, outside.Calls);
        Assert.All(replies, r => Assert.True(r.Text == "paid" || r.Code == "SS1005", r.Text));
        Assert.Contains(replies, r => r.Text == "paid" && r["Idempotent-Replayed"] is null);
    }

    [Theory]
    [InlineData(true, 200)]
    [InlineData(false, 500)]
    [InlineData(false, 503)]
    public async Task CRS_03_What_breaks_off_is_an_unknown_outcome_and_never_a_second_call(bool throws, int status)
    {
        var outside = new Outside { Fails = throws, Status = status };
        await using var app = await StartAsync(outside);
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1006", 409, "unknown");
        outside.Fails = false;
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1006", 409, "unknown");
        Assert.Equal(1, outside.Calls);
        Assert.Equal("0", (await app.GetAsync("/tallies/1")).Text);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(402)]
    [InlineData(429)]
    public async Task Whatever_a_handler_answers_after_it_may_have_called_is_the_answer_that_stays(int status)
    {
        var outside = new Outside { Status = status };
        await using var app = await StartAsync(outside);
        Assert.Equal(status, (await app.PostAsync("/mail", (Name, "k"))).Status);
        Assert.Equal(status, (await app.PostAsync("/mail", (Name, "k"))).Status);
        Assert.Equal(1, outside.Calls);
    }

    [Fact]
    public async Task CRS_01_and_EXP_02_A_claim_of_a_dead_process_is_told_as_unknown_once_its_own_lease_is_over()
    {
        var (time, outside) = (new ManualClock(), new Outside());
        var store = new TestStore(time);
        await using var app = await StartAsync(outside, time, store);
        await LeaveClaimAsync(app, "/pay/1");
        time.Advance(Lease - TimeSpan.FromSeconds(1));
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1005", 409);
        time.Advance(TimeSpan.FromSeconds(2));
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1006", 409, "unknown");
        Assert.Equal(0, outside.Calls);
    }

    [Fact]
    public async Task A_claim_of_a_dead_process_is_taken_over_where_calls_are_safe_to_repeat_and_carries_the_same_ids()
    {
        var (time, outside) = (new ManualClock(), new Outside { Fails = true });
        await using var app = await StartAsync(outside, time);
        Problem.Is(await app.PostAsync("/again/1", (Name, "k")), "SS1006", 409, "unknown");
        outside.Fails = false;
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("paid", (await app.PostAsync("/again/1", (Name, "k"))).Text);
        Assert.Equal(2, outside.Calls);
        Assert.Equal(outside.Ids[0], outside.Ids[1]);
        Assert.Equal("true", (await app.PostAsync("/again/1", (Name, "k")))["Idempotent-Replayed"]);
        Assert.Equal("1", (await app.GetAsync("/tallies/1")).Text);
    }

    [Fact]
    public async Task EXP_02_A_claim_is_renewed_while_the_handler_runs()
    {
        var (time, outside) = (new ManualClock(), new Outside { Gate = new Gate() });
        await using var app = await StartAsync(outside, time);
        var renewed = new Gate();
        app.Store.AfterCommit = (c, _) =>
        {
            if (c.Receipt!.ExpectedClaim is not null) renewed.Pass();
            return Task.CompletedTask;
        };
        var first = app.PostAsync("/pay/1", (Name, "k"));
        await outside.Gate.ArrivedAsync();
        for (var i = 0; i < 9; i++)
        {
            time.Advance(Lease / 3);
            await renewed.ArrivedAsync();
        }
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1005", 409);
        outside.Gate.Open();
        Assert.Equal("paid", (await first).Text);
    }

    [Fact]
    public async Task CON_03_Who_has_lost_the_claim_cannot_complete_with_the_old_token()
    {
        var (time, outside) = (new ManualClock(), new Outside { Gate = new Gate() });
        await using var app = await StartAsync(outside, time);
        var first = app.PostAsync("/again/1", (Name, "k"));
        await outside.Gate.ArrivedAsync();
        // Another takes the claim, as it may when the first could not renew.
        var claim = app.Store.Sent.First();
        var taken = claim.Receipt! with { ExpectedClaim = claim.Receipt!.Claim, Claim = TurnId.New() };
        Assert.Equal(CommitResult.Committed, await app.Store.Inner.CommitAsync(claim with { Receipt = taken }, default));
        outside.Gate.Open();
        Problem.Is(await first, "SS1006", 409, "unknown");
        Assert.Equal("0", (await app.GetAsync("/tallies/1")).Text);
        var now = await app.Store.Inner.LoadAsync(new LoadRequest([], new ReceiptKey(claim.Group, taken.Id)), default);
        Assert.Equal((ReceiptStatus.Claimed, taken.Claim), (now.Receipt!.Status, now.Receipt.Claim));
    }

    [Fact]
    public async Task CON_04_A_claim_that_is_refused_by_a_claim_that_is_gone_means_409_and_no_call()
    {
        var outside = new Outside();
        await using var app = await StartAsync(outside, null, new TestStore());
        app.Store.BeforeCommit = c => c.Receipt is { Status: ReceiptStatus.Claimed, ExpectedClaim: null } receipt
            ? app.Store.Inner.CommitAsync(new Commit(c.Group, TurnId.New()) { Receipt = receipt with { Claim = TurnId.New() } }, default).AsTask()
            : Task.CompletedTask;
        var reply = await app.PostAsync("/pay/1", (Name, "k"));
        Problem.Is(reply, "SS1005", 409);
        Assert.NotNull(reply["Retry-After"]);
        Assert.Equal(0, outside.Calls);
    }

    [Fact]
    public async Task CRS_05_A_store_that_is_away_at_the_claim_means_503_and_no_call()
    {
        var outside = new Outside();
        await using var app = await StartAsync(outside);
        app.Store.BeforeCommit = _ => TestStore.Fail(Applied.No);
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS3001", 503);
        Assert.Equal(0, outside.Calls);
    }

    [Fact]
    public async Task CRS_05_A_store_that_is_away_for_a_moment_at_the_completion_is_asked_again()
    {
        var outside = new Outside();
        await using var app = await StartAsync(outside);
        var failures = 2;
        app.Store.BeforeCommit = c => c.Rows.Count > 0 && Interlocked.Decrement(ref failures) >= 0 ? TestStore.Fail(Applied.No) : Task.CompletedTask;
        Assert.Equal("paid", (await app.PostAsync("/pay/1", (Name, "k"))).Text);
        Assert.Equal("true", (await app.PostAsync("/pay/1", (Name, "k")))["Idempotent-Replayed"]);
        Assert.Equal("1", (await app.GetAsync("/tallies/1")).Text);
        Assert.Equal(1, outside.Calls);
    }

    [Fact]
    public async Task CRS_05_A_store_that_stays_away_at_the_completion_leaves_an_unknown_outcome_and_never_a_no()
    {
        var outside = new Outside();
        await using var app = await StartAsync(outside);
        app.Store.BeforeCommit = c => c.Receipt is { Status: ReceiptStatus.Claimed } ? Task.CompletedTask : TestStore.Fail(Applied.No);
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1006", 409, "unknown");
        app.Store.BeforeCommit = null;
        Problem.Is(await app.PostAsync("/pay/1", (Name, "k")), "SS1005", 409);
        Assert.Equal(1, outside.Calls);
    }

    /// <summary>Claims as a process does that then dies.</summary>
    private static async Task LeaveClaimAsync(TestApp app, string path)
    {
        var dead = new Outside { Gate = new Gate() };
        await using var other = await StartAsync(dead, new ManualClock(), app.Store);
        Commit? claim = null;
        app.Store.BeforeCommit = c => { claim = c; return TestStore.Fail(Applied.No); };
        await other.PostAsync(path, (Name, "k"));
        app.Store.BeforeCommit = null;
        await app.Store.Inner.CommitAsync(claim!, default);
    }
}
