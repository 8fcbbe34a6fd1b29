namespace Stateside.Testing.Histories;

/// <summary>One call of a client and what came of it.</summary>
/// <typeparam name="TInput">What was asked. Inputs that are equal must mean the same, so records are best.</typeparam>
/// <typeparam name="TOutput">What was answered.</typeparam>
public sealed record Operation<TInput, TOutput>
    where TInput : notnull
{
    /// <summary>An operation that returned.</summary>
    /// <param name="client">Who called: any number.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered; <c>default</c> if it is certain that the operation was done, but not what it answered.</param>
    /// <param name="call">A time no later than the operation's first effect, in any unit and from any start, the same for all operations of a history.</param>
    /// <param name="returned">A time no earlier than its last effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">It returned before it was called.</exception>
    public Operation(int client, TInput input, Observed<TOutput> output, long call, long returned)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(returned, call);
        (Client, Input, Output, Call, Return) = (client, input, output, call, returned);
    }

    /// <summary>An operation of unknown outcome: it has not been done, or is done at any time after the call, even long after.</summary>
    /// <param name="client">Who called.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="call">When.</param>
    public Operation(int client, TInput input, long call)
    {
        ArgumentNullException.ThrowIfNull(input);
        (Client, Input, Call) = (client, input, call);
    }

    /// <summary>Who called.</summary>
    public int Client { get; }

    /// <summary>What was asked.</summary>
    public TInput Input { get; }

    /// <summary>What was answered, as far as it was seen.</summary>
    public Observed<TOutput> Output { get; }

    /// <summary>When it was called.</summary>
    public long Call { get; }

    /// <summary>When it returned; null while its outcome is unknown.</summary>
    public long? Return { get; }

    /// <summary>True if its outcome is unknown.</summary>
    public bool IsOpen => Return is null;
}
