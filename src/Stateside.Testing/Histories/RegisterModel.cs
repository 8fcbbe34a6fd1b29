namespace Stateside.Testing.Histories;

/// <summary>What can be asked of a register.</summary>
public enum RegisterVerb
{
    /// <summary>Its value.</summary>
    Read,

    /// <summary>To have another value.</summary>
    Write,

    /// <summary>To have another value if it has an expected one.</summary>
    CompareAndSet,
}

/// <summary>A question to one of any number of registers.</summary>
/// <typeparam name="T">The value; a nullable one for a register that can be empty.</typeparam>
/// <param name="Key">Which register.</param>
/// <param name="Verb">What.</param>
/// <param name="Value">The value to write.</param>
/// <param name="Expected">The value that a compare-and-set expects.</param>
public sealed record RegisterInput<T>(string Key, RegisterVerb Verb, T? Value = default, T? Expected = default);

/// <summary>What can be asked of a register, in short.</summary>
public static class RegisterInput
{
    /// <summary>Reads a register; its output is <see cref="RegisterOutput{T}.Value"/>.</summary>
    /// <param name="key">Which.</param>
    public static RegisterInput<T> Read<T>(string key = "") => new(key, RegisterVerb.Read);

    /// <summary>Writes a register; its output says nothing.</summary>
    /// <param name="value">What.</param>
    /// <param name="key">Which.</param>
    public static RegisterInput<T> Write<T>(T? value, string key = "") => new(key, RegisterVerb.Write, value);

    /// <summary>Writes a register if it has the expected value; its output is <see cref="RegisterOutput{T}.Done"/>.</summary>
    /// <param name="expected">What it should have.</param>
    /// <param name="value">What it should get.</param>
    /// <param name="key">Which.</param>
    public static RegisterInput<T> CompareAndSet<T>(T? expected, T? value, string key = "") => new(key, RegisterVerb.CompareAndSet, value, expected);
}

/// <summary>A register's answer.</summary>
/// <typeparam name="T">The value.</typeparam>
/// <param name="Value">What was read.</param>
/// <param name="Done">False if a compare-and-set found another value than the expected one.</param>
public sealed record RegisterOutput<T>(T? Value = default, bool Done = true);

/// <summary>Registers, each with one value that can be read, written, and compared and set.</summary>
/// <typeparam name="T">The value; a nullable one for registers that can be empty.</typeparam>
/// <param name="initial">What each register holds at first.</param>
public sealed class RegisterModel<T>(T? initial = default) : HistoryModel<T?, RegisterInput<T>, RegisterOutput<T>>
{
    /// <inheritdoc/>
    public override T? Initial => initial;

    /// <inheritdoc/>
    public override (bool Ok, T? Next) Step(T? state, RegisterInput<T> input, Observed<RegisterOutput<T>> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        switch (input.Verb)
        {
            case RegisterVerb.Read:
                return (output.Value is not { } read || Same(read.Value, state), state);
            case RegisterVerb.Write:
                return (true, input.Value);
            default:
                var done = Same(input.Expected, state);
                return (output.Value is not { } answer || answer.Done == done, done ? input.Value : state);
        }
    }

    /// <inheritdoc/>
    public override string PartitionOf(RegisterInput<T> input) => input?.Key ?? "";

    /// <inheritdoc/>
    public override bool IsReadOnly(RegisterInput<T> input, Observed<RegisterOutput<T>> output) =>
        input?.Verb == RegisterVerb.Read || input?.Verb == RegisterVerb.CompareAndSet && output.Value is { Done: false };

    /// <inheritdoc/>
    public override string Describe(RegisterInput<T> input, Observed<RegisterOutput<T>> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Verb switch
        {
            RegisterVerb.Read => output.Value is { } read ? $"read {Show(read.Value)}" : "read",
            RegisterVerb.Write => $"write {Show(input.Value)}",
            _ => $"compare {Show(input.Expected)} and set {Show(input.Value)}" + (output.Value is { Done: false } ? ", refused" : ""),
        };
    }

    private static bool Same(T? one, T? other) => EqualityComparer<T?>.Default.Equals(one, other);

    private static string Show(T? value) => $"{(object?)value ?? "nothing"}";
}
