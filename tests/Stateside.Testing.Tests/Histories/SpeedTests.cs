using System.Diagnostics;
using Stateside.Testing.Histories;
using Xunit.Abstractions;

namespace Stateside.Testing.Tests.Histories;

/// <summary>Ten thousand operations of twenty busy clients are checked in seconds, those of unknown outcome among them. The bound is for the slowest machine; the times are in the output.</summary>
public sealed class SpeedTests(ITestOutputHelper output)
{
    private const int Operations = 10_000;
    private const int Clients = 20;
    private static readonly TimeSpan s_bound = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(1, 0), InlineData(100, 0), InlineData(1, 500), InlineData(100, 500)]
    public void A_counter(int keys, int unknown) =>
        Measure(Run(new CounterModel(), random => new CounterInput(Key(random, keys), random.Next(4)), Runs.Answer, unknown), new CounterModel(), LinearizabilityVerdict.Linearizable);

    [Theory]
    [InlineData(1, 0), InlineData(100, 0), InlineData(1, 500), InlineData(100, 500)]
    public void A_register(int keys, int unknown) =>
        Measure(Run(new RegisterModel<int>(), random => Register(random, keys, 5), Runs.Answer, unknown), new RegisterModel<int>(), LinearizabilityVerdict.Linearizable);

    /// <summary>No two inputs of unknown outcome are equal here, so that none can stand for another.</summary>
    [Theory]
    [InlineData(0), InlineData(500)]
    public void A_register_whose_values_are_all_different(int unknown) =>
        Measure(Run(new RegisterModel<int>(), random => Register(random, 1, int.MaxValue), Runs.Answer, unknown), new RegisterModel<int>(), LinearizabilityVerdict.Linearizable);

    [Theory]
    [InlineData(0), InlineData(100)]
    public void A_log(int unknown)
    {
        var element = 0;
        Measure(Run(new LogModel<int>(), random => random.Next(4) > 0 ? LogInput.Append(++element, Key(random, 20)) : LogInput.Read<int>(Key(random, 20)), Runs.Answer, unknown), new LogModel<int>(), LinearizabilityVerdict.Linearizable);
    }

    /// <summary>The last read says something that nobody wrote. Every order of all that was before has to be given up for that, so that fewer clients are busy here.</summary>
    [Theory]
    [InlineData(5), InlineData(10)]
    public void A_register_that_is_wrong_in_the_end(int clients)
    {
        var right = Run(new RegisterModel<int>(), random => Register(random, 1, 5), Runs.Answer, 0, clients);
        var last = right.Operations.Where(o => o is { IsOpen: false, Input.Verb: RegisterVerb.Read }).MaxBy(o => o.Call)!;
        History<RegisterInput<int>, RegisterOutput<int>> wrong = new(right.Operations.Select(o => o == last ? new(o.Client, o.Input, new(new(77)), o.Call, o.Return!.Value) : o));
        Measure(wrong, new RegisterModel<int>(), LinearizabilityVerdict.NotLinearizable);
    }

    [Fact]
    public void A_counter_that_lost_one_addition()
    {
        var right = Run(new CounterModel(), _ => new("", 1), Runs.Answer, 0);
        Measure(new(right.Operations.Where(o => o.Output.Value != Operations / 2)), new CounterModel(), LinearizabilityVerdict.NotLinearizable);
    }

    private static string Key(Random random, int keys) => $"{random.Next(keys)}";

    private static RegisterInput<int> Register(Random random, int keys, int values) => random.Next(3) switch
    {
        0 => RegisterInput.Read<int>(Key(random, keys)),
        1 => RegisterInput.Write(random.Next(values), Key(random, keys)),
        _ => RegisterInput.CompareAndSet(random.Next(values), random.Next(values), Key(random, keys)),
    };

    /// <summary>Each client calls as soon as its last call has returned; an operation happens at an instant between. A client of an unknown outcome goes on.</summary>
    private static History<TInput, TOutput> Run<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, Func<Random, TInput> next, Func<TState, TInput, TOutput> answer, int unknown, int clients = Clients)
        where TInput : notnull
    {
        var random = new Random(5);
        var free = new long[clients];
        var calls = Enumerable.Range(0, Operations).Select(i =>
        {
            var (client, input) = (i % clients, next(random));
            var call = free[client] + random.Next(1, 10);
            var at = call + random.Next(100);
            free[client] = at + random.Next(100);
            return (Client: client, Input: input, Call: call, At: at, Return: free[client], IsOpen: unknown > 0 && random.Next(Operations / Math.Max(1, unknown)) == 0, IsDone: random.Next(2) == 0);
        }).ToList();
        var states = new Dictionary<string, TState>();
        var operations = new List<Operation<TInput, TOutput>>();
        foreach (var (client, input, call, _, returned, isOpen, isDone) in calls.OrderBy(c => c.At))
        {
            var state = states.GetValueOrDefault(model.PartitionOf(input), model.Initial);
            operations.Add(isOpen ? new(client, input, call) : new(client, input, new(answer(state, input)), call, returned));
            if (!isOpen || isDone) states[model.PartitionOf(input)] = model.Step(state, input, default).Next;
        }
        return new(operations);
    }

    private void Measure<TState, TInput, TOutput>(History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, LinearizabilityVerdict expected)
        where TInput : notnull
    {
        Assert.InRange(history.Operations.Count, Operations - 1, Operations);
        var watch = Stopwatch.StartNew();
        var result = Linearizability.Check(history, model, new CheckLimits { Time = s_bound });
        output.WriteLine($"{typeof(TInput).Name} {history.Operations.Count} operations, {history.Operations.Count(o => o.IsOpen)} of unknown outcome: {watch.Elapsed.TotalMilliseconds:F0} ms");
        Assert.True(result.Verdict == expected, $"{result}");
    }
}
