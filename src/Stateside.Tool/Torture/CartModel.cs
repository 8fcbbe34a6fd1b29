using System.Globalization;
using Stateside.Testing.Histories;

namespace Stateside.Tool.Torture;

/// <summary>What was asked of a cart.</summary>
/// <param name="Key">Which.</param>
/// <param name="Ask"><see cref="Torture.Ask.AddLine"/>, <see cref="Torture.Ask.ReadCart"/> or <see cref="Torture.Ask.OrderCart"/>.</param>
/// <param name="Line">The line that is added.</param>
internal sealed record CartInput(string Key, Ask Ask, int Line = 0);

/// <summary>A cart: lines are added at its end, and an order takes all of them. Each request is answered with the lines that there are then, or that were ordered.</summary>
internal sealed class CartModel : HistoryModel<int[], CartInput, int[]>
{
    public override int[] Initial { get; } = [];

    public override IEqualityComparer<int[]> States { get; } =
        EqualityComparer<int[]>.Create((one, two) => one.AsSpan().SequenceEqual(two), lines => lines.Length == 0 ? 0 : HashCode.Combine(lines.Length, lines[0], lines[^1]));

    public override (bool Ok, int[] Next) Step(int[] state, CartInput input, Observed<int[]> output)
    {
        var next = input.Ask switch { Ask.AddLine => [.. state, input.Line], Ask.OrderCart => [], _ => state };
        var answer = input.Ask == Ask.OrderCart ? state : next;
        return (!output.IsKnown || output.Value.AsSpan().SequenceEqual(answer), next);
    }

    public override string PartitionOf(CartInput input) => input.Key;

    public override bool IsReadOnly(CartInput input, Observed<int[]> output) => input.Ask == Ask.ReadCart || input.Ask == Ask.OrderCart && output is { IsKnown: true, Value.Length: 0 };

    /// <summary>A line that was maybe added and that nobody ever saw need not have been.</summary>
    public override IEnumerable<Operation<CartInput, int[]>> Relevant(History<CartInput, int[]> part)
    {
        var seen = part.Operations.SelectMany(o => o.Output.Value ?? []).ToHashSet();
        return part.Operations.Where(o => !o.IsOpen || o.Input.Ask == Ask.OrderCart || seen.Contains(o.Input.Line));
    }

    public override string Describe(CartInput input, Observed<int[]> output) =>
        (input.Ask == Ask.AddLine ? string.Create(CultureInfo.InvariantCulture, $"add line {input.Line}") : input.Ask == Ask.ReadCart ? "read" : "order") + (output.IsKnown ? $" -> {Describe(output.Value!)}" : "");

    public override string Describe(int[] state) => $"[{string.Join(' ', state)}]";
}
