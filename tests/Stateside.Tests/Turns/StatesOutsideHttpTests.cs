using System.Text;
using System.Text.Json;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Tests.Turns;

public sealed class StatesOutsideHttpTests : IDisposable
{
    private static readonly StateDefinition<Room> Rooms = Room.Define();

    /// <summary>Its second shape, with and without an upgrade from the first.</summary>
    private static readonly StateDefinition<Count> Upgraded = Second("upgraded"), NotUpgraded = Second("not-upgraded");

    static StatesOutsideHttpTests() => Upgraded.AddUpgrade(1, TurnJson.Default.OldCount, old => new Count(old.Text.Length));

    private readonly Engine _engine = new(null, Rooms, Upgraded, NotUpgraded);
    private readonly StateKey _key = Engine.Key();
    private readonly StateKey _room = StateKey.From("room", "lobby");

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task A_change_is_one_load_and_one_commit_and_answers_the_new_value()
    {
        Assert.Equal(new Count(3), await _engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 3)));
        Assert.Equal((1, 1), _engine.Store.Trips);
        var read = await _engine.States.ReadAsync<Count>(_key);
        Assert.Equal((true, 3, "a"), (read.Exists, read.Value.Value, read.Id));
    }

    [Fact]
    public async Task A_thousand_increments_from_many_callers_are_exact()
    {
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 64; i++) await _engine.States.RunAsync<Count>(_key, c => new Count(c.Value + 1));
        })));
        Assert.Equal(1024, await _engine.ValueAsync(_key));
        // The gate spares them the conflicts.
        Assert.Equal((1024, 1024), _engine.Store.Trips);
    }

    [Fact]
    public async Task A_key_of_no_declared_state_or_of_another_type_is_an_error_of_the_caller()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await _engine.States.ReadAsync<Count>(StateKey.From("nothing", "a")));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _engine.States.ReadAsync<Room>(_key));
    }

    [Fact]
    public async Task Events_are_numbered_without_gaps_and_the_folded_state_stands_beside_them()
    {
        await SayAsync("a", "b");
        await SayAsync("c");
        Assert.Equal(["a", "b", "c"], (await _engine.States.ReadAsync<Room>(_room)).Value.Lines);
        var journal = await JournalAsync();
        Assert.Equal([1L, 2, 3], journal.Select(e => e.Sequence));
        Assert.Equal("""{"Text":"c"}""", Encoding.UTF8.GetString(journal[2].Body.Span));
        Assert.Equal(journal[0].Turn, journal[1].Turn);
        Assert.NotEqual(journal[1].Turn, journal[2].Turn);
        Assert.Equal(3, (await _engine.Store.RowAsync(_room)).Sequence);
        Assert.Equal([3L], (await _engine.Store.ReadJournalAsync(_room, 2, 10, default)).Select(e => e.Sequence));
    }

    [Fact]
    public async Task A_conflict_leaves_no_event_of_the_run_that_lost()
    {
        _engine.Store.OnCommit.Enqueue(async commit =>
        {
            // Another process is faster.
            await _engine.Store.ApplyAsync(new Commit(_room.Group, TurnId.New())
            {
                Rows = [new RowWrite(_room, RowChange.Put, default) { Body = """{"Lines":["first"]}"""u8.ToArray(), Events = ["""{"Text":"first"}"""u8.ToArray()] }],
            });
            return await _engine.Store.ApplyAsync(commit);
        });
        await SayAsync("second");
        Assert.Equal(["first", "second"], (await _engine.States.ReadAsync<Room>(_room)).Value.Lines);
        Assert.Equal([(1L, """{"Text":"first"}"""), (2L, """{"Text":"second"}""")],
            (await JournalAsync()).Select(e => (e.Sequence, Encoding.UTF8.GetString(e.Body.Span))));
    }

    [Fact]
    public async Task A_journal_starts_afresh_after_a_delete_but_the_version_goes_on()
    {
        await SayAsync("a", "b");
        var before = (await _engine.Store.RowAsync(_room)).Version;
        await _engine.States.RunAsync<Room, int>(_room, (room, _) => { room.Delete(); return 0; });
        Assert.False((await _engine.States.ReadAsync<Room>(_room)).Exists);
        await SayAsync("c");
        Assert.Equal([1L], (await JournalAsync()).Select(e => e.Sequence));
        Assert.Equal(before.Counter + 2, (await _engine.Store.RowAsync(_room)).Version.Counter);
    }

    [Fact]
    public async Task A_folded_state_changes_by_events_only_and_not_after_its_own_delete()
    {
        await SayAsync("a");
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _engine.States.RunAsync<Room>(_room, room => new Room([.. room.Lines, "b"])));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _engine.States.RunAsync<Room, Room>(_room, (room, _) =>
        {
            room.Delete();
            return room.Raise(new Said("b"));
        }));
        Assert.Equal(["a"], (await _engine.States.ReadAsync<Room>(_room)).Value.Lines);
    }

    [Fact]
    public async Task An_old_shape_is_upgraded_when_it_is_read_and_written_in_the_new_one()
    {
        var key = await PutAsync("upgraded", 1, """{"Text":"four"}""");
        Assert.Equal(4, (await _engine.States.ReadAsync<Count>(key)).Value.Value);
        Assert.Equal(1, (await _engine.Store.RowAsync(key)).Schema);
        await _engine.States.RunAsync<Count>(key, c => new Count(c.Value + 1));
        var row = await _engine.Store.RowAsync(key);
        Assert.Equal((2, """{"Value":5}"""), (row.Schema, Encoding.UTF8.GetString(row.Body.Span)));
    }

    [Theory]
    [InlineData("upgraded", 9, "SS3003")]
    [InlineData("not-upgraded", 3, "SS3003")]
    [InlineData("not-upgraded", 1, "SS3004")]
    public async Task A_shape_that_this_code_does_not_know_is_refused_and_left_untouched(string name, int schema, string code)
    {
        var key = await PutAsync(name, schema, """{"Value":7,"Future":true}""");
        var before = (await _engine.Store.RowAsync(key)).Version;
        var read = await Assert.ThrowsAsync<StatesideException>(async () => await _engine.States.ReadAsync<Count>(key));
        var write = await Assert.ThrowsAsync<StatesideException>(async () => await _engine.States.RunAsync<Count>(key, c => c with { Value = 1 }));
        Assert.Equal((code, code, Applied.No), (read.Code, write.Code, write.Applied));
        var after = await _engine.Store.RowAsync(key);
        Assert.Equal((before, schema, """{"Value":7,"Future":true}"""), (after.Version, after.Schema, Encoding.UTF8.GetString(after.Body.Span)));
        Assert.Empty(_engine.Store.Commits);
    }

    private static StateDefinition<Count> Second(string name) => new(name, TurnJson.Default.Count, null, Needs.None, schema: 2);

    private async Task SayAsync(params string[] lines) => await _engine.States.RunAsync<Room, Room>(_room, (room, _) =>
    {
        foreach (var line in lines) room.Raise(new Said(line));
        return room.Value;
    });

    private async Task<IReadOnlyList<JournalEvent>> JournalAsync() => await _engine.Store.ReadJournalAsync(_room, 0, 10, default);

    private async Task<StateKey> PutAsync(string name, int schema, string json)
    {
        var key = StateKey.From(name, "a");
        await _engine.Store.ApplyAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, default) { Schema = schema, Body = Encoding.UTF8.GetBytes(json) }] });
        return key;
    }
}
