using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Tests.Turns;

/// <summary>Handlers that call the outside world: claimed first, never run twice by themselves, and honest about what is not known.</summary>
public sealed class OutsideClaimTests : IDisposable
{
    private static readonly ReceiptRequest Once = new(new ReceiptId(1, 2), new ReceiptId(3, 4), CallsOutside: true, SafeToRepeat: false);
    private static readonly ReceiptRequest Repeatable = Once with { SafeToRepeat = true };
    private readonly ManualClock _time = new();
    private readonly Engine _engine;
    private readonly StateKey _key = Engine.Key();

    public OutsideClaimTests() => _engine = new Engine(_time);

    private TimeSpan Lease => _engine.Model.Idempotency.ClaimLease;

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task The_claim_is_written_before_the_handler_runs_and_settled_with_its_commit()
    {
        ReceiptStatus? during = null;
        var host = Host(Once, async run =>
        {
            during = (await FindAsync())!.Status;
            Set(run, 1);
        });
        await _engine.RunAsync(host);
        Assert.Equal(ReceiptStatus.Claimed, during);
        Assert.Equal(ReceiptStatus.Recorded, (await FindAsync())!.Status);
        Assert.Equal((2, 1), (_engine.Store.Commits.Count, await _engine.ValueAsync(_key)));
        Assert.NotNull((await _engine.RunAsync(Host(Once, _ => throw new InvalidOperationException("It must not run.")))).Replay);
        Assert.Equal(0, _time.Waiting);
    }

