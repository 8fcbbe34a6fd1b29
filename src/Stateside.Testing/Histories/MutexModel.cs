namespace Stateside.Testing.Histories;

/// <summary>A request to take or to give back one of any number of mutexes. The output is true if that was done, and false if it was refused.</summary>
/// <param name="Key">Which mutex.</param>
/// <param name="Acquire">True to take it, false to give it back.</param>
public sealed record MutexInput(string Key, bool Acquire);

/// <summary>Mutexes, free at first: one that is held is not taken, and one that is free is not given back. Who holds it does not matter.</summary>
public sealed class MutexModel : HistoryModel<bool, MutexInput, bool>
{
    /// <inheritdoc/>
    public override bool Initial => false;

    /// <inheritdoc/>
    public override (bool Ok, bool Next) Step(bool state, MutexInput input, Observed<bool> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        return (output.Allows(state != input.Acquire), input.Acquire);
    }

    /// <inheritdoc/>
    public override string PartitionOf(MutexInput input) => input?.Key ?? "";

    /// <inheritdoc/>
    public override bool IsReadOnly(MutexInput input, Observed<bool> output) => output is { IsKnown: true, Value: false };

    /// <inheritdoc/>
    public override string Describe(MutexInput input, Observed<bool> output) =>
        (input is { Acquire: true } ? "acquire" : "release") + (output is { IsKnown: true, Value: false } ? ", refused" : "");

    /// <inheritdoc/>
    public override string Describe(bool state) => state ? "held" : "free";
}
