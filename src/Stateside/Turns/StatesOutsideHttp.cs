using System.Runtime.CompilerServices;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Turns;

/// <inheritdoc cref="IStates"/>
/// <param name="runtime">Asked at each use, because services that take <see cref="IStates"/> are made before the host starts.</param>
internal sealed class StatesOutsideHttp(Func<StatesideRuntime> runtime) : IStates
{
    public StatesOutsideHttp(StatesideRuntime runtime) : this(() => runtime) { }

    public ValueTask<T> RunAsync<T>(StateKey key, Func<T, T> change, CancellationToken cancellationToken) where T : class =>
        RunAsync<T, T>(key, (state, _) => state.Update(change), cancellationToken);

    public async ValueTask<TResult> RunAsync<T, TResult>(StateKey key, Func<State<T>, Turn, TResult> handler, CancellationToken cancellationToken) where T : class
    {
        var host = new Host<TResult>(Slot<T>(key, writes: true), run => handler((State<T>)run.Slots[0], run.Turn), cancellationToken);
        await runtime().RunAsync(host);
        return host.Result!;
    }

    public async ValueTask<Snapshot<T>> ReadAsync<T>(StateKey key, CancellationToken cancellationToken) where T : class
    {
        var host = new Host<Snapshot<T>>(Slot<T>(key, writes: false), run => (Snapshot<T>)run.Slots[0], cancellationToken);
        await runtime().RunAsync(host);
        return host.Result!;
    }

    public async IAsyncEnumerable<Snapshot<T>> WatchAsync<T>(StateKey key, StateVersion? from, [EnumeratorCancellation] CancellationToken cancellationToken) where T : class
    {
        var definition = await FindAsync<T>(key, cancellationToken);
        using var watcher = await runtime().Watches.WatchAsync(definition, key, from, cancellationToken);
        while (await watcher.NextAsync(Timeout.InfiniteTimeSpan) is { } next) yield return next;
    }

    public async IAsyncEnumerable<StateEvent<TEvent>> WatchAsync<T, TEvent>(StateKey key, long from, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class, IFold<T, TEvent>
        where TEvent : notnull
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        var definition = await FindAsync<T>(key, cancellationToken);
        using var watcher = await runtime().Watches.WatchEventsAsync<T, TEvent>(definition, key, from, cancellationToken);
        while (await watcher.NextAsync(Timeout.InfiniteTimeSpan) is { } next) yield return next;
    }

    /// <summary>The state that is to be watched, once this node is known to be the one where it can be.</summary>
    private async ValueTask<StateDefinition<T>> FindAsync<T>(StateKey key, CancellationToken cancellationToken) where T : class
    {
        var definition = Find<T>(key);
        // Goes in and out of the shard: waits while it is on its way to this node, and refuses what another owns.
        if (definition.Place == Place.Node) await ReadAsync<T>(key, cancellationToken);
        return definition;
    }

    private StateDefinition<T> Find<T>(StateKey key) where T : class =>
        runtime().Registry.Find(key.Name) as StateDefinition<T> ?? throw new ArgumentException($"No state \"{key.Name}\" of type {typeof(T).Name} is declared.", nameof(key));

    private SlotRequest Slot<T>(StateKey key, bool writes) where T : class
    {
        var definition = Find<T>(key);
        if (definition.Place == Place.Client) throw Errors.ClientOnly(key.Name);
        return new SlotRequest(definition, key, writes);
    }

    private sealed class Host<TResult>(SlotRequest slot, Func<TurnRun, TResult> run, CancellationToken aborted) : ITurnHost
    {
        public TResult? Result { get; private set; }

        public SessionHandle? Session => null;

        public CancellationToken Aborted => aborted;

        public ValueTask PrepareAsync() => default;

        public TurnRequest Bind(SessionHandle? session, TurnSeed seed) =>
            new() { Slots = [slot], Group = slot.Writes ? slot.Key.Group : null };

        public void Check(TurnRequest request, IReadOnlyList<Row> rows) { }

        public ValueTask<TurnReply> RunAsync(TurnRun attempt)
        {
            Result = run(attempt);
            return new(default(TurnReply));
        }
    }
}
