using Stateside.Simulator;
using Stateside.Stores;

namespace Stateside.Simulation.Tests;

/// <summary>The checks on histories made by hand: each fault is found under its name, and nothing else is.</summary>
public sealed class CheckTests
{
    [Fact]
    public void A_history_that_could_have_been_holds() => Assert.Empty(Check([1, 2, 4],
        Write(1, 0, 10, 1), Write(2, 5, 20, 2), Read(3, 11, 13, 2, [1, 2]), Unknown(4, 12), Unknown(5, 14), Refused(6, 15, 16), Read(7, 30, 31, 3, [1, 2, 4])));

    [Fact]
    public void An_acknowledged_write_that_is_nowhere_is_lost() => AssertOnly(Violation.NothingLost, Check([2], Write(1, 0, 1, 1), Unknown(2, 0)));

    [Fact]
    public void A_refused_write_that_stands_there_was_applied() => AssertOnly(Violation.NothingRefusedApplied, Check([1], Refused(1, 0, 1)));

    [Fact]
    public void A_write_that_stands_there_twice_was_applied_twice() => AssertOnly(Violation.AtMostOnce, Check([1, 1], Write(1, 0, 1, 1)));

    [Fact]
    public void A_read_of_less_than_was_known_before_is_stale() =>
        AssertOnly(Violation.Linearizable, Check([1, 2], Write(1, 0, 1, 1), Write(2, 2, 3, 2), Read(3, 4, 5, 1, [1])));

    [Fact]
    public void A_read_of_what_never_stood_there_is_wrong() =>
        AssertOnly(Violation.Linearizable, Check([1, 2], Write(1, 0, 9, 1), Write(2, 0, 9, 2), Read(3, 0, 9, 1, [2])));

    [Fact]
    public void A_write_that_stands_before_one_that_was_done_when_it_began_is_out_of_order() =>
        AssertOnly(Violation.Linearizable, Check([2, 1], Write(1, 0, 1, 2), Write(2, 2, 3, 1)));

    [Fact]
    public void So_is_one_of_unknown_outcome() => AssertOnly(Violation.Linearizable, Check([2, 1], Write(1, 0, 1, 2), Unknown(2, 2)));

    [Fact]
    public void Two_that_overlap_may_stand_in_either_order()
    {
        Assert.Empty(Check([1, 2], Write(1, 0, 5, 1), Write(2, 5, 6, 2)));
        Assert.Empty(Check([2, 1], Write(1, 0, 5, 2), Write(2, 5, 6, 1)));
    }

    [Fact]
    public void What_nobody_wrote_is_an_accident() => AssertOnly(Violation.Sound, Check([9]));

    [Theory]
    [InlineData(10, 2, true)]
    [InlineData(9, 2, false)]
    [InlineData(10, 1, false)]
    public void A_shard_has_one_owner_at_a_time_each_under_a_higher_epoch(long from, long epoch, bool holds)
    {
        var violations = OwnerCheck.Run([new Ownership(7, 1, 1, 0, 10), new Ownership(7, epoch, 2, from, 20), new Ownership(8, 1, 3, 5, 15)]).ToArray();
        if (holds) Assert.Empty(violations);
        else Assert.All(violations, v => Assert.Equal(Violation.OneOwner, v.Promise));
        Assert.Equal(holds, violations.Length == 0);
    }

    [Theory]
    [InlineData(0, new[] { 1, 2, 3 }, true)]
    [InlineData(1, new[] { 2, 3 }, true)]
    [InlineData(0, new[] { 1, 3 }, false)]
    [InlineData(0, new[] { 1, 2, 2, 3 }, false)]
    [InlineData(0, new[] { 1, 3, 2 }, false)]
    [InlineData(0, new[] { 1, 2 }, false)]
    public void A_watcher_hears_of_everything_in_order(long from, int[] numbers, bool holds)
    {
        var watched = new Watched("a watcher", from, [.. numbers.Select(n => ((long)n, n * 10))]);
        Assert.Equal(holds, !WatchCheck.Run([10, 20, 30], [watched], mustBeComplete: true).Any());
    }

    [Fact]
    public void A_watcher_that_hears_something_else_is_found() => Assert.Single(WatchCheck.Run([10, 20], [new Watched("a watcher", 0, [(1, 10), (2, 21)])], mustBeComplete: true));

