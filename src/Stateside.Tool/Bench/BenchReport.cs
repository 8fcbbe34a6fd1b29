using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Bench;

/// <summary>A figure that was measured several times.</summary>
internal sealed record Figure(double Median, double Min, double Max)
{
    public static Figure Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return new(sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2, sorted[0], sorted[^1]);
    }

    /// <summary>How far the values lie apart, as a part of their median.</summary>
    [JsonIgnore]
    public double Spread => Median == 0 ? 0 : (Max - Min) / Median;
}

/// <summary>One row of the result. Ratios are paired: each to the bare run of the same repetition.</summary>
internal sealed record ReportedRow(
    string Name, Figure RequestsPerSecond, Figure Ratio, double? Aim, double P50Microseconds, double P99Microseconds, double Cores,
    Figure CpuMicrosecondsPerRequest, double StoreCpuMicrosecondsPerRequest, long Errors);

/// <summary>The result of a bench: the contract of <c>bench --json</c> (docs/benchmarks.md), and what the table shows.</summary>
internal sealed record BenchReport(Machine Machine, BenchOptions Options, double BareSpread, Figure BusyBefore, IReadOnlyList<ReportedRow> Rows)
{
    public static BenchReport Of(Machine machine, BenchOptions options, IReadOnlyDictionary<BenchRow, List<BenchSample>> samples, IEnumerable<double> busy)
    {
        var bare = samples[BenchRow.Bare];
        var rows = samples.Select(row => new ReportedRow(
            row.Key.Name,
            Figure.Of(row.Value.Select(s => s.RequestsPerSecond)),
            Figure.Of(row.Value.Zip(bare, (s, b) => s.RequestsPerSecond / b.RequestsPerSecond)),
            row.Key.Aim,
            Figure.Of(row.Value.Select(s => s.P50)).Median,
            Figure.Of(row.Value.Select(s => s.P99)).Median,
            Figure.Of(row.Value.Select(s => s.Cores)).Median,
            Figure.Of(row.Value.Select(s => s.CpuPerRequest)),
            Figure.Of(row.Value.Select(s => s.StoreCpuPerRequest)).Median,
            row.Value.Sum(s => s.Errors)));
        return new(machine, options, Figure.Of(bare.Select(s => s.RequestsPerSecond)).Spread, Figure.Of(busy), [.. rows]);
    }

    /// <summary>Whether every request was answered with a success. Speed is never judged here: it belongs to the machine.</summary>
    [JsonIgnore]
    public bool Holds => Rows.All(row => row.Errors == 0);

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, BenchReportJson.Default.BenchReport));

    public void Write(Surroundings surroundings)
    {
        var output = surroundings.Out;
        output.WriteLine($"{Machine.Processor}, {Machine.Processors} processors, {Machine.MemoryGigabytes:N1} GB, {Machine.System}, kernel {Machine.Kernel}");
        output.WriteLine($"{Machine.Runtime}, {Machine.LoadGenerator} on the same machine; {Options.Repetitions} x {Options.Seconds} s, {Options.Connections} connections, one server at a time");
        output.WriteLine($"noise: the bare runs lie {BareSpread:P0} apart; others kept {BusyBefore.Median:P0} of the processors busy (most: {BusyBefore.Max:P0})");
        Tables.Write(surroundings, ["what", ">req/s (min-max)", ">ratio to bare (min-max)", ">aim", ">p50 us", ">p99 us", ">cores", ">cpu us/req", ">store's", ">errors"],
            Rows.Select(row => (string[])
            [
                row.Name,
                $"{row.RequestsPerSecond.Median:N0} ({row.RequestsPerSecond.Min:N0}-{row.RequestsPerSecond.Max:N0})",
                $"{row.Ratio.Median:N2} ({row.Ratio.Min:N2}-{row.Ratio.Max:N2})",
                row.Aim is { } aim ? $"{aim:N2}" : "",
                $"{row.P50Microseconds:N0}", $"{row.P99Microseconds:N0}", $"{row.Cores:N2}", $"{row.CpuMicrosecondsPerRequest.Median:N1}", row.StoreCpuMicrosecondsPerRequest > 0 ? $"{row.StoreCpuMicrosecondsPerRequest:N1}" : "", $"{row.Errors:N0}",
            ]));
        output.WriteLine("Compare ratios, not figures, and only those of one run: see docs/benchmarks.md.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchReportJson : JsonSerializerContext;
