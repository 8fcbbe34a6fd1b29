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
}
