namespace Stateside.Testing.Histories;

/// <summary>What a check came to.</summary>
public enum LinearizabilityVerdict
{
    /// <summary>There is an order of the operations that explains every output and that no time contradicts.</summary>
    Linearizable,

    /// <summary>There is no such order: the service did something that one that does one thing after the other cannot do.</summary>
    NotLinearizable,

    /// <summary>The limits were reached first. It says nothing in favour of the service.</summary>
    Unknown,
}

/// <summary>How long a check may take before it gives up. The problem is exponential: a wrong history with much concurrency can take for ever.</summary>
public sealed record CheckLimits
{
    /// <summary>For the whole check, all parts together; zero or more, one minute unless set.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How many combinations of a state and the operations done may be remembered for one part, some 200 bytes each with a small state; two million unless set.</summary>
    public int Configurations { get; init; } = 2_000_000;
}

/// <summary>Checks histories: could a service that does one operation after the other have answered this?</summary>
/// <remarks>
/// The search is that of Wing and Gong with the memory of Lowe: operations are placed one after the other, a dead end is given up, and no combination of a
/// state and of the operations placed is tried twice.
/// </remarks>
public static class Linearizability
{
    /// <summary>Checks a history, its parts one after the other, the smallest first, until one is not linearizable.</summary>
    /// <param name="history">What was recorded.</param>
    /// <param name="model">What the service should do.</param>
    /// <param name="limits">When to give up; see <see cref="CheckLimits"/> for what holds without.</param>
    /// <param name="cancellationToken">Ends the check with an exception.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The model calls an operation read-only that changes the state.</exception>
    public static LinearizabilityResult<TInput, TOutput> Check<TState, TInput, TOutput>(
        History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, CheckLimits? limits = null, CancellationToken cancellationToken = default)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(model);
        var budget = new SearchBudget(limits ?? new CheckLimits(), cancellationToken);
        LinearizabilityResult<TInput, TOutput>? undecided = null;
        foreach (var (name, part) in history.Partition(model.PartitionOf).OrderBy(p => p.Value.Operations.Count))
        {
            var search = new Search<TState, TInput, TOutput>(name, part, model, budget, precise: false);
            var result = search.Run();
            if (result.Verdict == LinearizabilityVerdict.NotLinearizable)
            {
                // The verdict stands. Where the limits allow it, it is explained by the first return that is wrong.
                var explained = search.IsVague ? new Search<TState, TInput, TOutput>(name, part, model, budget, precise: true).Run() : result;
                return explained.Verdict == LinearizabilityVerdict.NotLinearizable ? explained : result;
            }
            if (result.Verdict == LinearizabilityVerdict.Unknown) undecided ??= result;
        }
        return undecided ?? new(LinearizabilityVerdict.Linearizable, null, [], [], $"Linearizable: {history.Operations.Count} operations.");
    }
}

/// <summary>What a check found; <see cref="ToString"/> is for the one who reads the failed test.</summary>
/// <typeparam name="TInput">What was asked.</typeparam>
/// <typeparam name="TOutput">What was answered.</typeparam>
public sealed class LinearizabilityResult<TInput, TOutput>
    where TInput : notnull
{
    private readonly string _text;

    internal LinearizabilityResult(
        LinearizabilityVerdict verdict, string? partition, IReadOnlyList<Operation<TInput, TOutput>> prefix, IReadOnlyList<Operation<TInput, TOutput>> unplaced, string text) =>
        (Verdict, Partition, Prefix, Unplaced, _text) = (verdict, partition, prefix, unplaced, text);

    /// <summary>What it came to.</summary>
    public LinearizabilityVerdict Verdict { get; }

    /// <summary>The part that is not linearizable, or that was not decided; null if all are linearizable.</summary>
    public string? Partition { get; }

    /// <summary>The longest explanation that was found: operations in an order in which all outputs are right. Empty if the history is linearizable.</summary>
    public IReadOnlyList<Operation<TInput, TOutput>> Prefix { get; }

    /// <summary>
    /// The operations that ran when no order was left, and that could not be placed after <see cref="Prefix"/>. The first is the one whose return cannot be explained: until
    /// just before it the history is linearizable (if the limits let the check find out which one that is).
    /// </summary>
    public IReadOnlyList<Operation<TInput, TOutput>> Unplaced { get; }

    /// <summary>The finding as a text of several lines.</summary>
    public override string ToString() => _text;
}
