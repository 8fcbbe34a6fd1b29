using Stateside.Configuration;
using Stateside.Places;
using Stateside.States;
using Stateside.Stores;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Nodes;

public sealed class NodeGroupTests
{
    private static readonly Group s_group = Group.Keyed("a");
    private static readonly StateKey s_written = new(s_group, "written");
    private static readonly StateKey s_checked = new(s_group, "checked");
    private readonly StateVersion _there = StateVersion.None.Next(TurnId.New());
    private readonly NodeGroup _memory = new(s_group, epoch: 1);

    /// <summary>After a commit of unknown outcome nothing that is loaded is kept, so a turn may rest on states that memory does not hold.</summary>
    [Fact]
    public void What_a_turn_rests_on_and_memory_does_not_hold_is_checked_by_the_store()
    {
        Assert.True(_memory.TryApply(Commit(), Find, TimeProvider.System, out var batch, out var sends));
        Assert.True(sends);

        var sent = _memory.Next();
        Assert.Same(batch, sent);
        var rows = sent!.ToCommit(s_group, new Fence(s_group.Shard, 1))!.Rows;
        Assert.Contains(rows, r => r.Key == s_checked && r.Change == RowChange.Check && r.Expected == _there);
        Assert.Contains(rows, r => r.Key == s_written && r.Change == RowChange.Put);
    }

    [Fact]
    public void It_is_not_taken_for_absent_afterwards()
    {
        Assert.True(_memory.TryApply(Commit(), Find, TimeProvider.System, out _, out _));
        Assert.Null(_memory.Read(s_checked, writes: true, TimeProvider.System));
    }

    [Fact]
    public void Who_changes_it_next_goes_into_another_commit()
    {
        Assert.True(_memory.TryApply(Commit(), Find, TimeProvider.System, out var first, out _));
        var change = new Commit(s_group, TurnId.New()) { Rows = [new RowWrite(s_checked, RowChange.Put, _there) { Body = "{}"u8.ToArray() }] };
        Assert.True(_memory.TryApply(change, Find, TimeProvider.System, out var second, out _));
        Assert.NotSame(first, second);
    }

    /// <summary>The events of a journal are counted on from what the turn has loaded.</summary>
    [Fact]
    public void A_journal_goes_on_where_the_store_has_it()
    {
        var write = new RowWrite(s_written, RowChange.Put, _there) { Body = "{}"u8.ToArray(), Sequence = 7, Events = [new byte[] { 1 }] };
        Assert.True(_memory.TryApply(new Commit(s_group, TurnId.New()) { Rows = [write] }, Find, TimeProvider.System, out _, out _));
        Assert.Equal(7, Assert.Single(_memory.Next()!.ToCommit(s_group, new Fence(s_group.Shard, 1))!.Rows).Sequence);
    }

    private Commit Commit() => new(s_group, TurnId.New())
    {
        Rows = [new RowWrite(s_written, RowChange.Put, StateVersion.None) { Body = "{}"u8.ToArray() }, new RowWrite(s_checked, RowChange.Check, _there)],
    };

    private static StateDefinition Find(string name)
    {
        var definition = new StateDefinition<Count>(name, TurnJson.Default.Count, new Count(0), Needs.None, schema: 1);
        definition.Configure(Place.Node, new StateModel(null, 65_536));
        return definition;
    }
}
