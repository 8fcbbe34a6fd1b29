using FsCheck;
using FsCheck.Fluent;
using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

/// <summary>The checker against histories that are right by their making, and against every order tried one by one.</summary>
public sealed class VerdictTests
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(1500).WithQuietOnSuccess(true);

    [Fact]
    public void A_register_that_does_one_thing_at_a_time_is_always_accepted() =>
        Accepts(new RegisterModel<int>(), Runs.Of(new RegisterModel<int>(), Runs.Registers, Runs.Answer, 0, 60, 8, 6));

    [Fact]
    public void A_counter_that_does_one_thing_at_a_time_is_always_accepted() =>
        Accepts(new CounterModel(), Runs.Of(new CounterModel(), Runs.Counters, Runs.Answer, 0, 60, 8, 6));

    [Fact]
    public void A_log_that_does_one_thing_at_a_time_is_always_accepted() =>
        Accepts(new LogModel<int>(), Runs.Of(new LogModel<int>(), Runs.Logs, Runs.Answer, 0, 40, 3, 10));

    [Fact]
    public void A_mutex_that_does_one_thing_at_a_time_is_always_accepted() =>
        Accepts(new MutexModel(), Runs.Of(new MutexModel(), Runs.Mutexes, Runs.Answer, 0, 60, 8, 6));

    [Fact]
    public void The_verdict_on_a_register_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new RegisterModel<int>(), Runs.Of(new RegisterModel<int>(), Runs.Registers, Runs.Answer, 1, 7, 3, 3), Gen.Zip(Gen.Choose(0, 2), Gen.Elements(true, false), (v, done) => new RegisterOutput<int>(v, done)));

    [Fact]
    public void The_verdict_on_a_counter_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new CounterModel(), Runs.Of(new CounterModel(), Runs.Counters, Runs.Answer, 1, 7, 3, 3), Gen.Select(Gen.Choose(0, 6), v => (long)v));

    [Fact]
    public void The_verdict_on_a_counter_that_goes_down_too_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new CounterModel(), Runs.Of(new CounterModel(), Runs.Balances, Runs.Answer, 1, 7, 3, 3), Gen.Select(Gen.Choose(-3, 4), v => (long)v));

    [Fact]
    public void The_verdict_on_a_log_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new LogModel<int>(), Runs.Of(new LogModel<int>(), Runs.Logs, Runs.Answer, 1, 7, 3, 3), Gen.Select(Gen.ListOf(Gen.Choose(0, 3)), l => (IReadOnlyList<int>)[.. l.Take(3)]));

    [Fact]
    public void The_verdict_on_a_set_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new LogModel<int>(isSet: true), Runs.Of(new LogModel<int>(isSet: true), Runs.Logs, Runs.Answer, 1, 7, 3, 3), Gen.Select(Gen.ListOf(Gen.Choose(0, 3)), l => (IReadOnlyList<int>)[.. l.Take(3)]));

    [Fact]
    public void The_verdict_on_a_mutex_is_that_of_every_order_tried() =>
        AgreesWithBruteForce(new MutexModel(), Runs.Of(new MutexModel(), Runs.Mutexes, Runs.Answer, 1, 7, 3, 3), Gen.Elements(true, false));

    private static void Accepts<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, Gen<History<TInput, TOutput>> histories)
        where TInput : notnull
    {
        var operations = 0;
        Prop.ForAll(histories.ToArbitrary(), history =>
        {
            operations += history.Operations.Count;
            var result = Linearizability.Check(history, model);
            return (result.Verdict == LinearizabilityVerdict.Linearizable).Label($"{result}");
        }).Check(s_config);
        Assert.InRange(operations, 10_000, int.MaxValue);
    }

    /// <summary>Of each history and of what it is with another output or two.</summary>
    private static void AgreesWithBruteForce<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, Gen<History<TInput, TOutput>> histories, Gen<TOutput> outputs)
        where TInput : notnull
    {
        var (accepted, rejected) = (0, 0);
        var changed = Gen.Zip(histories, Gen.Zip(Gen.Zip(Gen.Choose(0, 6), outputs), Gen.Zip(Gen.Choose(0, 6), outputs)));
        Prop.ForAll(changed.ToArbitrary(), made =>
        {
            var (history, ((first, output), (second, other))) = made;
            foreach (var one in new[] { history, Change(history, first, output), Change(Change(history, first, output), second, other) })
            {
                var (expected, result) = (BruteForce.IsLinearizable(one, model), Linearizability.Check(one, model));
                if (result.Verdict != (expected ? LinearizabilityVerdict.Linearizable : LinearizabilityVerdict.NotLinearizable))
                    return false.Label($"It is {(expected ? "" : "not ")}linearizable: {string.Join("; ", one.Operations)}\n{result}");
                if (expected) accepted++;
                else rejected++;
                if (!expected && !Explains(model, one, result)) return false.Label($"The explanation is wrong: {result}");
            }
            return true.ToProperty();
        }).Check(s_config);
        Assert.InRange(accepted, 500, int.MaxValue);
        Assert.InRange(rejected, 300, int.MaxValue);
    }

    /// <summary>
    /// The prefix has outputs that are right in its order, no time contradicts it, and what cannot be explained can be explained without the operation at fault and those called after it returned.
    /// </summary>
    private static bool Explains<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, History<TInput, TOutput> history, LinearizabilityResult<TInput, TOutput> result)
        where TInput : notnull
    {
        var state = model.Initial;
        for (var i = 0; i < result.Prefix.Count; i++)
        {
            var one = result.Prefix[i];
            if (result.Prefix.Skip(i + 1).Any(later => later.Return < one.Call) || model.Step(state, one.Input, one.Output) is not (true, var next)) return false;
            state = next;
        }
        var culprit = result.Unplaced[0];
        var before = history.Operations.Where(o => o.IsOpen || o.Return < culprit.Return);
        var running = history.Operations.Where(o => o.Return >= culprit.Return && o.Call <= culprit.Return);
        // Until just before its return everything can be explained, however what was running then is going to end.
        var cut = running.Select(o => new Operation<TInput, TOutput>(o.Client, o.Input, o.Call));
        return !result.Prefix.Any(o => ReferenceEquals(o, culprit)) && BruteForce.IsLinearizable(new(before.Concat(cut)), model)
            && !BruteForce.IsLinearizable(new(before.Concat(running)), model);
    }

    private static History<TInput, TOutput> Change<TInput, TOutput>(History<TInput, TOutput> history, int number, TOutput output)
        where TInput : notnull =>
        new(history.Operations.Select((o, i) => i == number && o.Return is { } returned ? new(o.Client, o.Input, new(output), o.Call, returned) : o));
}
