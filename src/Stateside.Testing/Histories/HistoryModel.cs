namespace Stateside.Testing.Histories;

/// <summary>What a service would do if its operations came one after the other: the rule that a history is held to.</summary>
/// <remarks>A model is a pure function and holds nothing that changes: several threads may use it at once.</remarks>
/// <typeparam name="TState">The state. It must not be changed in place; <see cref="States"/> says when two are equal.</typeparam>
/// <typeparam name="TInput">What is asked. Equal inputs must mean the same.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
public abstract class HistoryModel<TState, TInput, TOutput>
    where TInput : notnull
{
    /// <summary>The state before the first operation.</summary>
    public abstract TState Initial { get; }

    /// <summary>When two states are equal. A comparer that finds differences where there are none makes the check slow, never wrong.</summary>
    public virtual IEqualityComparer<TState> States => EqualityComparer<TState>.Default;

    /// <summary>Does one operation.</summary>
    /// <param name="state">The state before it.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered. While it is not known, any output is right, and the state must become what the operation makes of it.</param>
    /// <returns>Whether the operation can have had this output in this state, and the state after it.</returns>
    public abstract (bool Ok, TState Next) Step(TState state, TInput input, Observed<TOutput> output);

    /// <summary>The part of the service that an input touches, such as its key; parts are checked each by itself, which is much faster. All is one part unless this says otherwise.</summary>
    /// <param name="input">What was asked.</param>
    public virtual string PartitionOf(TInput input) => "";

    /// <summary>
    /// True if the operation never changes the state, whatever it is, as a read or a refused compare-and-set does. Such an operation is placed where it first fits, and
    /// dropped if its outcome is unknown: that is what keeps a history with many of them cheap. False is always right.
    /// </summary>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered.</param>
    public virtual bool IsReadOnly(TInput input, Observed<TOutput> output) => false;

    /// <summary>
    /// False if the operation cannot have had this output in this state, nor in any that can come of it: a counter that only grows is past what it answered. It ends ways that
    /// lead nowhere early. True is always right.
    /// </summary>
    /// <param name="state">A state before the operation.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered.</param>
    public virtual bool CanFollow(TState state, TInput input, Observed<TOutput> output) => true;

    /// <summary>The model for one part, which may use what is in the part to be faster; this one unless overridden.</summary>
    /// <param name="part">All operations of the part.</param>
    public virtual HistoryModel<TState, TInput, TOutput> For(History<TInput, TOutput> part) => this;

    /// <summary>
    /// The operations of a part without those of unknown outcome that cannot matter to what the others saw: an element that was maybe added and that nobody ever read.
    /// Each one left out can halve the work. All of them is always right.
    /// </summary>
    /// <param name="part">All operations of the part.</param>
    public virtual IEnumerable<Operation<TInput, TOutput>> Relevant(History<TInput, TOutput> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        return part.Operations;
    }

    /// <summary>The operation as a line of the report shows it.</summary>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered.</param>
    public virtual string Describe(TInput input, Observed<TOutput> output) => output.IsKnown ? $"{input} -> {output}" : $"{input}";

    /// <summary>A state as the report shows it.</summary>
    /// <param name="state">The state.</param>
    public virtual string Describe(TState state) => $"{(object?)state ?? "nothing"}";
}
