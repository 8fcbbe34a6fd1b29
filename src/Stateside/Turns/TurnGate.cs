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

    /// <summary>Waits for the group's turn. The pass must be given back with <see cref="Pass.Dispose"/>.</summary>
    /// <param name="group">The group that the turn writes; null for a turn that only reads, which waits for nobody.</param>
    /// <param name="cancellationToken">Fires when the client has gone away.</param>
    /// <exception cref="StatesideException">SS1010: too many are waiting.</exception>
    public ValueTask<Pass> EnterAsync(Group? group, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _turns) > maxTurns)
        {
            Interlocked.Decrement(ref _turns);
            throw Errors.Overloaded();
        }
        if (group is not { } g) return new(new Pass(this, null, null));
        var stripe = _stripes[(uint)g.GetHashCode() % StripeCount];
        Waiter waiter;
        lock (stripe)
        {
            ref var queue = ref CollectionsMarshal.GetValueRefOrAddDefault(stripe.Queues, g.Value, out var busy);
            if (!busy) return new(new Pass(this, stripe, g.Value));
            queue ??= new();
            if (queue.Count >= maxPerGroup)
            {
                Interlocked.Decrement(ref _turns);
                throw Errors.Overloaded();
            }
            waiter = new Waiter();
            queue.AddLast(waiter);
        }
        return WaitAsync(stripe, g.Value, waiter, cancellationToken);
    }

    private async ValueTask<Pass> WaitAsync(Stripe stripe, string group, Waiter waiter, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(static w => ((Waiter)w!).TrySetCanceled(), waiter);
        try
        {
            await waiter.Task;
            return new Pass(this, stripe, group);
        }
        catch (OperationCanceledException)
        {
            // The waiter stays in the queue; whoever leaves skips it, because it can no longer be woken.
            Interlocked.Decrement(ref _turns);
            throw;
        }
    }

    private void Leave(Stripe? stripe, string? group)
    {
        Interlocked.Decrement(ref _turns);
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

    /// <summary>The right to go on. Disposing it wakes the next.</summary>
    public readonly struct Pass(TurnGate gate, object? stripe, string? group) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => gate.Leave((Stripe?)stripe, group);
    }

    /// <summary>A group that is in here is busy; its queue is made when the first has to wait.</summary>
    private sealed class Stripe
    {
        public Dictionary<string, LinkedList<Waiter>?> Queues { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Waiter() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
}
