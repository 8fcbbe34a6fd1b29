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

/// <summary>One row of the result. Ratios are paired: each to the bare run of the same repetition, connections and size.</summary>
internal sealed record ReportedRow(
    string Name, int Connections, double Kilobytes, Figure RequestsPerSecond, Figure Ratio, double? Aim, double P50Microseconds, double P99Microseconds, double Cores,
    Figure CpuMicrosecondsPerRequest, double StoreCpuMicrosecondsPerRequest, double? TripsPerRequest, double RequestBytes, double ResponseBytes, long Errors)
{
    public static ReportedRow Of(BenchCase each, IReadOnlyList<BenchSample> samples, IReadOnlyList<BenchSample> bare) => new(
        each.Row.Name, each.Connections, each.Kilobytes,
        Figure.Of(samples.Select(s => s.RequestsPerSecond)),
        Figure.Of(samples.Zip(bare, (s, b) => s.RequestsPerSecond / b.RequestsPerSecond)),
        each.Aim,
        Figure.Of(samples.Select(s => s.P50)).Median,
        Figure.Of(samples.Select(s => s.P99)).Median,
        Figure.Of(samples.Select(s => s.Cores)).Median,
        Figure.Of(samples.Select(s => s.CpuPerRequest)),
        Figure.Of(samples.Select(s => s.StoreCpuPerRequest)).Median,
        samples.Any(s => s.TripsPerRequest is not null) ? Figure.Of(samples.Select(s => s.TripsPerRequest ?? 0)).Median : null,
        Figure.Of(samples.Select(s => s.RequestBytes)).Median,
        Figure.Of(samples.Select(s => s.ResponseBytes)).Median,
        samples.Sum(s => s.Errors));
}

/// <summary>The result of a bench: the contract of <c>bench --json</c> (docs/benchmarks.md), and what the table shows.</summary>
internal sealed record BenchReport(
    Machine Machine, BenchOptions Options, double BareSpread, Figure BusyBefore, IReadOnlyList<ReportedRow> Rows, IReadOnlyList<LeftOut> LeftOut)
{
    public static BenchReport Of(
        Machine machine, BenchOptions options, IReadOnlyDictionary<BenchCase, List<BenchSample>> samples, IEnumerable<double> busy, IReadOnlyList<LeftOut> leftOut) => new(
        machine, options,
        samples.Where(s => s.Key.Row == BenchRow.Bare).Max(s => Figure.Of(s.Value.Select(each => each.RequestsPerSecond)).Spread),
        Figure.Of(busy), [.. samples.Select(s => ReportedRow.Of(s.Key, s.Value, samples[s.Key.OfBare]))], leftOut);

    /// <summary>Whether all that could be expected here was measured and every request was answered with a success. Speed is never judged: it belongs to the machine.</summary>
    [JsonIgnore]
    public bool Holds => Rows.All(row => row.Errors == 0) && !LeftOut.Any(l => l.IsFault);

    /// <summary>The rows of one number of connections and one size, for what has room for no more: 32 and 1 KB if they were measured.</summary>
    [JsonIgnore]
    public IEnumerable<ReportedRow> MainRows
    {
        get
        {
            var connections = Options.Connections.Contains(32) ? 32 : Options.Connections[0];
            var kilobytes = Options.Kilobytes.Contains(1) ? 1 : Options.Kilobytes[0];
            return Rows.Where(row => row.Connections == connections && row.Kilobytes == kilobytes);
        }
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, BenchReportJson.Default.BenchReport));

    public void Write(Surroundings surroundings)
    {
        var output = surroundings.Out;
        Machine.Write(output);
        output.WriteLine($"{Machine.LoadGenerator} on the same machine; {Options.Repetitions} x {Options.Seconds} s, one server at a time");
        output.WriteLine($"noise: the bare runs lie {BareSpread:P0} apart; others kept {BusyBefore.Median:P0} of the processors busy (most: {BusyBefore.Max:P0})");
        Tables.Write(surroundings, ["what", ">KB", ">conns", ">req/s (min-max)", ">ratio to bare (min-max)", ">aim", ">p50 us", ">p99 us", ">cores", ">cpu us/req", ">store's", ">trips", ">bytes out", ">in", ">errors"],
            Rows.Select(row => (string[])
            [
                row.Name, $"{row.Kilobytes}", $"{row.Connections}",
                $"{row.RequestsPerSecond.Median:N0} ({row.RequestsPerSecond.Min:N0}-{row.RequestsPerSecond.Max:N0})",
                $"{row.Ratio.Median:N2} ({row.Ratio.Min:N2}-{row.Ratio.Max:N2})",
                row.Aim is { } aim ? $"{aim:N2}" : "",
                $"{row.P50Microseconds:N0}", $"{row.P99Microseconds:N0}", $"{row.Cores:N2}", $"{row.CpuMicrosecondsPerRequest.Median:N1}",
                row.StoreCpuMicrosecondsPerRequest > 0 ? $"{row.StoreCpuMicrosecondsPerRequest:N1}" : "", row.TripsPerRequest is { } trips ? $"{trips:N2}" : "",
                $"{row.RequestBytes:N0}", $"{row.ResponseBytes:N0}", $"{row.Errors:N0}",
            ]));
        foreach (var (server, reason, _) in LeftOut.Distinct()) output.WriteLine($"not measured: {server}: {reason}");
        output.WriteLine("Compare ratios, not figures, and only those of one run: see docs/benchmarks.md.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(HotReport))]
[JsonSerializable(typeof(ForwardReport))]
[JsonSerializable(typeof(MemoryReport))]
internal sealed partial class BenchReportJson : JsonSerializerContext;
