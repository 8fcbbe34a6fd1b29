using System.Globalization;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>Writes down what was found: numbered, the gravest first, secrets masked, values shortened.</summary>
internal static class FindingWriter
{
    private const int MostValue = 400;
    private static readonly Dictionary<string, int> s_order = Rules.All.Select((rule, i) => (rule.Code, i)).ToDictionary();

    public static IReadOnlyList<Finding> Write(IEnumerable<(Study Study, Suspicion Found)> all)
    {
        var numbers = new Dictionary<string, int>();
        return [.. all.DistinctBy(f => (f.Study, f.Found.Rule, f.Found.Question, f.Found.Title))
            // Experiments go side by side, so the order in which they found something is not always the same.
            .OrderByDescending(f => f.Found.Severity).ThenBy(f => s_order.GetValueOrDefault(f.Found.Rule)).ThenBy(f => f.Found.Step ?? f.Found.Difference?.Slot.Step).ThenBy(f => f.Found.Title, StringComparer.Ordinal)
            .Select(f =>
        {
            var (study, found) = f;
            numbers[found.Rule] = numbers.GetValueOrDefault(found.Rule) + 1;
            var place = found.Difference?.Place;
            var secrets = study.Scenario.Secrets.Concat(new[] { found.Expected, found.Actual }.OfType<Exchange>().SelectMany(Masks.SecretsOf)).Distinct().ToList();
            return new Finding(
                string.Create(CultureInfo.InvariantCulture, $"{found.Rule}-{numbers[found.Rule]}"), found.Rule, found.Severity, found.Question, found.Experiment, Masks.Known(found.Title, secrets), Masks.Known(found.Detail + Redirected(found), secrets),
                study.Scenario.Name, found.Step ?? found.Difference?.Slot.Step, found.MadeBy, place, Value(place, found.Difference?.Expected, secrets), Value(place, found.Difference?.Actual, secrets),
                found.Expected is null ? null : Masks.Of(found.Expected, secrets), found.Actual is null ? null : Masks.Of(found.Actual, secrets), found.Reproduction);
        })];
    }

    /// <summary>Where the step's request only led to what is compared, which two they are.</summary>
    private static string Redirected(Suspicion found) =>
        (found.Actual is { Hops.Count: > 0 } ? found.Actual : found.Expected) is { Hops: { Count: > 0 } hops } exchange && found.Difference is { Place: not ("status" or "trouble") }
            ? string.Create(CultureInfo.InvariantCulture, $" What is shown came after {Masks.Redirects(exchange, [])}.") : "";

    private static string? Value(string? place, string? value, IReadOnlyList<string> secrets)
    {
        if (place is null || value is null) return null;
        var masked = Masks.Fact(place, value, secrets);
        return masked.Length > MostValue ? masked[..MostValue] + "…" : masked;
    }
}