    [Fact]
    public async Task IDK_03_a_retry_hears_that_the_first_is_running_and_when_to_come_again()
    {
        var (first, go) = Start(Once);
        var refused = await _engine.FailAsync(Host(Once, _ => default));
        Assert.Equal(("SS1005", Applied.No), (refused.Code, refused.Applied));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromSeconds(1), Lease);
        Assert.Equal("SS1004", (await _engine.FailAsync(Host(Once with { Fingerprint = default }, _ => default))).Code);
        go.SetResult();
        await first;
    }

    [Fact]
    public async Task EXP_02_the_lease_is_renewed_while_the_handler_runs_even_past_a_hiccup_of_the_store()
    {
        var (first, go) = Start(Once);
        for (var thirds = 1; thirds <= 12; thirds++)
        {
            if (thirds == 6) _engine.Store.OnCommit.Enqueue(_ => throw new StoreException("away", Applied.No));
            _time.Advance(Lease / 3);
            await UntilAsync(() => _time.Waiting == 1);
            Assert.True((await FindAsync())!.LeaseRemaining >= Lease / 3, $"after {thirds} thirds");
        }
        go.SetResult();
        await first;
        Assert.Equal(ReceiptStatus.Recorded, (await FindAsync())!.Status);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task CRS_03_a_handler_that_breaks_off_leaves_an_unknown_outcome_and_is_never_run_again(bool throws)
    {
        var host = Host(Once, run => throws ? throw new InvalidDataException() : default, discard: !throws);
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(host));
        Assert.Equal(ReceiptStatus.OutcomeUnknown, (await FindAsync())!.Status);
        var retry = Host(Once, _ => default);
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(retry));
        _time.Advance(Lease * 2);
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(retry));
        Assert.Empty(retry.Runs);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 0)]
    public async Task CRS_05_the_commit_after_the_call_is_tried_again_and_a_store_that_stays_away_leaves_an_unknown_outcome(int failures, int expected)
    {
        var host = Host(Once, run =>
        {
            for (var i = 0; i < failures; i++) _engine.Store.OnCommit.Enqueue(_ => throw new StoreException("away", Applied.No));
            Set(run, 1);
            return default;
        });
        var turn = expected == 1 ? _engine.RunAsync(host).AsTask() : (Task)FailAsync(host);
        // The pauses between the tries are on the manual clock.
        while (!turn.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        await turn;
        if (expected == 0) Assert.Equal(("SS1006", Applied.Unknown), await (Task<(string, Applied)>)turn);
        Assert.Equal(expected == 1 ? ReceiptStatus.Recorded : ReceiptStatus.OutcomeUnknown, (await FindAsync())!.Status);
        Assert.Equal(expected, await _engine.ValueAsync(_key));
    }

    [Fact]
    public async Task A_state_grown_too_large_after_the_call_is_an_unknown_outcome_too()
    {
        _engine.Count.MaxBytes = 5;
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(Host(Once, run =>
        {
            Set(run, 1_000_000);
            return default;
        })));
        Assert.Equal(ReceiptStatus.OutcomeUnknown, (await FindAsync())!.Status);
    }

    [Fact]
    public async Task A_state_that_cannot_be_read_is_refused_before_anything_is_claimed()
    {
        await _engine.Store.ApplyAsync(new Commit(_key.Group, TurnId.New()) { Rows = [new RowWrite(_key, RowChange.Put, default) { Body = "[]"u8.ToArray() }] });
        Assert.Equal(("SS3005", Applied.No), await FailAsync(Host(Once, _ => default)));
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task A_conflict_after_the_call_is_an_unknown_outcome_and_not_a_second_run()
    {
        var host = Host(Once, async run =>
        {
            await _engine.Store.ApplyAsync(new Commit(_key.Group, TurnId.New()) { Rows = [new RowWrite(_key, RowChange.Put, default) { Body = """{"Value":9}"""u8.ToArray() }] });
            Set(run, 1);
        });
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(host));
        Assert.Equal((1, 9), (host.Runs.Count, await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_is_recognised_by_its_token()
    {
        _engine.Store.LoseAnswer(applies: true);
        await _engine.RunAsync(Host(Once, run =>
        {
            Set(run, 1);
            return default;
        }));
        Assert.Equal((ReceiptStatus.Recorded, 1), ((await FindAsync())!.Status, await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task A_settling_commit_without_rows_whose_answer_was_lost_is_recognised_by_its_receipt()
    {
        await _engine.RunAsync(Host(Once, _ =>
        {
            _engine.Store.LoseAnswer(applies: true);
            return default;
        }));
        Assert.Equal(ReceiptStatus.Recorded, (await FindAsync())!.Status);
    }

    [Fact]
    public async Task CRS_01_a_claim_that_was_left_behind_answers_409_until_its_lease_lapses_and_then_that_nothing_is_known()
    {
        await LeaveBehindAsync(Seed());
        Assert.Equal(("SS1005", Applied.No), await FailAsync(Host(Once, _ => default)));
        _time.Advance(Lease);
        Assert.Equal(("SS1006", Applied.Unknown), await FailAsync(Host(Once, _ => default)));
    }

    [Fact]
    public async Task What_is_safe_to_repeat_is_taken_over_with_the_same_id_time_drawn_ids_and_new_keys()
    {
        var seed = Seed();
        await LeaveBehindAsync(seed);
        _time.Advance(Lease);
        var drawn = "";
        StateKey? made = null;
        var host = new TestHost
        {
            Request = (_, s) => new TurnRequest
            {
                Slots = [new(_engine.Count, new StateKey(_key.Group, "count", s.NewItem(0)), true, IsNew: true)], Group = _key.Group, Receipt = Repeatable,
            },
            Handler = run =>
            {
                drawn = run.Turn.NewId();
                made = run.Slots[0].Row.Key;
                Set(run, 1);
                return new(new TurnReply(false, TestHost.Response(Repeatable)));
            },
        };
        await _engine.RunAsync(host);
        var turn = Assert.Single(host.Runs);
        Assert.Equal((seed.Id, seed.Now, new Turn(seed, 1, default).NewId()), (turn.Id, turn.Now, drawn));
        Assert.Equal(seed.NewItem(0), made!.Value.Item);
        Assert.Equal(new StateVersion(1, seed.Id), (await _engine.Store.RowAsync(made.Value)).Version);
        Assert.Equal(ReceiptStatus.Recorded, (await FindAsync())!.Status);
    }

    [Fact]
    public async Task CON_03_who_lost_the_claim_cannot_settle_it()
    {
        var (first, go) = Start(Repeatable);
        var stolen = (await FindAsync())!;
        var thief = TurnId.New();
        await _engine.Store.ApplyAsync(new Commit(_key.Group, TurnId.New())
        {
            Receipt = new ReceiptWrite(stolen.Id, ReceiptStatus.Claimed, stolen.Fingerprint, stolen.Body, TimeSpan.FromDays(1)) { ExpectedClaim = stolen.Claim, Claim = thief, Lease = Lease },
        });
        go.SetResult();
        Assert.Equal("SS1006", (await Assert.ThrowsAsync<StatesideException>(() => first)).Code);
        Assert.Equal((ReceiptStatus.Claimed, thief), ((await FindAsync())!.Status, (await FindAsync())!.Claim));
        Assert.Equal(0, await _engine.ValueAsync(_key));
    }

    private TurnSeed Seed() => TurnSeed.New(_time);

    /// <summary>What a process that died between claim and settling leaves.</summary>
    private async Task LeaveBehindAsync(TurnSeed seed) => await _engine.Store.ApplyAsync(new Commit(_key.Group, seed.Id)
    {
        Receipt = new ReceiptWrite(Once.Id, ReceiptStatus.Claimed, Once.Fingerprint, ClaimBody.Write(seed), TimeSpan.FromDays(1)) { Claim = TurnId.New(), Lease = Lease },
    });

    /// <summary>Starts a turn whose handler has begun and waits.</summary>
    private (Task<TurnOutcome> First, TaskCompletionSource Go) Start(ReceiptRequest receipt)
    {
        var go = new TaskCompletionSource();
        var first = _engine.RunAsync(Host(receipt, async run =>
        {
            await go.Task;
            Set(run, 1);
        })).AsTask();
        Assert.Equal(1, _time.Waiting);
        return (first, go);
    }

    private TestHost Host(ReceiptRequest receipt, Func<TurnRun, ValueTask> handler, bool discard = false) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new(_engine.Count, _key, true)], Group = _key.Group, Receipt = receipt },
        Handler = async run =>
        {
            await handler(run);
            return new TurnReply(discard, TestHost.Response(receipt));
        },
    };

    private async Task<ReceiptRow?> FindAsync() => await _engine.Store.ReceiptAsync(_key.Group, Once.Id);

    private async Task<(string, Applied)> FailAsync(ITurnHost host)
    {
        var failed = await _engine.FailAsync(host);
        return (failed.Code, failed.Applied);
    }

    private static void Set(TurnRun run, int value) => ((State<Count>)run.Slots[0]).Set(new Count(value));

    /// <summary>Continuations of a timer may run on another thread; waits for them, for 10 seconds at most.</summary>
    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 1_000 && !condition(); i++) await Task.Delay(10);
        Assert.True(condition());
    }
}
