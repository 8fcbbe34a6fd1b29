using System.Collections.Immutable;
using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

/// <summary>What a finding says, what bounds a check, and the histories that only some shape of makes hard.</summary>
public sealed class CheckTests
{
    [Fact]
    public void A_stale_read_is_named_with_the_states_that_were_possible()
    {
        History<RegisterInput<int>, RegisterOutput<int>> history = new(
        [
            new(1, RegisterInput.Write(1, "a"), new(new()), 10, 20),
            new(2, RegisterInput.Write(2, "a"), new(new()), 30, 40),
            new(3, RegisterInput.Write(3, "a"), new(new()), 45, 90),
            new(1, RegisterInput.Read<int>("a"), new(new(1)), 50, 60),
            new(4, RegisterInput.Write(9, "a"), 55),
            new(1, RegisterInput.Read<int>("b"), new(new(0)), 70, 80),
        ]);
        var result = Linearizability.Check(history, new RegisterModel<int>());
        Assert.Equal((LinearizabilityVerdict.NotLinearizable, "a"), (result.Verdict, result.Partition));
        Assert.Equal(history.Operations[3], result.Unplaced[0]);
        Assert.Equal(history.Operations.Take(3), result.Prefix);
        Assert.Equal(
            """
            Not linearizable, part "a": no order of the operations explains the one that returned at 60.
              50 to 60, client 1: read 1
            It finds one of these states:
              2
              3
              9
            The longest explanation has 3 operations:
              10 to 20, client 1: write 1
              30 to 40, client 2: write 2
              45 to 90, client 3: write 3
            which leaves 3.

            """, $"{result}", ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void Times_that_are_equal_accuse_nobody()
    {
        RegisterInput<int>[] inputs = [RegisterInput.Write(1), RegisterInput.Read<int>()];
        History<RegisterInput<int>, RegisterOutput<int>> At(long call) => new([new(1, inputs[0], new(new()), 10, 20), new(2, inputs[1], new(new(0)), call, 30)]);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(At(20), new RegisterModel<int>()).Verdict);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(At(21), new RegisterModel<int>()).Verdict);
    }

