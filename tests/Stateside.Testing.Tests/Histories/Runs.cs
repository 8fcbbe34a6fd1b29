using FsCheck;
using FsCheck.Fluent;
using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

/// <summary>Histories by chance.</summary>
internal static class Runs
{
    public static readonly Gen<RegisterInput<int>> Registers = Gen.OneOf(
        Gen.Constant(RegisterInput.Read<int>()),
        Gen.Select(Gen.Choose(0, 2), v => RegisterInput.Write(v)),
        Gen.Zip(Gen.Choose(0, 2), Gen.Choose(0, 2), (expected, v) => RegisterInput.CompareAndSet(expected, v)));

    public static readonly Gen<CounterInput> Counters = Gen.Select(Gen.Elements(0, 1, 1, 1, 2), amount => new CounterInput("", amount));

    /// <summary>Amounts of both signs, so that a sum can come again.</summary>
    public static readonly Gen<CounterInput> Balances = Gen.Select(Gen.Elements(0, 1, -1, 2), amount => new CounterInput("", amount));

    public static readonly Gen<LogInput<int>> Logs = Gen.OneOf(Gen.Constant(LogInput.Read<int>()), Gen.Select(Gen.Choose(0, 3), v => LogInput.Append(v)));

    public static readonly Gen<MutexInput> Mutexes = Gen.Select(Gen.Elements(true, false), acquire => new MutexInput("", acquire));

    /// <summary>
    /// A history as a service makes it that does one thing at one instant: instant i is that of operation i, and the call and the return lie up to <paramref name="spread"/> instants
    /// around it. One in <paramref name="openOneIn"/> is of unknown outcome, and half of those were not done at all.
    /// </summary>
    public static Gen<History<TInput, TOutput>> Of<TState, TInput, TOutput>(
        HistoryModel<TState, TInput, TOutput> model, Gen<TInput> inputs, Func<TState, TInput, TOutput> answer, int from, int to, int spread, int openOneIn)
        where TInput : notnull
    {
        var one = Gen.Zip(inputs, Gen.Zip(Gen.Zip(Gen.Choose(0, spread * 10), Gen.Choose(0, spread * 10)), Gen.Zip(Gen.Choose(1, openOneIn), Gen.Choose(0, 1))));
        return Gen.SelectMany(Gen.Choose(from, to), count => Gen.Select(Gen.ListOf(one, count), all =>
        {
            var state = model.Initial;
            var operations = new List<Operation<TInput, TOutput>>();
            foreach (var (input, ((before, after), (open, done))) in all)
            {
                var (isOpen, at) = (open == openOneIn, 10L * operations.Count);
                if (isOpen) operations.Add(new(operations.Count, input, at - before));
                else operations.Add(new(operations.Count, input, new(answer(state, input)), at - before, at + after));
                if (!isOpen || done == 1) state = model.Step(state, input, default).Next;
            }
            return new History<TInput, TOutput>(operations);
        }));
    }

    public static RegisterOutput<int> Answer(int state, RegisterInput<int> input) => input.Verb switch
    {
        RegisterVerb.Read => new(state),
        RegisterVerb.Write => new(),
        _ => new(Done: state == input.Expected),
    };

    public static long Answer(long state, CounterInput input) => state + input.Amount;

    public static bool Answer(bool held, MutexInput input) => held != input.Acquire;

    public static IReadOnlyList<int> Answer(LogState<int> state, LogInput<int> input) => input.IsRead ? [.. state.Backwards().Reverse()] : [];
}
