namespace Stateside;

/// <summary>
/// A state that is the sum of its events. The handler raises events with <see cref="FoldExtensions.Raise"/>; the commit appends them
/// to the journal and keeps the folded state beside it, so that a load is one row however long the journal is.
/// </summary>
/// <typeparam name="TState">The state itself.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public interface IFold<out TState, in TEvent> where TState : class
{
    /// <summary>The state after <paramref name="e"/>. Pure: the same state and event always give the same result.</summary>
    TState Apply(TEvent e);
}

/// <summary>An event of a folded state, as a watcher sees it.</summary>
/// <param name="Number">Its number in the journal: from 1, without gaps.</param>
/// <param name="Event">The event.</param>
/// <typeparam name="TEvent">The base type of the state's events.</typeparam>
public readonly record struct StateEvent<TEvent>(long Number, TEvent Event) where TEvent : notnull;

/// <summary>Raises events on folded states.</summary>
public static class FoldExtensions
{
    /// <summary>Raises an event: the state's value becomes what it folds to, and the commit appends it to the journal.</summary>
    /// <returns>The folded state.</returns>
    public static TState Raise<TState, TEvent>(this State<TState> state, TEvent e)
        where TState : class, IFold<TState, TEvent>
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(e);
        return state.Append(e, state.Value.Apply(e));
    }
}
