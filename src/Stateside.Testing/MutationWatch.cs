using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Testing;

/// <summary>
/// A handler changed the value of a state in place. The value is shared (with other runs, with snapshots, with a store in memory, with every
/// visitor if it is the declared <c>empty</c>), so the change leaks without a commit, or is applied twice by a second run.
/// </summary>
public sealed class StateMutatedException : Exception
{
    internal StateMutatedException(string state, int run)
        : base($"State \"{state}\" was changed in place by run {run} of a handler: what its Value held before the run is different after it. Make a new value instead (state.Update(s => s with {{ … }})), of a record whose collections are immutable.") => State = state;

    /// <summary>The name of the state.</summary>
    public string State { get; }
}

/// <summary>Compares the JSON of every value that a run was given before and after it.</summary>
internal sealed class MutationWatch : ITurnWatch
{
    public ITurnHost Around(ITurnHost host) => new Host(host);

    private sealed class Host(ITurnHost host) : ITurnHost
    {
        public SessionHandle? Session => host.Session;

        public CancellationToken Aborted => host.Aborted;

        public ValueTask PrepareAsync() => host.PrepareAsync();

        public TurnRequest Bind(SessionHandle? session, TurnSeed seed) => host.Bind(session, seed);

        public void Check(TurnRequest request, IReadOnlyList<Row> rows) => host.Check(request, rows);

        public async ValueTask<TurnReply> RunAsync(TurnRun run)
        {
            var values = Array.ConvertAll(run.Slots, slot => slot.WatchValue());
            var before = Array.ConvertAll(values, value => value());
            var reply = await host.RunAsync(run);
            for (var i = 0; i < values.Length; i++)
                if (!before[i].AsSpan().SequenceEqual(values[i]())) throw new StateMutatedException(run.Request.Slots[i].Definition.Name, run.Turn.Run);
            return reply;
        }
    }
}
