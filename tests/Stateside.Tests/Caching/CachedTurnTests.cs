using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;
using Stateside.Turns;

namespace Stateside.Tests.Caching;

/// <summary>Turns on rows of the near cache: fewer trips, and never another answer than without it.</summary>
public sealed class CachedTurnTests : IDisposable
{
    private static readonly ReceiptRequest Receipt = new(new ReceiptId(1, 2), new ReceiptId(3, 4), CallsOutside: false, SafeToRepeat: false);
    private readonly ManualClock _time = new();
    private readonly Node _here;
    private readonly Node _there;
    private readonly StateKey _key = Node.Key();

    public CachedTurnTests()
    {
        var shared = new SharedStore(_time);
        (_here, _there) = (new Node(shared, _time), new Node(shared, _time, cache: false));
        // Whatever is told of changes only saves trips; the promises hold without it.
        _here.Store.HearsOthers = false;
    }

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
    }

    [Fact]
    public async Task A_turn_on_what_this_process_wrote_or_loaded_is_one_commit()
    {
        Assert.Equal((1, 1), await _here.TripsAsync(() => _here.AddAsync(_key)));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => Assert.Equal(2, await _here.AddAsync(_key))));
        await _there.AddAsync(Node.Key("b"));
        await _here.LookAsync(Node.Key("b"));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => Assert.Equal(2, await _here.AddAsync(Node.Key("b")))));
    }

    [Fact]
    public async Task Without_the_entry_every_turn_loads_and_nothing_is_watched()
    {
        await _there.AddAsync(_key);
        Assert.Equal((1, 1), await _there.TripsAsync(() => _there.AddAsync(_key)));
        Assert.Null(_there.Store.Watcher);
        Assert.NotNull(_here.Store.Watcher);
        using var off = new Node(_here.Shared, _time, maxBytes: 0);
        await off.AddAsync(_key);
        Assert.Equal((1, 1), await off.TripsAsync(() => off.AddAsync(_key)));
    }

    [Fact]
    public async Task A_deleted_state_is_known_to_be_absent()
    {
        await _here.AddAsync(_key);
        await _here.RunAsync(_here.On(_key, state => state.Delete()));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => Assert.Equal(1, await _here.AddAsync(_key))));
    }

    [Fact]
    public async Task What_another_process_changed_is_never_overwritten_and_costs_one_conflict()
    {
        await _here.AddAsync(_key);
        await _there.AddAsync(_key, 10);
        Assert.Equal((0, 2), await _here.TripsAsync(async () => Assert.Equal(12, await _here.AddAsync(_key))));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => Assert.Equal(13, await _here.AddAsync(_key))));
    }

    [Fact]
    public async Task What_another_process_deleted_or_created_is_seen()
    {
        await _here.AddAsync(_key, 5);
        await _there.RunAsync(_there.On(_key, state => state.Delete()));
        Assert.Equal(1, await _here.AddAsync(_key));
        await _here.RunAsync(_here.On(_key, state => state.Delete()));
        await _there.AddAsync(_key, 7);
        Assert.Equal(8, await _here.AddAsync(_key));
    }

    [Fact]
    public async Task A_run_on_cached_rows_does_not_count_against_the_most_runs()
    {
        using var node = new Node(_here.Shared, _time, maxRuns: 1);
        node.Store.HearsOthers = false;
        await node.AddAsync(_key);
        await _there.AddAsync(_key, 10);
        Assert.Equal(12, await node.AddAsync(_key));
        await _there.AddAsync(_key, 10);
        node.Store.BeforeTrip = () =>
        {
            node.Store.BeforeTrip = async () => await _there.AddAsync(_key, 10);
            return default;
        };
        var host = node.On(_key, state => state.Update(c => new Count(c.Value + 1)));
        Assert.Equal("SS1007", (await node.FailAsync(host)).Code);
        Assert.Equal([1, 2], host.Runs.Select(t => t.Run));
    }

    [Fact]
    public async Task An_answer_that_changes_nothing_is_validated_by_one_load_and_given_again_if_it_rested_on_what_has_changed()
    {
        await _here.AddAsync(_key);
        var host = _here.On(_key, _ => { });
        Assert.Equal((1, 0), await _here.TripsAsync(async () => await _here.RunAsync(host)));
        Assert.Single(host.Runs);
        await _there.AddAsync(_key, 10);
        Assert.Equal((1, 0), await _here.TripsAsync(async () => Assert.Equal(11, await _here.LookAsync(_key))));
    }

    [Fact]
    public async Task A_handler_that_throws_on_what_is_no_longer_so_runs_again_and_on_what_is_throws_after_one_load()
    {
        await _here.AddAsync(_key);
        var host = _here.On(_key, state => state.Update(c => c.Value == 1 ? throw new InvalidDataException() : new Count(100)));
        Assert.Equal((1, 0), await _here.TripsAsync(() => Assert.ThrowsAsync<InvalidDataException>(async () => await _here.RunAsync(host))));
        Assert.Single(host.Runs);
        await _there.AddAsync(_key);
        Assert.Equal((1, 1), await _here.TripsAsync(async () => await _here.RunAsync(host)));
        Assert.Equal([1, 1, 2], host.Runs.Select(t => t.Run));
    }

    [Fact]
    public async Task A_precondition_that_fails_on_cached_rows_is_asked_again_on_the_current_ones()
    {
        await _here.AddAsync(_key);
        await _there.AddAsync(_key);
        var current = (await _here.Shared.RowAsync(_key)).Version;
        TestHost IfMatch(StateVersion version) => _here.On(_key, state => state.Update(c => new Count(c.Value + 1)),
            precondition: rows => { if (rows[0].Version != version) throw Errors.PreconditionFailed(); });
        Assert.Equal((1, 1), await _here.TripsAsync(async () => await _here.RunAsync(IfMatch(current))));
        Assert.Equal((1, 0), await _here.TripsAsync(async () => Assert.Equal("SS1008", (await _here.FailAsync(IfMatch(current))).Code)));
    }

    [Fact]
    public async Task A_precondition_that_holds_on_cached_rows_only_is_refused_by_the_rows_of_the_conflict()
    {
        await _here.AddAsync(_key);
        var old = (await _here.Shared.RowAsync(_key)).Version;
        await _there.AddAsync(_key);
        var host = _here.On(_key, state => state.Set(new Count(9)), precondition: rows => { if (rows[0].Version != old) throw Errors.PreconditionFailed(); });
        Assert.Equal("SS1008", (await _here.FailAsync(host)).Code);
        Assert.Equal(2, await _there.LookAsync(_key));
    }

    [Fact]
    public async Task A_commit_of_the_receipt_alone_checks_the_rows_that_its_response_rests_on()
    {
        await _here.AddAsync(_key);
        var seen = new List<int>();
        var host = _here.On(_key, state => seen.Add(state.Value.Value), Receipt);
        await _there.AddAsync(_key, 10);
        Assert.Equal((0, 2), await _here.TripsAsync(async () => await _here.RunAsync(host)));
        Assert.Equal([1, 11], seen);
    }

    [Fact]
    public async Task A_retry_is_answered_from_the_receipt_though_the_row_is_cached()
    {
        await _here.RunAsync(_here.On(_key, state => state.Set(new Count(1)), Receipt));
        var retry = _here.On(_key, state => state.Set(new Count(2)), Receipt);
        Assert.NotNull((await _here.RunAsync(retry)).Replay);
        Assert.Equal(1, await _there.LookAsync(_key));
    }

    [Fact]
    public async Task A_handler_that_calls_outside_never_runs_on_cached_rows()
    {
        await _here.AddAsync(_key);
        await _there.AddAsync(_key, 10);
        var calls = Receipt with { CallsOutside = true };
        var seen = new List<int>();
        var host = new TestHost
        {
            Request = (_, _) => new TurnRequest { Slots = [new(_here.Count, _key, true)], Group = _key.Group, Receipt = calls },
            Handler = run =>
            {
                seen.Add(((State<Count>)run.Slots[0]).Value.Value);
                return new(new TurnReply(false, TestHost.Response(calls)));
            },
        };
        await _here.RunAsync(host);
        Assert.Equal([11], seen);
    }

    [Fact]
    public async Task A_turn_of_a_session_is_one_commit_and_that_checks_the_session()
    {
        var session = await _here.BeginSessionAsync();
        var host = _here.InSession(session, state => ((State<Count>)state).Update(c => new Count(c.Value + 1)));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => await _here.RunAsync(host)));
        var check = Assert.Single(_here.Store.Commits[0].Rows, r => r.Key == session.Key);
        Assert.Equal(RowChange.Check, check.Change);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_revoked_session_is_refused_at_once_though_everything_is_cached(bool withReceipt)
    {
        var session = await _here.BeginSessionAsync();
        // Of the revoked session even a receipt is not replayed.
        if (withReceipt) await _here.RunAsync(_here.InSession(session, state => ((State<Count>)state).Set(new Count(2)), receipt: Receipt));
        await _here.Shared.DeleteAsync(session.Key);
        var seen = new List<int>();
        var outcome = await _here.RunAsync(_here.InSession(session, state =>
        {
            seen.Add(((State<Count>)state).Value.Value);
            ((State<Count>)state).Update(c => new Count(c.Value + 5));
        }, receipt: withReceipt ? Receipt : null));
        Assert.NotNull(outcome.BegunSession);
        Assert.NotEqual(session.Group, outcome.BegunSession.Group);
        Assert.Null(outcome.Replay);
        Assert.Equal(withReceipt ? 2 : 1, (await _here.Shared.RowAsync(new StateKey(session.Group, "count"))) is { Exists: true } row ? _here.Count.Decode(row).Value : 0);
    }

    [Fact]
    public async Task A_stolen_session_id_with_another_secret_is_not_proved_by_the_cache()
    {
        var session = await _here.BeginSessionAsync();
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(session.Credential());
        bytes[^1] ^= 1;
        var forged = SessionHandle.Parse(System.Buffers.Text.Base64Url.EncodeToString(bytes))!;
        var outcome = await _here.RunAsync(_here.InSession(forged, state => ((State<Count>)state).Set(new Count(9))));
        Assert.NotEqual(session.Group, outcome.BegunSession!.Group);
    }

    [Fact]
    public async Task An_idle_session_ends_by_the_cache_as_it_does_in_the_store()
    {
        var session = await _here.BeginSessionAsync();
        _time.Advance(Node.IdleTimeout);
        var outcome = await _here.RunAsync(_here.InSession(session, state => ((State<Count>)state).Set(new Count(2))));
        Assert.NotNull(outcome.BegunSession);
        Assert.NotEqual(session.Group, outcome.BegunSession.Group);
    }

    [Fact]
    public async Task A_busy_session_is_prolonged_once_and_lives_on()
    {
        var session = await _here.BeginSessionAsync();
        var host = _here.InSession(session, state => ((State<Count>)state).Update(c => new Count(c.Value + 1)));
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(Node.IdleTimeout / 2);
            Assert.Equal((0, 1), await _here.TripsAsync(async () => await _here.RunAsync(host)));
            Assert.Equal(Node.IdleTimeout, _here.Store.Commits[0].Rows.Single(r => r.Key == session.Key).TimeToLive);
            await _here.TripsAsync(async () => await _here.RunAsync(host));
            Assert.Null(_here.Store.Commits[0].Rows.Single(r => r.Key == session.Key).TimeToLive);
        }
    }

    [Fact]
    public async Task A_state_past_its_time_to_live_is_empty_again()
    {
        using var node = new Node(_here.Shared, _time, expires: TimeSpan.FromMinutes(1));
        await node.AddAsync(_key, 5);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal((0, 1), await node.TripsAsync(async () => Assert.Equal(6, await node.AddAsync(_key))));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await node.AddAsync(_key));
    }

    [Fact]
    public async Task A_row_whose_commit_has_an_unknown_outcome_is_loaded_anew()
    {
        await _here.AddAsync(_key);
        _here.Store.LosesAnswer = true;
        Assert.Equal(2, await _here.AddAsync(_key));
        Assert.Equal((1, 1), await _here.TripsAsync(async () => Assert.Equal(3, await _here.AddAsync(_key))));
    }

    [Fact]
    public async Task A_change_that_is_told_saves_the_conflict()
    {
        _here.Store.HearsOthers = true;
        await _here.AddAsync(_key);
        await _there.AddAsync(_key);
        Assert.Equal((1, 1), await _here.TripsAsync(async () => Assert.Equal(3, await _here.AddAsync(_key))));
        Assert.Equal(1, _here.Counted("invalidations"));
        _here.Store.Watcher!.AnyChanged();
        Assert.Equal((1, 1), await _here.TripsAsync(() => _here.AddAsync(_key)));
        Assert.Equal(2, _here.Counted("invalidations"));
    }

    [Fact]
    public async Task A_store_that_tells_a_process_of_its_own_changes_before_their_answer_costs_no_load()
    {
        _here.Store.HearsItself = true;
        await _here.AddAsync(_key);
        Assert.Equal((0, 1), await _here.TripsAsync(() => _here.AddAsync(_key)));
    }

    [Fact]
    public async Task A_session_that_the_turn_does_not_write_with_is_loaded()
    {
        // With MaxAge everything is at hand, so that only the session asks for the load.
        using var node = new Node(_here.Shared, _time, maxAge: TimeSpan.FromHours(1));
        node.Store.HearsOthers = false;
        var session = await node.BeginSessionAsync();
        await node.AddAsync(_key);
        await node.Shared.DeleteAsync(session.Key);
        TestHost host = new()
        {
            Session = session,
            Request = (s, _) => new TurnRequest { Slots = [new(node.Count, _key, true), new(node.Count, new StateKey(s!.Group, "count"), false)], Group = _key.Group },
            Handler = run =>
            {
                ((State<Count>)run.Slots[0]).Set(((Snapshot<Count>)run.Slots[1]).Value);
                return new(default(TurnReply));
            },
        };
        Assert.Equal((2, 1), await node.TripsAsync(async () => await node.RunAsync(host)));
        Assert.Equal([_key, session.Key], node.Store.Loads[0].Keys);
        Assert.Equal(0, await _there.LookAsync(_key));
    }
}
