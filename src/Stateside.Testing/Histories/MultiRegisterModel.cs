using System.Collections.Immutable;

namespace Stateside.Testing.Histories;

/// <summary>One access of a transaction on several registers.</summary>
/// <typeparam name="T">The value.</typeparam>
/// <param name="Register">Which register.</param>
/// <param name="IsWrite">True to write.</param>
/// <param name="Value">The value to write.</param>
public sealed record RegisterAccess<T>(string Register, bool IsWrite, T? Value = default);

/// <summary>A transaction: accesses that happen in their order and with nothing between. The output has what each access read, and anything for those that write.</summary>
/// <typeparam name="T">The value.</typeparam>
/// <param name="Accesses">The accesses.</param>
public sealed record MultiRegisterInput<T>(ImmutableArray<RegisterAccess<T>> Accesses)
{
    /// <summary>Two are equal that do the same in the same order.</summary>
    /// <param name="other">The other.</param>
    public bool Equals(MultiRegisterInput<T>? other) => other is not null && Accesses.SequenceEqual(other.Accesses);

    /// <inheritdoc/>
    public override int GetHashCode() => Accesses.Aggregate(0, HashCode.Combine);
}

/// <summary>Registers that are read and written several at a time, in one step.</summary>
/// <typeparam name="T">The value; a nullable one for registers that can be empty.</typeparam>
/// <param name="initial">What the registers hold at first; one that is not named holds the default of its type.</param>
public sealed class MultiRegisterModel<T>(ImmutableSortedDictionary<string, T?> initial)
    : HistoryModel<ImmutableSortedDictionary<string, T?>, MultiRegisterInput<T>, IReadOnlyList<T?>>
{
    /// <inheritdoc/>
    public override ImmutableSortedDictionary<string, T?> Initial => initial;

    /// <inheritdoc/>
    public override IEqualityComparer<ImmutableSortedDictionary<string, T?>> States { get; } =
        EqualityComparer<ImmutableSortedDictionary<string, T?>>.Create((one, two) => one!.SequenceEqual(two!), state => state.Aggregate(0, (hash, r) => HashCode.Combine(hash, r.Key, r.Value)));

    /// <inheritdoc/>
    public override (bool Ok, ImmutableSortedDictionary<string, T?> Next) Step(
        ImmutableSortedDictionary<string, T?> state, MultiRegisterInput<T> input, Observed<IReadOnlyList<T?>> output)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(input);
        var next = state;
        for (var i = 0; i < input.Accesses.Length; i++)
        {
            var access = input.Accesses[i];
            if (access.IsWrite) next = next.SetItem(access.Register, access.Value);
            else if (output.Value is { } read && (i >= read.Count || !EqualityComparer<T?>.Default.Equals(read[i], next.GetValueOrDefault(access.Register)))) return (false, state);
        }
        return (true, next);
    }

    /// <inheritdoc/>
    public override bool IsReadOnly(MultiRegisterInput<T> input, Observed<IReadOnlyList<T?>> output) => input is not null && !input.Accesses.Any(a => a.IsWrite);

    /// <inheritdoc/>
    public override string Describe(MultiRegisterInput<T> input, Observed<IReadOnlyList<T?>> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        return string.Join(", ", input.Accesses.Select((a, i) => a.IsWrite ? $"write {a.Register} {Show(a.Value)}" : $"read {a.Register}" + (output.Value is { } read && i < read.Count ? $" {Show(read[i])}" : "")));
    }

    /// <inheritdoc/>
    public override string Describe(ImmutableSortedDictionary<string, T?> state) => string.Join(", ", (state ?? initial).Select(r => $"{r.Key}={Show(r.Value)}"));

    private static string Show(T? value) => $"{(object?)value ?? "nothing"}";
}