    /// <summary>Operations 1, 2, 4 and 5 append, and 3 deletes the notes. After the fourth, so many notes were seen, the last of these.</summary>
    [Theory]
    [InlineData(new[] { 4 }, false, true)]
    [InlineData(new int[] { }, false, false)]
    [InlineData(new int[] { }, true, true)]
    [InlineData(new[] { 2, 4 }, true, false)]
    [InlineData(new[] { 5 }, false, false)]
    public void Notes_are_the_end_of_what_the_ledger_says(int[] notes, bool expire, bool holds)
    {
        int[] ledger = [1, 2, 3, 4];
        var operations = new[] { Write(1, 0, 1, 1), Write(2, 2, 3, 2), Write(3, 4, 5, 3) with { Kind = OperationKind.Clear }, Write(4, 6, 7, 4) };
        var seen = new[] { [1], [1, 2], [], notes };
        for (var i = 0; i < operations.Length; i++) (operations[i].Mark, operations[i].Notes) = (LedgerMark.Of(ledger.AsSpan(0, i + 1)), LedgerMark.Of(seen[i]));
        var violations = NotesCheck.Run(operations, new Dictionary<int, IReadOnlyList<int>> { [0] = ledger }, expire).ToArray();
        Assert.Equal(holds, violations.Length == 0);
        Assert.All(violations, v => Assert.Equal(Violation.Whole, v.Promise));
    }

    [Fact]
    public void Notes_that_have_expired_do_not_come_back()
    {
        int[] ledger = [1, 2];
        var operations = new[] { Write(1, 0, 1, 1), Read(8, 2, 3, 1, [1]), Write(2, 4, 5, 2) };
        (operations[0].Mark, operations[2].Mark) = (LedgerMark.Of([1]), LedgerMark.Of([1, 2]));
        (operations[0].Notes, operations[1].Notes, operations[2].Notes) = (LedgerMark.Of([1]), default, LedgerMark.Of([2]));
        Violation[] Run() => [.. NotesCheck.Run(operations, new Dictionary<int, IReadOnlyList<int>> { [0] = ledger }, expire: true)];
        Assert.Empty(Run());
        operations = [.. operations, Read(9, 6, 7, 2, [1, 2])];
        operations[3].Notes = LedgerMark.Of([1, 2]);
        Assert.Equal(Violation.Whole, Assert.Single(Run()).Promise);
    }

    [Theory]
    [InlineData(9.5, 10, false, null)]
    [InlineData(7.5, 10, false, Violation.Bounded)]
    [InlineData(9.5, 20, false, Violation.Bounded)]
    [InlineData(9.5, 10, true, Violation.NothingLost)]
    public void A_checkpoint_loses_only_what_a_node_took_with_it(double acknowledged, double death, bool isIdempotent, string? promise)
    {
        var operation = Write(1, 0, 1, 1) with { IsIdempotent = isIdempotent };
        operation.AcknowledgedAt = TimeSpan.FromSeconds(acknowledged).Ticks;
        var violations = CheckpointCheck.Run([operation], new Dictionary<int, IReadOnlyList<int>> { [0] = [] }, [TimeSpan.FromSeconds(death).Ticks], TimeSpan.FromSeconds(2)).ToArray();
        Assert.Equal(promise, violations.SingleOrDefault()?.Promise);
    }

    [Fact]
    public void A_checkpoint_neither_doubles_nor_applies_what_was_refused()
    {
        var ledger = new Dictionary<int, IReadOnlyList<int>> { [0] = [1, 2, 1] };
        var violations = CheckpointCheck.Run([Write(1, 0, 1, 1), Refused(2, 0, 1)], ledger, [], TimeSpan.FromSeconds(2)).Select(v => v.Promise);
        Assert.Equal([Violation.AtMostOnce, Violation.NothingRefusedApplied], violations);
    }

    private static Violation[] Check(int[] ledger, params Operation[] operations)
    {
        foreach (var write in operations.Where(o => o.Kind != OperationKind.Read && o.Applied == Applied.Yes))
            write.Mark = LedgerMark.Of(ledger.AsSpan(0, write.Mark.Length));
        return [.. LedgerCheck.Run(operations, new Dictionary<int, IReadOnlyList<int>> { [0] = ledger })];
    }

    private static void AssertOnly(string promise, Violation[] violations)
    {
        Assert.NotEmpty(violations);
        Assert.All(violations, v => Assert.Equal(promise, v.Promise));
    }

    /// <summary>An acknowledged append, to which the ledger showed what it ends with, up to that length.</summary>
    private static Operation Write(int id, long called, long returned, int length) =>
        new(id, OperationKind.Append, 0, false, called) { ReturnedAt = returned, Applied = Applied.Yes, Mark = new LedgerMark(length, 0) };

    private static Operation Read(int id, long called, long returned, int length, int[] entries) =>
        new(id, OperationKind.Read, 0, false, called) { ReturnedAt = returned, Applied = Applied.Yes, Mark = LedgerMark.Of(entries) with { Length = length } };

    private static Operation Unknown(int id, long called) => new(id, OperationKind.Append, 0, false, called);

    private static Operation Refused(int id, long called, long returned) => new(id, OperationKind.Append, 0, false, called) { ReturnedAt = returned, Applied = Applied.No };
}
