using System.Globalization;
using System.Text;

namespace Stateside.Testing.Histories;

/// <summary>Puts a finding into words.</summary>
internal static class Report
{
    /// <summary>How many possible states are named.</summary>
    public const int States = 5;

    private const int PrefixLines = 12;
    private const int UnplacedLines = 40;

    public static string Write<TState, TInput, TOutput>(
        HistoryModel<TState, TInput, TOutput> model, LinearizabilityVerdict verdict, string part, List<Operation<TInput, TOutput>> prefix, TState prefixState,
        List<Operation<TInput, TOutput>> unplaced, List<TState> states)
        where TInput : notnull
    {
        var text = new StringBuilder();
        text.Append(verdict == LinearizabilityVerdict.NotLinearizable ? "Not linearizable" : "Not decided within the limits");
        if (part.Length > 0) text.Append(CultureInfo.InvariantCulture, $", part \"{part}\"");
        text.AppendLine(verdict == LinearizabilityVerdict.NotLinearizable
            ? $": no order of the operations explains the one that returned at {unplaced[0].Return}."
            : $"; the search came to the operation that returned at {unplaced[0].Return}.");
        text.AppendLine(CultureInfo.InvariantCulture, $"  {Line(model, unplaced[0])}");
        text.AppendLine(states.Count == 1 ? "It finds this state only:" : "It finds one of these states:");
        foreach (var state in states.Take(States)) text.AppendLine(CultureInfo.InvariantCulture, $"  {model.Describe(state)}");
        if (states.Count > States) text.AppendLine("  and others");
        text.AppendLine(CultureInfo.InvariantCulture, $"The longest explanation has {prefix.Count} operations{(prefix.Count > PrefixLines ? $", the last {PrefixLines} of them" : "")}:");
        foreach (var operation in prefix.TakeLast(PrefixLines)) text.AppendLine(CultureInfo.InvariantCulture, $"  {Line(model, operation)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"which leaves {model.Describe(prefixState)}.");
        if (unplaced.Count == 1) return text.ToString();
        text.AppendLine("Also running then, and not placed:");
        foreach (var operation in unplaced.Skip(1).Take(UnplacedLines)) text.AppendLine(CultureInfo.InvariantCulture, $"  {Line(model, operation)}");
        if (unplaced.Count - 1 > UnplacedLines) text.AppendLine(CultureInfo.InvariantCulture, $"  and {unplaced.Count - 1 - UnplacedLines} more");
        return text.ToString();
    }

    public static string Line<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, Operation<TInput, TOutput> operation)
        where TInput : notnull =>
        string.Create(CultureInfo.InvariantCulture, $"{operation.Call} to {(operation.Return is { } at ? $"{at}" : "unknown")}, client {operation.Client}: {model.Describe(operation.Input, operation.Output)}");
}
