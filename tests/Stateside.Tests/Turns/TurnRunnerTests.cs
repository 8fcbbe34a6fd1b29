using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Tests.Turns;

public sealed class TurnRunnerTests : IDisposable
{
    private static readonly ReceiptRequest Receipt = new(new ReceiptId(1, 2), new ReceiptId(3, 4), CallsOutside: false, SafeToRepeat: false);
    private readonly Engine _engine = new();
    private readonly StateKey _key = Engine.Key();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task A_writing_turn_is_one_load_and_one_commit()
    {
        await _engine.RunAsync(TestHost.Add(_engine, _key, receipt: Receipt));
        Assert.Equal((1, 1), _engine.Store.Trips);
        Assert.Equal(1, await _engine.ValueAsync(_key));
    }

    [Fact]
    public async Task A_read_is_one_load_and_so_is_a_turn_that_changes_nothing()
    {
        await _engine.States.ReadAsync<Count>(_key);
        Assert.Equal((1, 0), _engine.Store.Trips);
        _engine.Store.Forget();
        await _engine.RunAsync(TestHost.On(_engine, _key, (state, _) => state.Update(c => c)));
        Assert.Equal((1, 0), _engine.Store.Trips);
    }

    [Fact]
    public async Task A_read_of_a_session_that_nobody_has_yet_makes_no_trip_and_begins_no_session()
    {
        var outcome = await _engine.RunAsync(InSession(SessionHandle.Fresh(), _ => { }));
        Assert.Equal((0, 0), _engine.Store.Trips);
        Assert.Null(outcome.BegunSession);
    }

    [Fact]
    public async Task The_first_write_begins_the_session_in_the_same_commit()
    {
        var session = SessionHandle.Fresh();
        var outcome = await _engine.RunAsync(InSession(session, state => state.Set(new Count(1))));
        Assert.Equal((0, 1), _engine.Store.Trips);
        Assert.Same(session, outcome.BegunSession);
        var known = SessionHandle.Parse(session.Credential())!;
        Assert.True(known.IsProvedBy(await _engine.Store.RowAsync(known.Key), DateTimeOffset.UtcNow));

        _engine.Store.Forget();
        var next = await _engine.RunAsync(InSession(known, state => Assert.Equal(1, state.Value.Value)));
        Assert.Equal(((1, 0), (SessionHandle?)null), (_engine.Store.Trips, next.BegunSession));
    }

    [Fact]
    public async Task OWA_03_a_session_that_was_never_issued_is_not_adopted()
    {
        var forged = SessionHandle.Parse(SessionHandle.Fresh().Credential())!;
        var outcome = await _engine.RunAsync(InSession(forged, state => state.Set(new Count(1))));
        Assert.NotNull(outcome.BegunSession);
        Assert.NotEqual(forged.Group, outcome.BegunSession.Group);
        Assert.False((await _engine.Store.RowAsync(forged.Key)).Exists);
    }

    [Fact]
    public async Task SES_07_a_session_that_ends_while_a_turn_runs_does_not_come_back()
    {
        var session = SessionHandle.Fresh();
        await _engine.RunAsync(InSession(session, state => state.Set(new Count(1))));
        var known = SessionHandle.Parse(session.Credential())!;
        var row = await _engine.Store.RowAsync(known.Key);
        _engine.Store.OnCommit.Enqueue(async commit =>
        {
            await _engine.Store.ApplyAsync(new Commit(known.Group, TurnId.New()) { Rows = [new RowWrite(known.Key, RowChange.Delete, row.Version)] });
            return await _engine.Store.ApplyAsync(commit);
        });
        var refused = await _engine.FailAsync(InSession(known, state => state.Set(new Count(2))));
        Assert.Equal(("SS1007", Applied.No), (refused.Code, refused.Applied));
        Assert.False((await _engine.Store.RowAsync(known.Key)).Exists);
        Assert.Equal(1, await _engine.ValueAsync(new StateKey(known.Group, "count")));
    }

    [Fact]
    public async Task A_conflict_runs_the_handler_again_on_the_rows_it_brought_with_the_same_turn()
    {
        _engine.Store.ConflictTimes(2, _key, """{"Value":10}"""u8.ToArray());
        var drawn = new List<(TurnId, DateTimeOffset, string, int)>();
        var host = TestHost.On(_engine, _key, (state, turn) =>
        {
            drawn.Add((turn.Id, turn.Now, turn.NewId(), turn.Random(1_000_000)));
            state.Update(c => new Count(c.Value + 1));
        });
        var outcome = await _engine.RunAsync(host);
        Assert.Equal((1, 3), _engine.Store.Trips);
        Assert.Equal(11, await _engine.ValueAsync(_key));
        Assert.Equal([1, 2, 3], host.Runs.Select(t => t.Run));
        Assert.Single(drawn.Distinct());
        Assert.Equal(outcome.Run!.Turn.Id, (await _engine.Store.RowAsync(_key)).Version.Turn);
        Assert.Equal(3, (await _engine.Store.RowAsync(_key)).Version.Counter);
    }

