namespace Stateside;

/// <summary>Turns outside HTTP: for background work, tools and tests. The same load, run and commit as a request's.</summary>
public interface IStates
{
    /// <summary>Changes one state: loads it, applies <paramref name="change"/>, commits; runs again if another turn was faster.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="change">A pure function; it may run more than once.</param>
    /// <param name="cancellationToken">Ends the waiting; a commit that has begun is finished.</param>
    /// <returns>The new value, committed.</returns>
    /// <exception cref="StatesideException">It was refused or failed; <see cref="StatesideException.Applied"/> says whether it took effect.</exception>
    ValueTask<T> RunAsync<T>(StateKey key, Func<T, T> change, CancellationToken cancellationToken = default) where T : class;

    /// <summary>The same with the handle and the turn, for a change that deletes, raises events, or draws ids.</summary>
    ValueTask<TResult> RunAsync<T, TResult>(StateKey key, Func<State<T>, Turn, TResult> handler, CancellationToken cancellationToken = default) where T : class;

    /// <summary>Reads one state: one trip, and nothing is written.</summary>
    ValueTask<Snapshot<T>> ReadAsync<T>(StateKey key, CancellationToken cancellationToken = default) where T : class;

    /// <summary>
    /// Watches the value of one state: first what is committed now, then the newest whenever it has changed. Versions ascend; some may be skipped,
    /// the newest never is. A state that is deleted or has expired is shown as one that does not exist. Of a folded state, the folded value.
    /// </summary>
    /// <param name="key">Which one.</param>
    /// <param name="from">The version that was seen last (<see cref="Snapshot{T}.Version"/>): that one is not shown again. Null: none was.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="StatesideException">While it is enumerated. SS1026: the state moves to another node, or the process stops; watch again
    /// from the last version. SS4007: another node owns it. SS1027: it lives with the client. SS3001: the store did not answer at the start.</exception>
    IAsyncEnumerable<Snapshot<T>> WatchAsync<T>(StateKey key, StateVersion? from = null, CancellationToken cancellationToken = default) where T : class;

    /// <summary>Watches the events of one folded state: every one, in order, each once, as soon as it is committed.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="from">The number of the event that was seen last (<see cref="StateEvent{TEvent}.Number"/>, <see cref="Snapshot{T}.EventNumber"/>); 0: none, so all that are kept come.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <typeparam name="T">The folded state.</typeparam>
    /// <typeparam name="TEvent">The base type of its events.</typeparam>
    /// <exception cref="StatesideException">As above, and SS1025: the next event is not kept, since the journal was deleted or has expired; SS3001
    /// also later, for one who is far behind.</exception>
    IAsyncEnumerable<StateEvent<TEvent>> WatchAsync<T, TEvent>(StateKey key, long from = 0, CancellationToken cancellationToken = default)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull;
}
