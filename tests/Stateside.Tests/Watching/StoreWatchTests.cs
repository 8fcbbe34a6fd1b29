using Stateside.Configuration;
using Stateside.States;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;
using Stateside.Watching;

namespace Stateside.Tests.Watching;

/// <summary>Watching states in the store, where other processes change them too; the clock moves only when a test moves it.</summary>
public sealed class StoreWatchTests
{
    private readonly ManualClock _clock = new();
    private readonly StateKey _key = Engine.Key();
    private readonly StateKey _room = new(Group.Keyed("a"), "room");

    private Engine Told => new(_clock, isTold: true, [Room.Define()]);

    private Engine Untold => new(_clock, isTold: false, [Room.Define()]);

    [Fact]
    public async Task A_change_of_this_process_is_shown_at_once_even_if_the_store_tells_nothing()
    {
        using var engine = Untold;
        await using var count = engine.States.HearCount(_key);
        await using var room = engine.States.HearRoom(_room);
        await count.UntilAsync(h => h is [(_, null)], "that there is none");
        await engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1));
        await Room.SayAsync(engine.States, _room, "one", "two");
        await count.UntilAsync(h => h[^1].Value == 1, "the value");
        await room.UntilAsync(h => h is [(1, "one"), (2, "two")], "the events");
    }

    [Fact]
    public async Task A_change_of_another_process_is_shown_at_once_if_the_store_tells_of_it()
    {
        using var engine = Told;
        await using var count = engine.States.HearCount(_key);
        await using var room = engine.States.HearRoom(_room);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        await PutAsync(engine, _key, "{\"Value\":7}");
        await SayElsewhereAsync(engine, "one", "two");
        await count.UntilAsync(h => h[^1].Value == 7, "the value");
        await room.UntilAsync(h => h is [(1, "one"), (2, "two")], "the events");
        Assert.Equal(TimeSpan.Zero, _clock.Elapsed);
    }

    [Fact]
    public async Task A_store_that_tells_nothing_is_asked_at_the_documented_interval_and_not_more_often()
    {
        using var engine = Untold;
        // A watcher that nobody tells: the store behind it would, so its word is taken away.
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        engine.Store.Watch(new Deaf());
        await PutAsync(engine, _key, "{\"Value\":7}");
        engine.Store.Forget();
        _clock.Advance(WatchHub.AskEvery - TimeSpan.FromMilliseconds(1));
        Assert.Equal((0, 0), engine.Store.Trips);
        Assert.Single(count.Heard);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await count.UntilAsync(h => h[^1].Value == 7, "the value");
        Assert.Equal((1, 0), engine.Store.Trips);
    }

    [Fact]
    public async Task What_a_store_forgot_to_tell_is_found_within_ten_seconds()
    {
        using var engine = Told;
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        engine.Store.Watch(new Deaf());
        await PutAsync(engine, _key, "{\"Value\":7}");
        _clock.Advance(WatchHub.AskToldEvery);
        await count.UntilAsync(h => h[^1].Value == 7, "the value");
    }

    [Fact]
    public async Task A_journal_that_another_process_has_begun_anew_is_not_taken_for_the_old_one()
    {
        using var engine = Told;
        await Room.SayAsync(engine.States, _room, "one");
        await using var room = engine.States.HearRoom(_room);
        await room.UntilAsync(h => h.Length == 1, "the event");
        await Room.SayAsync(engine.States, _room, "two");
        await room.UntilAsync(h => h.Length == 2, "the next event");
        engine.Store.Watch(new Deaf());
        var row = await engine.Store.RowAsync(_room);
        await engine.Store.ApplyAsync(new Commit(_room.Group, TurnId.New()) { Rows = [new RowWrite(_room, RowChange.Delete, row.Version)] });
        await SayElsewhereAsync(engine, "a", "b", "c", "d");
        _clock.Advance(WatchHub.AskToldEvery);
        Assert.Equal("SS1025", (await room.EndsAsync()).Code);
        Assert.Equal([(1, "one"), (2, "two")], room.Heard);
    }

    [Fact]
    public async Task A_state_that_expires_is_shown_to_be_gone()
    {
        using var engine = Untold;
        engine.Count.TimeToLive = TimeSpan.FromMinutes(1);
        await engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1));
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h is [(_, 1)], "the value");
        for (var i = 0; i < 3 && count.Heard.Length == 1; i++)
        {
            await _clock.NextWaitAsync();
            _clock.Advance(TimeSpan.FromSeconds(21));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        await count.UntilAsync(h => h is [_, (_, null)], "that it is gone");
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_shown_once_it_is_there_and_never_before()
    {
        using var engine = Told;
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        Commit? late = null;
        engine.Store.OnCommit.Enqueue(commit =>
        {
            late = commit;
            throw new StoreException("lost", Applied.Unknown);
        });
        await Assert.ThrowsAsync<StatesideException>(async () => await engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1)));
        engine.Store.Watch(new Deaf());
        _clock.Advance(WatchHub.AskEvery);
        Assert.Single(count.Heard);
        await engine.Store.ApplyAsync(late!);
        for (var i = 0; i < 20 && count.Heard.Length == 1; i++)
        {
            _clock.Advance(WatchHub.AskEvery);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
        await count.UntilAsync(h => h is [_, (_, 1)], "the value");
    }

    [Fact]
    public async Task A_store_that_is_away_refuses_a_new_watcher_and_only_delays_an_old_one()
    {
        using var engine = Told;
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        for (var i = 0; i < 2; i++) engine.Store.OnLoad.Enqueue(_ => throw new StoreException("away", Applied.No));
        await PutAsync(engine, _key, "{\"Value\":1}");
        await using var refused = engine.States.HearCount(new StateKey(Group.Keyed("other"), "count"));
        Assert.Equal("SS3001", (await refused.EndsAsync()).Code);
        for (var i = 0; i < 20 && count.Heard.Length == 1; i++)
        {
            _clock.Advance(WatchHub.AskEvery);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
        await count.UntilAsync(h => h is [_, (_, 1)], "the value, once the store is back");
    }

    [Fact]
    public async Task One_who_comes_back_is_never_shown_less_than_it_has_seen_elsewhere()
    {
        using var engine = Untold;
        await engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1));
        await Room.SayAsync(engine.States, _room, "one");
        await using var count = engine.States.HearCount(_key);
        await using var room = engine.States.HearRoom(_room);
        await count.UntilAsync(h => h.Length == 1, "the value");
        await room.UntilAsync(h => h.Length == 1, "the event");
        engine.Store.Watch(new Deaf());
        // Another process writes and shows it; this one has not looked since.
        await PutAsync(engine, _key, "{\"Value\":2}");
        await SayElsewhereAsync(engine, "two");
        var seen = (await engine.Store.RowAsync(_key)).Version;
        await using var back = engine.States.HearCount(_key, seen);
        await using var backInRoom = engine.States.HearRoom(_room, from: 2);
        await room.UntilAsync(h => h.Length == 2, "the event that the newcomer's look has found");
        await engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1));
        await Room.SayAsync(engine.States, _room, "three");
        await back.UntilAsync(h => h is [(_, 3)], "the next value and nothing before it");
        await backInRoom.UntilAsync(h => h is [(3, "three")], "the next event and nothing before it");
    }

    [Fact]
    public async Task When_the_process_stops_watchers_end_and_no_more_are_taken()
    {
        using var engine = Told;
        await using var count = engine.States.HearCount(_key);
        await count.UntilAsync(h => h.Length == 1, "that there is none");
        await engine.Runtime.LeaveAsync(CancellationToken.None);
        var e = await count.EndsAsync();
        Assert.Equal(("SS1026", Applied.No), (e.Code, e.Applied));
        await using var late = engine.States.HearCount(_key);
        Assert.Equal("SS1026", (await late.EndsAsync()).Code);
        Assert.Equal(0, engine.Runtime.Watches.Count);
    }

    [Fact]
    public async Task A_state_of_the_client_cannot_be_watched()
    {
        using var engine = Told;
        engine.Count.Configure(Place.Client, new StateModel(null, 65_536));
        await using var count = engine.States.HearCount(_key);
        Assert.Equal("SS1027", (await count.EndsAsync()).Code);
    }

    [Fact]
    public async Task Events_of_a_newer_shape_or_that_cannot_be_read_end_the_watch()
    {
        using var engine = Told;
        await Room.SayAsync(engine.States, _room, "one");
        var row = await engine.Store.RowAsync(_room);
        await engine.Store.ApplyAsync(new Commit(_room.Group, TurnId.New())
        {
            Rows = [new RowWrite(_room, RowChange.Put, row.Version) { Sequence = 1, Body = "{\"Lines\":[]}"u8.ToArray(), Events = ["{\"Text\":"u8.ToArray()] }],
        });
        await using var broken = engine.States.HearRoom(_room);
        Assert.Equal("SS3005", (await broken.EndsAsync()).Code);
        Assert.Equal("one", Assert.Single(broken.Heard).Text);
        row = await engine.Store.RowAsync(_room);
        await engine.Store.ApplyAsync(new Commit(_room.Group, TurnId.New())
        {
            Rows = [new RowWrite(_room, RowChange.Put, row.Version) { Schema = 2, Sequence = 2, Body = "{}"u8.ToArray(), Events = ["{}"u8.ToArray()] }],
        });
        await using var newer = engine.States.HearRoom(_room, from: 2);
        Assert.Equal("SS3003", (await newer.EndsAsync()).Code);
    }

    private static async Task PutAsync(Engine engine, StateKey key, string json)
    {
        var row = await engine.Store.RowAsync(key);
        await engine.Store.ApplyAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, row.Version) { Body = System.Text.Encoding.UTF8.GetBytes(json) }] });
    }

    private async Task SayElsewhereAsync(Engine engine, params string[] texts)
    {
        foreach (var text in texts)
        {
            var row = await engine.Store.RowAsync(_room);
            await engine.Store.ApplyAsync(new Commit(_room.Group, TurnId.New())
            {
                Rows = [new RowWrite(_room, RowChange.Put, row.Version) { Sequence = row.Sequence, Body = "{\"Lines\":[]}"u8.ToArray(), Events = [System.Text.Encoding.UTF8.GetBytes($"{{\"Text\":\"{text}\"}}")] }],
            });
        }
    }

    private sealed class Deaf : IStoreWatcher
    {
        public void Changed(StateKey key) { }

        public void AnyChanged() { }
    }
}
