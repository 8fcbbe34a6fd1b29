using System.Runtime.InteropServices;

namespace Stateside.Turns;

/// <summary>
/// Lets the writing turns of one group in one process go one after the other, first come, first served, and bounds how
/// many turns are on their way at all. It is advice: it saves conflicts, and safety stays in the commit.
/// </summary>
/// <param name="maxTurns">Most turns on their way, those that wait included; 1 or more.</param>
/// <param name="maxPerGroup">Most turns that wait for one group; 1 or more.</param>
internal sealed class TurnGate(int maxTurns, int maxPerGroup)
{
    private const int StripeCount = 64;
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, StripeCount).Select(_ => new Stripe())];
    private int _turns;

    /// <summary>Turns on their way now.</summary>
    public int Turns => Volatile.Read(ref _turns);

    /// <summary>Counts a turn in, before anything is read for it. Must be given back with <see cref="Admission.Dispose"/>.</summary>
    /// <exception cref="StatesideException">SS1010: too many turns are on their way.</exception>
    public Admission Admit()
    {
        if (Interlocked.Increment(ref _turns) <= maxTurns) return new Admission(this);
        Interlocked.Decrement(ref _turns);
        throw Errors.Overloaded();
    }

    /// <summary>Waits for the group's turn. The pass must be given back with <see cref="Pass.Dispose"/>.</summary>
    /// <param name="group">The group that the turn writes; null for a turn that only reads, which waits for nobody.</param>
    /// <param name="cancellationToken">Fires when the client has gone away.</param>
    /// <exception cref="StatesideException">SS1010: too many are waiting.</exception>
    public ValueTask<Pass> QueueAsync(Group? group, CancellationToken cancellationToken)
    {
        if (group is not { } g) return new(default(Pass));
        var stripe = _stripes[(uint)g.GetHashCode() % StripeCount];
        LinkedListNode<Waiter> place;
        lock (stripe)
        {
            ref var queue = ref CollectionsMarshal.GetValueRefOrAddDefault(stripe.Queues, g.Value, out var busy);
            if (!busy) return new(new Pass(stripe, g.Value));
            queue ??= new();
            if (queue.Count >= maxPerGroup) throw Errors.Overloaded();
            place = queue.AddLast(new Waiter());
        }
        return WaitAsync(stripe, g.Value, place, cancellationToken);
    }

    private static async ValueTask<Pass> WaitAsync(Stripe stripe, string group, LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(static w => ((Waiter)w!).TrySetCanceled(), place.Value);
        try
        {
            await place.Value.Task;
            return new Pass(stripe, group);
        }
        catch (OperationCanceledException)
        {
            // Who gives up must not fill the queue until the holder leaves, which may be long.
            lock (stripe) place.List?.Remove(place);
            throw;
        }
    }

    private static void Leave(Stripe? stripe, string? group)
    {
        if (stripe is null) return;
        lock (stripe)
        {
            var queue = stripe.Queues[group!];
            while (queue is { Count: > 0 })
            {
                var next = queue.First!.Value;
                queue.RemoveFirst();
                if (next.TrySetResult()) return;
            }
            stripe.Queues.Remove(group!);
        }
    }

    /// <summary>A turn that is counted in.</summary>
    public readonly struct Admission(TurnGate gate) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => Interlocked.Decrement(ref gate._turns);
    }

    /// <summary>The right to go on. Disposing it wakes the next.</summary>
    public readonly struct Pass(object? stripe, string? group) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => Leave((Stripe?)stripe, group);
    }

    /// <summary>A group that is in here is busy; its queue is made when the first has to wait.</summary>
    private sealed class Stripe
    {
        public Dictionary<string, LinkedList<Waiter>?> Queues { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Waiter() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
}
