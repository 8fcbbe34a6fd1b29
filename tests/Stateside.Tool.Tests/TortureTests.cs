using Stateside.Tool.Torture;

namespace Stateside.Tool.Tests;

/// <summary>What torture concludes from what was recorded: a check that finds nothing proves nothing until it has found each kind of fault.</summary>
public sealed class TortureTests
{
    private static readonly Dictionary<string, IReadOnlyList<string>> s_noOrders = [];

    private readonly List<Entry> _entries = [];
    private long _now;

    [Fact]
    public void A_history_in_which_everything_holds_has_no_findings()
    {
        Count(Outcome.Acknowledged, 1);
        Count(Outcome.Refused);
        Count(Outcome.Unknown);
        Count(Outcome.Acknowledged, 3);
        ReadCounter(3);
        AddLine(1, Outcome.Acknowledged, [1]);
        AddLine(2, Outcome.Unknown);
        AddLine(3, Outcome.Refused);
        OrderCart("s-a", [1]);
        OrderLines("s-b", [8, 9], [8, 9]);
        ReadCart([2]);
        Assert.Empty(Find("s-a", "s-b"));
    }

    [Fact]
    public void An_addition_that_was_acknowledged_and_is_not_there_is_lost()
    {
        Count(Outcome.Acknowledged, 1);
        Count(Outcome.Acknowledged, 2);
        ReadCounter(1);
        Assert.Equal([("lost", 1), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void An_addition_that_was_done_twice_is_doubled()
    {
        Count(Outcome.Acknowledged, 1);
        Count(Outcome.Acknowledged, 3);
        ReadCounter(3);
        Assert.Equal([("duplicated", 1), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void An_addition_that_was_refused_and_is_there_is_told_from_one_that_was_done_twice()
    {
        Count(Outcome.Acknowledged, 1);
        Count(Outcome.Refused);
        Count(Outcome.Acknowledged, 3);
        ReadCounter(3);
        Assert.Equal([("refused-but-applied", 1), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void One_that_was_refused_does_not_excuse_two_too_many()
    {
        Count(Outcome.Refused);
        Count(Outcome.Acknowledged, 3);
        ReadCounter(3);
        Assert.Equal([("duplicated", 2), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void A_read_that_saw_less_than_an_addition_that_was_over_is_not_linearizable()
    {
        Count(Outcome.Acknowledged, 1);
        Count(Outcome.Acknowledged, 2);
        ReadCounter(1);
        ReadCounter(2);
        var finding = Assert.Single(Find());
        Assert.Equal("non-linearizable", finding.Kind);
        Assert.Contains("read -> 1", finding.What);
    }

    [Fact]
    public void A_line_that_was_acknowledged_and_is_neither_in_the_cart_nor_ordered_is_lost()
    {
        AddLine(1, Outcome.Acknowledged, [1]);
        AddLine(2, Outcome.Acknowledged, [1, 2]);
        OrderCart("s-a", [2]);
        ReadCart([]);
        Assert.Equal([("lost", 1), ("non-linearizable", 1)], Kinds("s-a"));
    }

    [Fact]
    public void A_line_that_was_ordered_and_is_still_in_the_cart_is_doubled()
    {
        AddLine(1, Outcome.Acknowledged, [1]);
        OrderCart("s-a", [1]);
        ReadCart([1]);
        Assert.Equal([("duplicated", 1), ("non-linearizable", 1)], Kinds("s-a"));
    }

    [Fact]
    public void A_line_of_unknown_outcome_may_be_there_once_and_not_twice()
    {
        AddLine(1, Outcome.Unknown);
        ReadCart([1, 1]);
        Assert.Equal([("duplicated", 1), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void A_line_that_was_refused_and_is_there_is_found()
    {
        AddLine(1, Outcome.Refused);
        ReadCart([1]);
        Assert.Equal([("refused-but-applied", 1), ("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void A_cart_that_forgot_a_line_and_has_it_again_is_not_linearizable()
    {
        AddLine(1, Outcome.Acknowledged, [1]);
        ReadCart([]);
        ReadCart([1]);
        Assert.Equal([("non-linearizable", 1)], Kinds());
    }

    [Fact]
    public void An_order_that_was_acknowledged_and_is_not_in_the_store_is_lost()
    {
        OrderLines("s-a", [1], [1]);
        OrderLines("s-b", [2], [2]);
        Assert.Equal([("lost", 1)], Kinds("s-b"));
    }

    [Fact]
    public void An_order_in_the_store_that_nobody_was_told_of_was_done_twice()
    {
        OrderLines("s-a", [1], [1]);
        Assert.Equal([("duplicated", 1)], Kinds("s-a", "s-b"));
    }

    [Fact]
    public void An_order_of_unknown_outcome_may_be_in_the_store_and_a_refused_one_may_not()
    {
        OrderLines("s-a", [1], [1]);
        Add(new Entry("session", 0, Ask.OrderLines, _now++) { Lines = [2] });
        Assert.Empty(Find("s-a", "s-b"));

        _entries[^1].Outcome = Outcome.Refused;
        Assert.Equal([("refused-but-applied", 1)], Kinds("s-a", "s-b"));
    }

    [Fact]
    public void An_order_with_other_lines_than_were_asked_for_is_found()
    {
        OrderLines("s-a", [1, 2], [1, 1]);
        Assert.Equal([("non-linearizable", 1)], Kinds("s-a"));
    }

    [Theory]
    [InlineData("--seconds 4", "--seconds 4 is out of range: 5 to 86400.")]
    [InlineData("--seconds 20 --minutes 1", "--minutes and --seconds say the same")]
    [InlineData("--minutes 0", "--minutes 0 is out of range")]
    [InlineData("--nodes 1", "--nodes 1 is out of range: 2 to 16.")]
    [InlineData("--clients 3", "--clients 3 is out of range: 4 to 256.")]
    [InlineData("--nemeses kill,pray", "\"pray\" is not something that can be done. Possible: kill, pause, drain, partition, store")]
    [InlineData("--store memory:", "--store memory: is not shared by several processes")]
    [InlineData("--store etcd://127.0.0.1", "is not the URL of a known store")]
    public async Task What_cannot_be_done_is_refused_before_anything_is_started(string arguments, string message)
    {
        var (code, output, error) = await Tool.RunAsync("/", ["torture", .. arguments.Split(' ')]);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Contains(message, error);
    }

    private void Count(Outcome outcome, long? value = null) => Add(new Entry("counter", 0, Ask.Count, _now++) { Outcome = outcome, Value = value });

    private void ReadCounter(long value) => Add(new Entry("counter", 0, Ask.ReadCounter, _now++) { Outcome = Outcome.Acknowledged, Value = value });

    private void AddLine(int line, Outcome outcome, int[]? cart = null) => Add(new Entry("session", 0, Ask.AddLine, _now++) { Lines = [line], Outcome = outcome, Answered = cart });

    private void ReadCart(int[] cart) => Add(new Entry("session", 0, Ask.ReadCart, _now++) { Outcome = Outcome.Acknowledged, Answered = cart });

    private void OrderCart(string id, int[] answered) => Add(new Entry("session", 0, Ask.OrderCart, _now++) { Outcome = Outcome.Acknowledged, Answered = answered, OrderId = id });

    private void OrderLines(string id, int[] lines, int[] answered) => Add(new Entry("session", 0, Ask.OrderLines, _now++) { Lines = lines, Outcome = Outcome.Acknowledged, Answered = answered, OrderId = id });

    /// <summary>One after the other: each has returned before the next is called.</summary>
    private void Add(Entry entry)
    {
        if (entry.Outcome != Outcome.Unknown) entry.Return = _now++;
        _entries.Add(entry);
    }

    private IReadOnlyList<Finding> Find(params string[] ordersInStore) =>
        new Reconciler(_entries, ordersInStore.Length == 0 ? s_noOrders : new Dictionary<string, IReadOnlyList<string>> { ["session"] = ordersInStore }).Run();

    private List<(string, long)> Kinds(params string[] ordersInStore) => [.. Find(ordersInStore).Select(f => (f.Kind, f.Count))];
}
