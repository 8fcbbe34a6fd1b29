using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Tests.Nodes;

/// <summary>What a resident state takes: millions of them are in memory.</summary>
public sealed class ResidentStateTests
{
    private readonly NodeGroup _memory = new(Group.Keyed("resident"), epoch: 1);

    [Fact]
    public void What_is_cold_keeps_its_json_and_not_the_decoded_state()
    {
        var row = Learn(TimeSpan.FromMinutes(3));
        row.Decoded = new object();
        _memory.Cool();
        Assert.Null(row.Decoded);
        Assert.Same(row, Read());
        Assert.Equal((9, 3), (_memory.Bytes, (int)row.Remaining!.Value.TotalMinutes));
    }

    [Fact]
    public void The_text_of_a_key_is_in_memory_once_whatever_request_brought_it()
    {
        Assert.Same(_memory.Group.Value, Learn(null).Key.Group.Value);
        var key = Key();
        var write = new RowWrite(key, RowChange.Put, Version) { Schema = 1, Body = "{\"a\":22}"u8.ToArray() };
        Assert.True(_memory.TryApply(new Commit(key.Group, new TurnId(8)) { Rows = [write] }, _ => Counter, TimeProvider.System, out _, out _));
        var after = Read();
        Assert.Equal((new StateVersion(4, new TurnId(8)), 8L), (after.Version, _memory.Bytes));
        Assert.Same(_memory.Group.Value, after.Key.Group.Value);
    }

    private static StateVersion Version => new(3, new TurnId(new UInt128(1UL << 63, 7)));

    private static Stateside.States.StateDefinition Counter
    {
        get
        {
            var definition = new Stateside.States.StateDefinition<Turns.Count>("count", Turns.TurnJson.Default.Count, new Turns.Count(0), Needs.None, schema: 1);
            definition.Configure(Place.Node, new Configuration.StateModel(null, 65_536));
            return definition;
        }
    }

    /// <summary>With a text of its own, as each request has one.</summary>
    private static StateKey Key() => new(Group.Keyed(new string("resident")), "count");

    private Row Learn(TimeSpan? remaining)
    {
        var row = _memory.Learn(new Row(Key(), Version, 1, 0, "{\"a\":333}"u8.ToArray(), remaining), null, TimeProvider.System);
        Assert.Equal((Version, remaining, true), (row.Version, row.Remaining, row.Exists));
        return row;
    }

    private Row Read() => _memory.Read(Key(), writes: true, TimeProvider.System)!;
}
