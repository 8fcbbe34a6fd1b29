using Stateside.Places;
using Stateside.Stores;
using Stateside.Tests.Nodes;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Watching;

/// <summary>Watching on the node that owns the state: from memory, woken by the commit.</summary>
public sealed class NodeWatchTests : IDisposable
{
    private readonly MemoryStore _store = new(TimeProvider.System);
    private readonly StateKey _key = NodeEngine.Key();
    private readonly StateKey _room = NodeEngine.RoomKey();

    public void Dispose() => _store.DisposeAsync().AsTask().Wait();

    [Fact]
    public async Task Every_event_comes_once_and_in_order_while_many_turns_raise_them()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("first");
        await using var all = node.States.HearRoom(_room);
        await using var later = node.States.HearRoom(_room, from: 1);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++) await node.SayAsync($"{t}.{i}");
        })));
        var lines = (await node.States.ReadAsync<Room>(_room)).Value.Lines;
        await all.UntilAsync(heard => heard.Length >= 401, "all events");
        await later.UntilAsync(heard => heard.Length >= 400, "all but the first");
        Assert.Equal(lines.Select((text, i) => (i + 1L, text)), all.Heard);
        Assert.Equal(all.Heard.Skip(1), later.Heard);
    }

    [Fact]
    public async Task A_hundred_watchers_of_a_key_cost_no_trip_more_than_its_turns_do()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("before");
        await node.AddAsync(_key);
        var rooms = Enumerable.Range(0, 100).Select(_ => node.States.HearRoom(_room, from: 1)).ToArray();
        var counts = Enumerable.Range(0, 100).Select(_ => node.States.HearCount(_key)).ToArray();
        await NodeEngine.UntilAsync(() => node.Runtime.Watches.Count == 200, "all watch");
        foreach (var ear in counts) await ear.UntilAsync(h => h.Length == 1, "the value");
        node.Store.Forget();
        await node.SayAsync("after");
        await node.AddAsync(_key);
        foreach (var ear in rooms) await ear.UntilAsync(h => h is [(2, "after")], "the event");
        foreach (var ear in counts) await ear.UntilAsync(h => h[^1].Value == 2, "the value");
        Assert.Equal((0, 2), node.Store.Trips);
        Assert.Equal(0, node.Store.JournalReads);
        foreach (var ear in rooms) await ear.DisposeAsync();
        foreach (var ear in counts) await ear.DisposeAsync();
        Assert.Equal(0, node.Runtime.Watches.Count);
    }

    [Fact]
    public async Task Nothing_is_shown_before_it_is_in_the_store()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(_key);
        await node.SayAsync("one");
        await using var count = node.States.HearCount(_key);
        await using var room = node.States.HearRoom(_room);
        await count.UntilAsync(h => h.Length == 1, "the value");
        await room.UntilAsync(h => h.Length == 1, "the event");
        var open = new TaskCompletionSource();
        node.Store.Forget();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var turns = new[] { node.AddAsync(_key), Task.Run(async () => await node.SayAsync("two") is null ? 1 : 0) };
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 1, "a commit is on its way");
        // Watchers that come now look at memory, where the change is already.
        await using var lateCount = node.States.HearCount(_key);
        await using var lateRoom = node.States.HearRoom(_room);
        await lateCount.UntilAsync(h => h.Length == 1, "the value");
        await lateRoom.UntilAsync(h => h.Length == 1, "the event");
        Assert.Equal([1, 1], new[] { count, lateCount }.Select(ear => Assert.Single(ear.Heard).Value!.Value));
        Assert.All(new[] { room, lateRoom }, ear => Assert.Equal("one", Assert.Single(ear.Heard).Text));
        open.SetResult();
        await Task.WhenAll(turns);
        foreach (var ear in new[] { count, lateCount }) await ear.UntilAsync(h => h is [_, (_, 2)], "the new value");
        foreach (var ear in new[] { room, lateRoom }) await ear.UntilAsync(h => h is [_, (2, "two")], "the new event");
    }

    [Fact]
    public async Task What_the_store_refused_is_never_shown_and_what_it_took_without_an_answer_is()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("one");
        await using var room = node.States.HearRoom(_room);
        await room.UntilAsync(h => h.Length == 1, "the event");
        node.Store.BeforeCommit = _ => throw new StoreException("refused", Applied.No);
        await Assert.ThrowsAsync<StatesideException>(() => node.SayAsync("refused"));
        node.Store.BeforeCommit = null;
        node.Store.AfterCommit = _ =>
        {
            node.Store.IsAway = true;
            throw new StoreException("lost", Applied.Unknown);
        };
        await Assert.ThrowsAsync<StatesideException>(() => node.SayAsync("arrived"));
        (node.Store.AfterCommit, node.Store.IsAway) = (null, false);
        await room.UntilAsync(h => h.Length == 2, "the event whose answer was lost, though nobody asks for it");
        await node.SayAsync("three");
        await room.UntilAsync(h => h.Length == 3, "the next");
        Assert.Equal([(1, "one"), (2, "arrived"), (3, "three")], room.Heard);
    }

    [Theory]
    [InlineData(nameof(NodeDurability.Commit))]
    [InlineData(nameof(NodeDurability.Checkpoint))]
    [InlineData(nameof(NodeDurability.None))]
    public async Task Versions_ascend_and_the_newest_is_shown_whatever_the_durability(string durability)
    {
        await using var node = await NodeEngine.JoinAsync(_store, durability: Enum.Parse<NodeDurability>(durability));
        await using var ear = node.States.HearCount(_key);
        await ear.UntilAsync(h => h is [(_, null)], "that there is none yet");
        for (var i = 0; i < 200; i++) await node.AddAsync(_key);
        await ear.UntilAsync(h => h[^1].Value == 200, "the newest");
        await node.States.RunAsync<Count, bool>(_key, (count, _) =>
        {
            count.Delete();
            return true;
        });
        await ear.UntilAsync(h => h[^1].Value is null, "the deletion");
        var heard = ear.Heard;
        Assert.Equal(heard.Select(h => h.Version).Distinct().Order(), heard.Select(h => h.Version));
        Assert.All(heard.Skip(1).SkipLast(1), h => Assert.Equal((int)h.Version.Counter, h.Value));
        await node.AddAsync(_key);
        await ear.UntilAsync(h => h[^1].Value == 1, "a new beginning");
    }

    [Fact]
    public async Task One_who_comes_back_is_shown_the_value_only_if_it_is_another()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(_key);
        var seen = (await node.States.ReadAsync<Count>(_key)).Version;
        await using var ear = node.States.HearCount(_key, seen);
        await using var first = node.States.HearCount(_key);
        await first.UntilAsync(h => h.Length == 1, "the value, for one who has seen none");
        await node.AddAsync(_key);
        await ear.UntilAsync(h => h.Length == 1, "the next value");
        Assert.Equal(2, ear.Heard[0].Value);
    }

    [Fact]
    public async Task A_slow_reader_of_events_misses_none_and_one_of_a_value_gets_the_newest()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("0");
        await node.AddAsync(_key);
        await using var events = node.States.WatchAsync<Room, Said>(_room).GetAsyncEnumerator();
        await using var values = node.States.WatchAsync<Count>(_key).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync() && await values.MoveNextAsync());
        for (var i = 1; i < 700; i++) await node.SayAsync($"{i}");
        for (var i = 0; i < 50; i++) await node.AddAsync(_key);
        for (var i = 1; i < 700; i++)
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal((i + 1L, $"{i}"), (events.Current.Number, events.Current.Event.Text));
        }
        // Where a look and a commit cross, the journal is read once more; never for each event.
        Assert.InRange(node.Store.JournalReads, 1, 500);
        Assert.True(await values.MoveNextAsync());
        Assert.InRange(values.Current.Value.Value, 2, 51);
        while (values.Current.Value.Value < 51) Assert.True(await values.MoveNextAsync());
    }

    [Fact]
    public async Task A_number_that_the_journal_does_not_have_is_a_gap_and_so_is_its_end()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("one");
        await using var beyond = node.States.HearRoom(_room, from: 2);
        Assert.Equal("SS1025", (await beyond.EndsAsync()).Code);
        await using var room = node.States.HearRoom(_room);
        await room.UntilAsync(h => h.Length == 1, "the event");
        await node.States.RunAsync<Room, bool>(_room, (state, _) =>
        {
            state.Delete();
            return true;
        });
        await node.SayAsync("anew");
        await node.SayAsync("and on");
        Assert.Equal("SS1025", (await room.EndsAsync()).Code);
        await using var anew = node.States.HearRoom(_room);
        await anew.UntilAsync(h => h is [(1, "anew"), (2, "and on")], "the new journal");
    }

    [Fact]
    public async Task An_idle_state_that_leaves_memory_keeps_its_watchers()
    {
        await using var node = await NodeEngine.JoinAsync(_store, node: NodeModel.Default with { IdleAfter = TimeSpan.FromMilliseconds(50) });
        await node.SayAsync("one");
        await node.AddAsync(_key);
        await using var room = node.States.HearRoom(_room);
        await using var count = node.States.HearCount(_key);
        await room.UntilAsync(h => h.Length == 1, "the event");
        await count.UntilAsync(h => h.Length == 1, "the value");
        await NodeEngine.UntilAsync(() => node.Cluster.Shards[_key.Group.Shard].Peek(_key.Group) is null, "it has left memory");
        await node.SayAsync("two");
        await node.AddAsync(_key);
        await room.UntilAsync(h => h is [_, (2, "two")], "the next event");
        await count.UntilAsync(h => h is [_, (_, 2)], "the next value");
    }

    [Fact]
    public async Task Watchers_end_with_the_shard_hold_no_hand_off_up_and_go_on_at_the_new_owner()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one");
        var rooms = Enumerable.Range(0, 64).Select(i => NodeEngine.RoomKey($"{i}")).ToArray();
        foreach (var key in rooms) await Room.SayAsync(one.States, key, "one");
        var ears = rooms.Select(key => one.States.HearRoom(key)).ToArray();
        foreach (var ear in ears) await ear.UntilAsync(h => h.Length == 1, "the event");
        await using var two = await NodeEngine.JoinAsync(_store, "two");
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300 && one.Cluster.OwnedCount + two.Cluster.OwnedCount == Group.ShardCount, "the second owns its part");
        Assert.InRange(one.Cluster.LastHandOff, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        var moved = 0;
        for (var i = 0; i < rooms.Length; i++)
        {
            if (one.Cluster.Shards[rooms[i].Group.Shard].IsOwned)
            {
                await Room.SayAsync(one.States, rooms[i], "two");
                await ears[i].UntilAsync(h => h is [_, (2, "two")], "the next event where it is");
            }
            else
            {
                moved++;
                Assert.Equal("SS1026", (await ears[i].EndsAsync()).Code);
                await using var refused = one.States.HearRoom(rooms[i], from: 1);
                Assert.Equal("SS4007", (await refused.EndsAsync()).Code);
                await Room.SayAsync(two.States, rooms[i], "two");
                await using var there = two.States.HearRoom(rooms[i], from: 1);
                await there.UntilAsync(h => h is [(2, "two")], "the next event where it has gone");
            }
            await ears[i].DisposeAsync();
        }
        Assert.InRange(moved, 5, 60);
    }

    [Fact]
    public async Task A_shard_that_is_about_to_be_passed_on_lets_its_watchers_go_and_waits_for_turns_only()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.SayAsync("one");
        await using var room = node.States.HearRoom(_room);
        await room.UntilAsync(h => h.Length == 1, "the event");
        var open = new TaskCompletionSource();
        node.Store.Forget();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var turn = node.SayAsync("two");
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 1, "a turn is inside");
        var shard = node.Cluster.Shards[_room.Group.Shard];
        var sealing = shard.SealAsync();
        Assert.Equal("SS1026", (await room.EndsAsync()).Code);
        Assert.False(sealing.IsCompleted);
        open.SetResult();
        await turn;
        await sealing;
        shard.Unseal();
        await using var back = node.States.HearRoom(_room, from: 1);
        await back.UntilAsync(h => h is [(2, "two")], "the event of the turn that was inside");
    }

    [Fact]
    public async Task Watchers_end_when_the_node_leaves_alone_or_is_stopped()
    {
        var one = await NodeEngine.JoinAsync(_store, "one");
        await one.SayAsync("one");
        await using var left = one.States.HearRoom(_room);
        await left.UntilAsync(h => h.Length == 1, "the event");
        await one.Runtime.LeaveAsync(CancellationToken.None);
        Assert.Equal("SS1026", (await left.EndsAsync()).Code);
        await one.DisposeAsync();
        var two = await NodeEngine.JoinAsync(_store, "two");
        await using var stopped = two.States.HearRoom(_room);
        await stopped.UntilAsync(h => h.Length == 1, "the event");
        await two.CrashAsync();
        Assert.Equal("SS1026", (await stopped.EndsAsync()).Code);
        await two.DisposeAsync();
    }
}
