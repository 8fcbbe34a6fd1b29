namespace Stateside.Testing.Histories;

/// <summary>A request to add to one of any number of counters. The output is the sum after it.</summary>
/// <param name="Key">Which counter.</param>
/// <param name="Amount">How much; 0 only reads, and less than 0 takes away.</param>
public sealed record CounterInput(string Key, long Amount);

/// <summary>Counters that answer the sum. No two that add are answered the same, so a lost or a double one shows at once.</summary>
/// <param name="initial">What each counter holds at first.</param>
public sealed class CounterModel(long initial = 0) : HistoryModel<long, CounterInput, long>
{
    private bool _onlyGrows;

    /// <inheritdoc/>
    public override long Initial => initial;

    /// <inheritdoc/>
    public override (bool Ok, long Next) Step(long state, CounterInput input, Observed<long> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        var sum = unchecked(state + input.Amount);
        return (output.Allows(sum), sum);
    }

    /// <inheritdoc/>
    public override string PartitionOf(CounterInput input) => input?.Key ?? "";

    /// <inheritdoc/>
    public override bool IsReadOnly(CounterInput input, Observed<long> output) => input?.Amount == 0;

    /// <inheritdoc/>
    public override bool CanFollow(long state, CounterInput input, Observed<long> output) => !_onlyGrows || !output.IsKnown || output.Value - state >= input?.Amount;

    /// <inheritdoc/>
    public override HistoryModel<long, CounterInput, long> For(History<CounterInput, long> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        // Amounts and sums that overflow would turn growth around.
        const long far = long.MaxValue / 4;
        var grows = part.Operations.All(o => o.Input.Amount is >= 0 and < int.MaxValue && o.Output.Value is > -far and < far);
        return new CounterModel(Initial) { _onlyGrows = grows && Initial is > -far and < far };
    }

    /// <inheritdoc/>
    public override string Describe(CounterInput input, Observed<long> output)
    {
        ArgumentNullException.ThrowIfNull(input);
        return (input.Amount == 0 ? "read" : $"add {input.Amount}") + (output.IsKnown ? $" -> {output.Value}" : "");
    }
}
