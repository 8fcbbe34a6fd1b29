namespace Stateside.Testing.Histories;

/// <summary>Writes down what clients ask and are answered, from any number of threads.</summary>
/// <remarks>
/// Times are ticks of 100 ns since the recorder was made, and never twice the same: a later call has a later time however coarse the clock is,
/// so that a clock which stands still (a <see cref="ManualClock"/>, a simulation) still tells what came after what.
/// </remarks>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
public sealed class HistoryRecorder<TInput, TOutput>
    where TInput : notnull
{
    private readonly Lock _lock = new();
    private readonly List<RecordedCall<TInput, TOutput>> _calls = [];
    private readonly TimeProvider _clock;
    private readonly long _start;
    private long _last = -1;

    /// <summary>An empty recorder.</summary>
    /// <param name="clock">Whose timestamps the times are; the system's if null.</param>
    public HistoryRecorder(TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        _start = _clock.GetTimestamp();
    }

    /// <summary>Notes that a client is about to call.</summary>
    /// <param name="client">Who.</param>
    /// <param name="input">What it asks.</param>
    /// <returns>What <see cref="End"/>, <see cref="Fail"/> or <see cref="Unknown"/> wants; until one of them is called the outcome is unknown.</returns>
    public RecordedCall<TInput, TOutput> Begin(int client, TInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        lock (_lock)
        {
            var call = new RecordedCall<TInput, TOutput>(this, new(client, input, NextTime()));
            _calls.Add(call);
            return call;
        }
    }

    /// <summary>Notes what a call was answered.</summary>
    /// <param name="call">What <see cref="Begin"/> gave.</param>
    /// <param name="output">The answer.</param>
    /// <exception cref="InvalidOperationException">The call is another recorder's, or its outcome has been noted.</exception>
    public void End(RecordedCall<TInput, TOutput> call, TOutput output)
    {
        lock (_lock)
        {
            var begun = Settle(call);
            call.Operation = new(begun.Client, begun.Input, new(output), begun.Call, NextTime());
        }
    }

    /// <summary>Notes that it is certain that a call was not applied and never will be (<c>applied: no</c>): it leaves the history.</summary>
    /// <param name="call">What <see cref="Begin"/> gave.</param>
    /// <exception cref="InvalidOperationException">The call is another recorder's, or its outcome has been noted.</exception>
    public void Fail(RecordedCall<TInput, TOutput> call)
    {
        lock (_lock)
        {
            Settle(call);
            call.Operation = null;
        }
    }

    /// <summary>Notes that nobody knows whether a call was or will be applied: a time-out, a broken connection, <c>applied: unknown</c>.</summary>
    /// <param name="call">What <see cref="Begin"/> gave.</param>
    /// <exception cref="InvalidOperationException">The call is another recorder's, or its outcome has been noted.</exception>
    public void Unknown(RecordedCall<TInput, TOutput> call)
    {
        lock (_lock) Settle(call);
    }

    /// <summary>Records one call. If it throws, its outcome is unknown, and the exception goes on.</summary>
    /// <param name="client">Who.</param>
    /// <param name="input">What it asks.</param>
    /// <param name="ask">The call.</param>
    /// <returns>The answer.</returns>
    public async Task<TOutput> RecordAsync(int client, TInput input, Func<Task<TOutput>> ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        // What throws is left as it was begun: that is an unknown outcome.
        var call = Begin(client, input);
        var output = await ask();
        End(call, output);
        return output;
    }

    /// <summary>What has been recorded so far. Calls that are on their way are of unknown outcome.</summary>
    public History<TInput, TOutput> ToHistory()
    {
        lock (_lock) return new(_calls.Select(c => c.Operation).OfType<Operation<TInput, TOutput>>());
    }

    private Operation<TInput, TOutput> Settle(RecordedCall<TInput, TOutput> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Recorder != this) throw new InvalidOperationException("The call was begun by another recorder.");
        if (call.Settled || call.Operation is null) throw new InvalidOperationException("The outcome of the call has been noted already.");
        call.Settled = true;
        return call.Operation;
    }

    private long NextTime() => _last = Math.Max(_last + 1, _clock.GetElapsedTime(_start).Ticks);
}

/// <summary>A call that <see cref="HistoryRecorder{TInput,TOutput}.Begin"/> noted.</summary>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
public sealed class RecordedCall<TInput, TOutput>
    where TInput : notnull
{
    internal RecordedCall(HistoryRecorder<TInput, TOutput> recorder, Operation<TInput, TOutput> operation) => (Recorder, Operation) = (recorder, operation);

    internal HistoryRecorder<TInput, TOutput> Recorder { get; }

    /// <summary>The operation as far as it is known; null if it failed.</summary>
    internal Operation<TInput, TOutput>? Operation { get; set; }

    internal bool Settled { get; set; }
}
