namespace Stateside.Testing.Histories;

/// <summary>What a client saw of an operation's output: a value, or nothing, because no response came.</summary>
/// <typeparam name="T">The output.</typeparam>
public readonly record struct Observed<T>
{
    /// <summary>An output that was seen. The default of this type is one that was not.</summary>
    /// <param name="value">The output; null is an output like any other.</param>
    public Observed(T value) => (IsKnown, Value) = (true, value);

    /// <summary>True if the output was seen.</summary>
    public bool IsKnown { get; }

    /// <summary>The output; the default of its type while <see cref="IsKnown"/> is false.</summary>
    public T? Value { get; }

    /// <summary>True if the operation may have had this output: it was seen, or none was.</summary>
    /// <param name="output">What a model computes.</param>
    public bool Allows(T output) => !IsKnown || EqualityComparer<T?>.Default.Equals(Value, output);

    /// <inheritdoc/>
    public override string ToString() => IsKnown ? $"{(object?)Value ?? "nothing"}" : "?";
}