    [Fact]
    public void An_operation_of_unknown_outcome_may_happen_long_after_but_never_before_its_call()
    {
        History<CounterInput, long> Read(long call, long sum) => new([new(1, new("", 5), 100), new(2, new("", 0), new(sum), call, call + 1)]);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(Read(1_000_000, 5), new CounterModel()).Verdict);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(Read(1_000_000, 0), new CounterModel()).Verdict);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(Read(10, 5), new CounterModel()).Verdict);
    }

    [Fact]
    public void A_transaction_on_several_registers_is_one_step()
    {
        var model = new MultiRegisterModel<int>(ImmutableSortedDictionary<string, int>.Empty);
        MultiRegisterInput<int> both = new([new("x", true, 1), new("y", true, 1)]), read = new([new("x", false), new("y", false)]);
        History<MultiRegisterInput<int>, IReadOnlyList<int>> Sees(params int[] seen) => new([new(1, both, new([0, 0]), 1, 9), new(2, read, new(seen), 2, 8)]);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(Sees(0, 0), model).Verdict);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(Sees(1, 1), model).Verdict);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(Sees(1, 0), model).Verdict);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(Sees(1), model).Verdict);
    }

    /// <summary>More than a word of bits, so that the sets of those that run have more than one.</summary>
    [Theory]
    [InlineData(63), InlineData(64), InlineData(65), InlineData(300)]
    public void Hundreds_of_clients_may_run_at_once(int clients)
    {
        var adds = Enumerable.Range(1, clients).Select(i => new Operation<CounterInput, long>(i, new("", 1), new(i), clients - i, 1000 + i * 7 % clients)).ToList();
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(new(adds), new CounterModel()).Verdict);
        adds[clients / 2] = new(0, new("", 1), new(clients + 1), 0, 1000);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(new(adds), new CounterModel()).Verdict);
    }

    /// <summary>Forty writes of one value that nobody saw return are one choice of forty-one, not of 2^40; forty of different values are tried where a read asks for one.</summary>
    [Theory]
    [InlineData(false), InlineData(true)]
    public void Many_of_unknown_outcome_do_not_explode(bool different)
    {
        var open = Enumerable.Range(1, 40).Select(i => new Operation<RegisterInput<int>, RegisterOutput<int>>(i, RegisterInput.Write(different ? i : 1), i));
        var reads = Enumerable.Range(1, 40).Select(i => new Operation<RegisterInput<int>, RegisterOutput<int>>(0, RegisterInput.Read<int>(), new(new(different ? 41 - i : i % 2)), 100 + 2 * i, 101 + 2 * i)).ToList();
        History<RegisterInput<int>, RegisterOutput<int>> history = new(open.Concat(reads));
        var limits = new CheckLimits { Configurations = 20_000 };
        // With one value it goes to 1 and never back.
        Assert.Equal(different ? LinearizabilityVerdict.Linearizable : LinearizabilityVerdict.NotLinearizable, Linearizability.Check(history, new RegisterModel<int>(), limits).Verdict);
        History<RegisterInput<int>, RegisterOutput<int>> wrong = new([.. history.Operations, new(0, RegisterInput.Read<int>(), new(new(77)), 900, 901)]);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Linearizability.Check(wrong, new RegisterModel<int>(), limits).Verdict);
    }

    [Fact]
    public void What_the_limits_cut_off_is_unknown_and_never_right()
    {
        History<CounterInput, long> right = new([new(1, new("", 1), new(1), 1, 2), new(1, new("", 1), new(2), 3, 4)]);
        var none = Linearizability.Check(right, new CounterModel(), new CheckLimits { Time = TimeSpan.Zero });
        Assert.Equal((LinearizabilityVerdict.Unknown, ""), (none.Verdict, none.Partition));
        Assert.StartsWith("Not decided within the limits", $"{none}", StringComparison.Ordinal);
        Assert.Equal(LinearizabilityVerdict.Unknown, Linearizability.Check(right, new CounterModel(), new CheckLimits { Configurations = 1 }).Verdict);
        Assert.Equal(LinearizabilityVerdict.Linearizable, Linearizability.Check(right, new CounterModel(), new CheckLimits { Configurations = 3 }).Verdict);
    }

    [Fact]
    public void A_part_that_is_wrong_is_found_behind_one_that_is_not_decided()
    {
        // Twenty concurrent writes and a read of nothing that was written take long; the wrong part has more operations and is checked after it.
        var hard = Enumerable.Range(1, 20).Select(i => new Operation<RegisterInput<int>, RegisterOutput<int>>(i, RegisterInput.Write(i, "hard"), new(new()), 1, 90))
            .Append(new(0, RegisterInput.Read<int>("hard"), new(new(77)), 91, 92));
        var wrong = Enumerable.Range(1, 30).Select(i => new Operation<RegisterInput<int>, RegisterOutput<int>>(i, RegisterInput.Read<int>("wrong"), new(new(i / 30)), i * 2, i * 2 + 1));
        var limits = new CheckLimits { Configurations = 1000 };
        Assert.Equal(LinearizabilityVerdict.Unknown, Linearizability.Check(new(hard), new RegisterModel<int>(), limits).Verdict);
        var result = Linearizability.Check(new(hard.Concat(wrong)), new RegisterModel<int>(), limits);
        Assert.Equal((LinearizabilityVerdict.NotLinearizable, "wrong"), (result.Verdict, result.Partition));
    }

    [Fact]
    public void A_check_can_be_cancelled() => Assert.Throws<OperationCanceledException>(() =>
        Linearizability.Check(new([new Operation<CounterInput, long>(1, new("", 1), new(1), 1, 2)]), new CounterModel(), cancellationToken: new CancellationToken(canceled: true)));

    [Fact]
    public void A_model_that_calls_a_write_read_only_is_found_out()
    {
        History<CounterInput, long> history = new([new(1, new("", 1), new(1), 1, 2)]);
        var e = Assert.Throws<InvalidOperationException>(() => Linearizability.Check(history, new WrongModel()));
        Assert.Equal("The model says that an operation is read-only, which makes 1 of 0: 1 to 2, client 1: CounterInput { Key = , Amount = 1 } -> 1", e.Message);
    }

    private sealed class WrongModel : HistoryModel<long, CounterInput, long>
    {
        public override long Initial => 0;

        public override bool IsReadOnly(CounterInput input, Observed<long> output) => true;

        public override (bool Ok, long Next) Step(long state, CounterInput input, Observed<long> output) => (true, state + input.Amount);
    }
}
