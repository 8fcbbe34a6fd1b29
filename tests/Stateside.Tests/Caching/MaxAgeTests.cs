using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Caching;

/// <summary>Snapshots by age: zero trips, and never staler than declared.</summary>
public sealed class MaxAgeTests : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);
    private readonly ManualClock _time = new();
    private readonly Node _here;
    private readonly Node _there;
    private readonly StateKey _key = Node.Key();

    public MaxAgeTests()
    {
        var shared = new SharedStore(_time);
        (_here, _there) = (new Node(shared, _time, cache: true, MaxAge), new Node(shared, _time, cache: false));
    }

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
    }

    [Fact]
    public async Task A_snapshot_is_answered_from_the_cache_until_it_is_exactly_as_old_as_allowed()
    {
        _here.Store.HearsOthers = false;
        await _there.AddAsync(_key);
        await _here.ReadAsync(_key);
        await _there.AddAsync(_key);
        _time.Advance(MaxAge);
        Assert.Equal((0, 0), await _here.TripsAsync(async () => Assert.Equal(1, await _here.ReadAsync(_key))));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal((1, 0), await _here.TripsAsync(async () => Assert.Equal(2, await _here.ReadAsync(_key))));
    }

    [Fact]
    public async Task The_age_counts_from_before_the_load_was_sent()
    {
        await _there.AddAsync(_key);
        _here.Store.BeforeAnswer = () =>
        {
            _time.Advance(MaxAge);
            return default;
        };
        await _here.ReadAsync(_key);
        Assert.Equal((0, 0), await _here.TripsAsync(() => _here.ReadAsync(_key)));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal((1, 0), await _here.TripsAsync(() => _here.ReadAsync(_key)));
    }

    [Fact]
    public async Task What_this_process_writes_is_seen_at_once_and_without_a_trip()
    {
        await _here.AddAsync(_key);
        await _here.ReadAsync(_key);
        await _here.AddAsync(_key);
        Assert.Equal((0, 0), await _here.TripsAsync(async () => Assert.Equal(2, await _here.ReadAsync(_key))));
    }

    [Fact]
    public async Task A_load_that_was_sent_before_an_own_write_is_not_kept_after_it()
    {
        await _there.AddAsync(_key);
        // The write is known, and dropped again, while the answer to the load is on its way.
        _here.Store.BeforeAnswer = async () =>
        {
            await _here.AddAsync(_key);
            _here.Store.Watcher!.Changed(_key);
        };
        Assert.Equal(1, await _here.ReadAsync(_key));
        Assert.Equal(2, await _here.ReadAsync(_key));
    }

    [Fact]
    public async Task A_change_told_while_the_answer_is_on_its_way_wins()
    {
        await _there.AddAsync(_key);
        _here.Store.BeforeAnswer = async () => await _there.AddAsync(_key);
        Assert.Equal(1, await _here.ReadAsync(_key));
        Assert.Equal((1, 0), await _here.TripsAsync(async () => Assert.Equal(2, await _here.ReadAsync(_key))));
    }

    [Fact]
    public async Task All_changed_while_the_answer_is_on_its_way_wins_too()
    {
        _here.Store.HearsOthers = false;
        await _there.AddAsync(_key);
        _here.Store.BeforeAnswer = async () =>
        {
            await _there.AddAsync(_key);
            _here.Store.Watcher!.AnyChanged();
        };
        Assert.Equal(1, await _here.ReadAsync(_key));
        Assert.Equal(2, await _here.ReadAsync(_key));
    }

    [Fact]
    public async Task A_change_told_while_an_own_commit_is_on_its_way_is_not_taken_for_its_own()
    {
        await _here.AddAsync(_key);
        _here.Store.BeforeAnswer = async () => await _there.AddAsync(_key, 10);
        Assert.Equal(2, await _here.AddAsync(_key));
        Assert.Equal(12, await _here.ReadAsync(_key));
    }

    [Fact]
    public async Task A_slow_answer_does_not_take_a_reader_back_in_time()
    {
        _here.Store.HearsOthers = false;
        await _there.AddAsync(_key);
        _here.Store.BeforeAnswer = async () =>
        {
            await _there.AddAsync(_key);
            Assert.Equal(2, await _here.ReadAsync(_key));
        };
        Assert.Equal(1, await _here.ReadAsync(_key));
        Assert.Equal((0, 0), await _here.TripsAsync(async () => Assert.Equal(2, await _here.ReadAsync(_key))));
    }

    [Fact]
    public async Task A_count_that_began_anew_is_taken_once_the_store_has_forgotten_the_old_one()
    {
        _here.Store.HearsOthers = false;
        for (var i = 0; i < 3; i++) await _here.AddAsync(_key);
        await _there.RunAsync(_there.On(_key, state => state.Delete()));
        _time.Advance(RowWrite.TombstoneLife + TimeSpan.FromSeconds(1));
        await _here.Shared.Inner.CleanUpAsync(100, default);
        await _there.AddAsync(_key, 7);
        Assert.Equal(1, (await _here.Shared.RowAsync(_key)).Version.Counter);
        Assert.Equal((0, 2), await _here.TripsAsync(async () => Assert.Equal(8, await _here.AddAsync(_key))));
        Assert.Equal((0, 1), await _here.TripsAsync(async () => Assert.Equal(9, await _here.AddAsync(_key))));
    }

    [Fact]
    public async Task What_was_never_written_is_not_kept()
    {
        await _here.ReadAsync(_key);
        Assert.Equal((1, 0), await _here.TripsAsync(() => _here.ReadAsync(_key)));
        Assert.Equal(0, _here.Counted("size"));
    }

    [Fact]
    public async Task Of_a_session_the_state_is_cached_and_the_session_is_loaded_each_time()
    {
        var session = await _here.BeginSessionAsync();
        var seen = new List<int>();
        var host = _here.InSession(session, state => seen.Add(((Snapshot<Count>)state).Value.Value), writes: false);
        Assert.Equal((1, 0), await _here.TripsAsync(async () => await _here.RunAsync(host)));
        Assert.Equal([session.Key], _here.Store.Loads[0].Keys);
        _here.Store.HearsOthers = false;
        await _here.Shared.DeleteAsync(session.Key);
        await _here.RunAsync(host);
        Assert.Equal([1, 0], seen);
    }

    [Fact]
    public async Task A_snapshot_from_the_cache_is_touched_once_when_its_window_runs_out()
    {
        using var node = new Node(_here.Shared, _time, cache: false, TimeSpan.FromHours(1), expires: TimeSpan.FromMinutes(10));
        await node.AddAsync(_key, 4);
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal((0, 1), await node.TripsAsync(async () => Assert.Equal(4, await node.ReadAsync(_key))));
        Assert.Equal((0, 0), await node.TripsAsync(() => node.ReadAsync(_key)));
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(4, await node.ReadAsync(_key));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal((1, 0), await node.TripsAsync(async () => Assert.Equal(0, await node.ReadAsync(_key))));
    }

    [Fact]
    public async Task A_touch_that_came_too_late_revives_nothing()
    {
        using var node = new Node(_here.Shared, _time, cache: true, TimeSpan.FromHours(1), expires: TimeSpan.FromMinutes(10));
        await node.AddAsync(_key, 4);
        _time.Advance(TimeSpan.FromMinutes(9));
        node.Store.BeforeTrip = () =>
        {
            _time.Advance(TimeSpan.FromMinutes(2));
            return default;
        };
        Assert.Equal(4, await node.ReadAsync(_key));
        Assert.Equal(1, await node.AddAsync(_key));
    }

    [Fact]
    public async Task Hits_and_misses_are_counted()
    {
        await _there.AddAsync(_key);
        await _here.ReadAsync(_key);
        await _here.ReadAsync(_key);
        Assert.Equal((1, 1), (_here.Counted("hits"), _here.Counted("misses")));
    }
}
