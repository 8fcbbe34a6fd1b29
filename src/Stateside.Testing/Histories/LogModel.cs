namespace Stateside.Testing.Histories;

/// <summary>A request to append to one of any number of logs, or to read one whole. The output of an append says nothing.</summary>
/// <typeparam name="T">The element.</typeparam>
/// <param name="Key">Which log.</param>
/// <param name="IsRead">True to read.</param>
/// <param name="Element">What to append.</param>
public sealed record LogInput<T>(string Key, bool IsRead, T? Element = default);

/// <summary>What can be asked of a log, in short.</summary>
public static class LogInput
{
    /// <summary>Appends an element.</summary>
    /// <param name="element">What.</param>
    /// <param name="key">Which log.</param>
    public static LogInput<T> Append<T>(T element, string key = "") => new(key, false, element);

    /// <summary>Reads all elements.</summary>
    /// <param name="key">Which log.</param>
    public static LogInput<T> Read<T>(string key = "") => new(key, true);
}

/// <summary>A log as a model sees it: a list that shares all but its last element with the one it was made from, so that many of them cost little.</summary>
/// <typeparam name="T">The element.</typeparam>
public sealed class LogState<T> : IEquatable<LogState<T>>
{
    private readonly LogState<T>? _before;
    private readonly T? _last;
    private readonly int _hash;

    /// <summary>An empty log.</summary>
    public LogState()
    {
    }

    private LogState(LogState<T> before, T last, int hash) => (_before, _last, _hash, Count) = (before, last, hash, before.Count + 1);

    /// <summary>How many elements it has.</summary>
    public int Count { get; }

    /// <summary>The log with one more element. In a set (see <see cref="LogModel{T}"/>) the order does not matter, and no element is there twice.</summary>
    internal LogState<T> With(T element, bool isSet)
    {
        if (isSet && Backwards().Contains(element)) return this;
        var hash = element is null ? 0 : EqualityComparer<T>.Default.GetHashCode(element);
        return new(this, element, isSet ? unchecked(_hash + hash) : HashCode.Combine(_hash, hash));
    }

    /// <summary>The elements, the last one first.</summary>
    public IEnumerable<T> Backwards()
    {
        for (var at = this; at._before is not null; at = at._before) yield return at._last!;
    }

    /// <inheritdoc/>
    public bool Equals(LogState<T>? other)
    {
        if (other is null || other.Count != Count || other._hash != _hash) return false;
        for (var (one, two) = (this, other); !ReferenceEquals(one, two); (one, two) = (one._before!, two._before!))
            if (one.Count == 0) return true;
            else if (!EqualityComparer<T?>.Default.Equals(one._last, two._last)) return false;
        return true;
    }

    internal bool HasSame(LogState<T> other) => other.Count == Count && other._hash == _hash && Backwards().ToHashSet().SetEquals(other.Backwards());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LogState<T>);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <inheritdoc/>
    public override string ToString() => $"[{(Count > 10 ? $"{Count - 10} more, " : "")}{string.Join(", ", Backwards().Take(10).Reverse())}]";
}

/// <summary>Logs that are appended to and read whole, or sets: there the order does not matter and an element is there once.</summary>
/// <remarks>Give every append its own element: then a lost one, a double one and one that moved show.</remarks>
/// <typeparam name="T">The element.</typeparam>
/// <param name="isSet">True for sets.</param>
public sealed class LogModel<T>(bool isSet = false) : HistoryModel<LogState<T>, LogInput<T>, IReadOnlyList<T>>
{
    /// <inheritdoc/>
    public override LogState<T> Initial { get; } = new();

    /// <inheritdoc/>
    public override IEqualityComparer<LogState<T>> States { get; } =
        isSet ? EqualityComparer<LogState<T>>.Create((one, two) => one!.HasSame(two!), log => log.GetHashCode()) : EqualityComparer<LogState<T>>.Default;

    /// <inheritdoc/>
    public override (bool Ok, LogState<T> Next) Step(LogState<T> state, LogInput<T> input, Observed<IReadOnlyList<T>> output)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(input);
        if (!input.IsRead) return (true, state.With(input.Element!, isSet));
        if (output.Value is not { } read) return (true, state);
        return (read.Count == state.Count && (isSet ? read.ToHashSet().SetEquals(state.Backwards()) : read.Reverse().SequenceEqual(state.Backwards())), state);
    }

    /// <inheritdoc/>
    public override string PartitionOf(LogInput<T> input) => input?.Key ?? "";

    /// <inheritdoc/>
    public override bool IsReadOnly(LogInput<T> input, Observed<IReadOnlyList<T>> output) => input is { IsRead: true };

    /// <inheritdoc/>
    public override bool CanFollow(LogState<T> state, LogInput<T> input, Observed<IReadOnlyList<T>> output)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Count == 0 || output.Value is not { } read || input is not { IsRead: true }) return true;
        // Of a log the last element is enough to look at: the states before this one had the others.
        return state.Count <= read.Count && (isSet || EqualityComparer<T?>.Default.Equals(read[state.Count - 1], state.Backwards().First()));
    }

    /// <inheritdoc/>
    public override IEnumerable<Operation<LogInput<T>, IReadOnlyList<T>>> Relevant(History<LogInput<T>, IReadOnlyList<T>> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var seen = part.Operations.Where(o => o.Input.IsRead).SelectMany(o => o.Output.Value ?? []).ToHashSet();
        return part.Operations.Where(o => !o.IsOpen || seen.Contains(o.Input.Element!));
    }

    /// <inheritdoc/>
    public override string Describe(LogInput<T> input, Observed<IReadOnlyList<T>> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!input.IsRead) return $"append {input.Element}";
        return output.Value is { } read ? $"read [{(read.Count > 10 ? $"{read.Count - 10} more, " : "")}{string.Join(", ", read.TakeLast(10))}]" : "read";
    }
}
