using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Torture;

/// <summary>What was done to the cluster of one kind.</summary>
/// <param name="Count">How often.</param>
/// <param name="LongestGapMs">The longest time in which no request for one of the busy counters succeeded, and which overlapped such a fault.</param>
internal sealed record ReportedFault(int Count, double LongestGapMs);

/// <summary>How the operations of one kind ended.</summary>
internal sealed record ReportedOperations(long Acknowledged, long Refused, long Unknown);

/// <summary>The result of a run: the contract of <c>torture --json</c> (docs/tool.md), and what is shown.</summary>
internal sealed record TortureReport(
    bool Holds, string Store, int Nodes, int Clients, int Seed, double Seconds, long Operations, double OperationsPerSecond, double SuccessShare, long Requests, double RequestSuccessShare,
    SortedDictionary<string, ReportedOperations> Kinds, SortedDictionary<string, ReportedFault> Faults, SortedDictionary<string, long> Errors, int KeysChecked,
    long Lost, long Duplicated, long RefusedButApplied, long NonLinearizable, long Undecided, long Wrong, long Died, long NotServing, double ServedAfterMs,
    IReadOnlyList<string> LeftOut, IReadOnlyList<string> Findings, string Again)
{
    public const string WrongKind = "wrong";
    public const string DiedKind = "died";
    public const string NotServingKind = "not-serving";

    private const double LeastSuccess = 0.8;
    private const int MostFindings = 20;

    /// <summary>Where everything that was recorded is kept; null if it holds, since then nobody wants it.</summary>
    public string? History { get; init; }

    public static TortureReport Of(TortureOptions options, Record record, IReadOnlyList<Gap> gaps, TortureClient http, TimeSpan took, TimeSpan servedAfter, IReadOnlyList<string> leftOut)
    {
        // The reads after the end are not part of the load.
        var entries = record.Entries.Where(e => e.Client >= 0).ToArray();
        var success = (double)entries.Count(e => e.Outcome == Outcome.Acknowledged) / Math.Max(1, entries.Length);
        long Count(string kind) => record.Findings.Where(f => f.Kind == kind).Sum(f => f.Count);
        return new TortureReport(
            record.Findings.Count == 0 && success >= LeastSuccess, StoreUrl.Shown(options.Store), options.Nodes, options.Clients, options.Seed, Math.Round(took.TotalSeconds, 1),
            entries.Length, Math.Round(entries.Length / took.TotalSeconds), Math.Round(success, 4), http.Requests, Math.Round((double)http.Succeeded / Math.Max(1, http.Requests), 4),
            Sorted(entries.GroupBy(e => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{e.Ask}")), kind => new ReportedOperations(Has(kind, Outcome.Acknowledged), Has(kind, Outcome.Refused), Has(kind, Outcome.Unknown))),
            Sorted(record.Faults.GroupBy(f => f.Kind), kind => new ReportedFault(kind.Count(), Longest(kind, gaps))),
            new(http.Errors), entries.Select(e => e.Key).Distinct().Count(),
            Count(Reconciler.Lost), Count(Reconciler.Duplicated), Count(Reconciler.RefusedButApplied), Count(Reconciler.NonLinearizable), Count(Reconciler.Undecided),
            Count(WrongKind), Count(DiedKind), Count(NotServingKind), Math.Round(servedAfter.TotalMilliseconds),
            leftOut, [.. record.Findings.Take(MostFindings).Select(f => $"{f.Kind}: {f.What}")], Command(options));
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, TortureReportJson.Default.TortureReport));

    /// <summary>Writes it for a person.</summary>
    public void Write(Surroundings surroundings)
    {
        var output = surroundings.Out;
        foreach (var left in LeftOut) output.WriteLine($"LEFT OUT: {left}");
        output.WriteLine(Text($"{Store}, {Nodes} nodes and a gateway, {Clients} clients, seed {Seed}: {Operations:N0} operations in {Seconds:N1} s ({OperationsPerSecond:N0}/s), {SuccessShare:P1} succeeded; {Requests:N0} requests, {RequestSuccessShare:P1} succeeded"));
        Tables.Write(surroundings, ["operation", ">acknowledged", ">refused", ">unknown"], Kinds.Select(k => (string[])[k.Key, Number(k.Value.Acknowledged), Number(k.Value.Refused), Number(k.Value.Unknown)]));
        output.WriteLine();
        Tables.Write(surroundings, ["fault", ">times", ">longest gap on a counter"], Faults.Select(f => (string[])[f.Key, Number(f.Value.Count), Text($"{f.Value.LongestGapMs:N0} ms")]));
        output.WriteLine();
        if (Errors.Count > 0) Tables.Write(surroundings, ["request that did not succeed", ">times"], Errors.OrderByDescending(e => e.Value).Select(e => (string[])[e.Key, Number(e.Value)]));
        output.WriteLine();
        output.WriteLine(Text($"after the end of all faults every node served again in {ServedAfterMs:N0} ms; {KeysChecked:N0} counters and sessions read back and checked"));
        output.WriteLine(Text($"lost {Lost}, duplicated {Duplicated}, refused but applied {RefusedButApplied}, non-linearizable {NonLinearizable}, undecided {Undecided}, wrong answers {Wrong}, died by itself {Died}, not serving {NotServing}"));
        foreach (var finding in Findings) output.WriteLine($"broken: {finding}");
        if (History is not null) output.WriteLine($"everything that was recorded, and the logs: {History}");
        output.WriteLine($"once more: {Again}");
        if (Holds) output.WriteLine("holds: no promise was broken");
        else output.WriteLine(SuccessShare < LeastSuccess && Findings.Count == 0 ? Text($"DOES NOT HOLD: fewer than {LeastSuccess:P0} of the operations succeeded") : "DOES NOT HOLD");
    }

    private static string Command(TortureOptions options) => Text(
        $"./stateside torture --store {StoreUrl.Shown(options.Store)} --seconds {options.Length.TotalSeconds:0} --nodes {options.Nodes} --clients {options.Clients} --nemeses {string.Join(',', options.Nemeses)} --seed {options.Seed}");

    private static double Longest(IEnumerable<Fault> faults, IReadOnlyList<Gap> gaps) =>
        gaps.Where(gap => faults.Any(fault => fault.From < gap.Until && gap.From < fault.Until)).Select(gap => Math.Round(TimeSpan.FromTicks(gap.Until - gap.From).TotalMilliseconds)).DefaultIfEmpty().Max();

    private static long Has(IEnumerable<Entry> entries, Outcome outcome) => entries.LongCount(e => e.Outcome == outcome);

    private static SortedDictionary<string, TValue> Sorted<TElement, TValue>(IEnumerable<IGrouping<string, TElement>> groups, Func<IGrouping<string, TElement>, TValue> value) =>
        new(groups.ToDictionary(group => group.Key, value), StringComparer.Ordinal);

    private static string Number(long number) => Text($"{number:N0}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(TortureReport))]
internal sealed partial class TortureReportJson : JsonSerializerContext;