    [Fact]
    public async Task Runs_are_bounded_and_then_nothing_is_applied()
    {
        _engine.Store.ConflictTimes(_engine.Model.Limits.MaxRuns, _key, """{"Value":10}"""u8.ToArray());
        var host = TestHost.Add(_engine, _key);
        var refused = await _engine.FailAsync(host);
        Assert.Equal(("SS1007", Applied.No, 4), (refused.Code, refused.Applied, host.Runs.Count));
        Assert.Equal(10, await _engine.ValueAsync(_key));
    }

    [Fact]
    public async Task A_state_that_was_taken_but_not_changed_is_checked_so_that_no_write_skews()
    {
        var other = new StateKey(_key.Group, "count", "b");
        await _engine.RunAsync(TestHost.Add(_engine, other, by: 5));
        var host = new TestHost
        {
            Request = (_, _) => new TurnRequest { Slots = [new(_engine.Count, _key, true), new(_engine.Count, other, true)], Group = _key.Group },
            Handler = run =>
            {
                if (((State<Count>)run.Slots[1]).Value.Value == 5) ((State<Count>)run.Slots[0]).Set(new Count(1));
                return new(default(TurnReply));
            },
        };
        _engine.Store.ConflictTimes(1, other, """{"Value":6}"""u8.ToArray());
        await _engine.RunAsync(host);
        Assert.Equal((2, 0), (host.Runs.Count, await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task A_retry_with_the_key_is_answered_from_the_receipt_and_another_request_is_refused()
    {
        await _engine.RunAsync(TestHost.Add(_engine, _key, receipt: Receipt));
        var retry = TestHost.Add(_engine, _key, receipt: Receipt);
        var outcome = await _engine.RunAsync(retry);
        Assert.Equal(7, outcome.Replay!.Body.Span[0]);
        Assert.Empty(retry.Runs);
        Assert.Equal(1, await _engine.ValueAsync(_key));
        Assert.Equal("SS1004", (await _engine.FailAsync(TestHost.Add(_engine, _key, receipt: Receipt with { Fingerprint = default }))).Code);
    }

    [Fact]
    public async Task Of_two_at_once_with_one_key_the_second_is_answered_with_the_receipt_of_the_first()
    {
        _engine.Store.OnCommit.Enqueue(async commit =>
        {
            await _engine.Store.ApplyAsync(new Commit(_key.Group, TurnId.New()) { Receipt = TestHost.Response(Receipt, body: 9) });
            return await _engine.Store.ApplyAsync(commit);
        });
        var outcome = await _engine.RunAsync(TestHost.Add(_engine, _key, receipt: Receipt));
        Assert.Equal((9, 0), (outcome.Replay!.Body.Span[0], await _engine.ValueAsync(_key)));
    }

    [Fact]
    public async Task IDK_a_key_without_a_caller_to_tell_it_by_begins_a_session_and_does_not_run()
    {
        var host = InSession(SessionHandle.Fresh(), state => state.Set(new Count(1)), Receipt);
        var outcome = await _engine.RunAsync(host);
        Assert.NotNull(outcome.BegunSession);
        Assert.Null(outcome.Run);
        Assert.Empty(host.Runs);
    }

    [Fact]
    public async Task A_handler_that_fails_or_is_discarded_changes_nothing()
    {
        await Assert.ThrowsAsync<InvalidDataException>(async () => await _engine.RunAsync(TestHost.On(_engine, _key, (state, _) =>
        {
            state.Set(new Count(1));
            throw new InvalidDataException();
        })));
        await _engine.RunAsync(new TestHost
        {
            Request = (_, _) => new TurnRequest { Slots = [new(_engine.Count, _key, true)], Group = _key.Group },
            Handler = run =>
            {
                ((State<Count>)run.Slots[0]).Set(new Count(1));
                return new(new TurnReply(Discard: true, null));
            },
        });
        Assert.Equal(0, await _engine.ValueAsync(_key));
        Assert.Equal(0, _engine.Runtime.Gate.Turns);
        await _engine.RunAsync(TestHost.Add(_engine, _key));
    }

    [Fact]
    public async Task SES_05_a_store_that_does_not_answer_a_load_is_no_empty_state()
    {
        _engine.Store.OnLoad.Enqueue(_ => throw new StoreException("away", Applied.No));
        var host = TestHost.Add(_engine, _key);
        var failed = await _engine.FailAsync(host);
        Assert.Equal(("SS3001", Applied.No), (failed.Code, failed.Applied));
        Assert.Empty(host.Runs);
    }

    [Fact]
    public async Task A_fenced_commit_is_told_as_such()
    {
        _engine.Store.OnCommit.Enqueue(_ => new(new CommitResult.Fenced(5)));
        Assert.Equal("SS3006", (await _engine.FailAsync(TestHost.Add(_engine, _key))).Code);
    }

    private TestHost InSession(SessionHandle session, Action<State<Count>> handler, ReceiptRequest? receipt = null) => new()
    {
        Session = session,
        Request = (s, _) => new TurnRequest { Slots = [new(_engine.Count, new StateKey(s!.Group, "count"), true)], Group = s.Group, Receipt = receipt },
        Handler = run =>
        {
            handler((State<Count>)run.Slots[0]);
            return new(default(TurnReply));
        },
    };
}
