using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Bench;

/// <summary>One kind of request through one front. The ratio is paired: to HAProxy in the same repetition; null where that was not measured, or nothing stands in front.</summary>
internal sealed record ForwardRow(
    string Name, string Method, int Connections, Figure RequestsPerSecond, Figure? CpuMicrosecondsPerRequest, Figure? CpuToHaproxy, double? Aim,
    double P50Microseconds, double P99Microseconds, Figure NodeCpuMicrosecondsPerRequest, long Errors)
{
    /// <summary>The most that a forward may cost, as a multiple of HAProxy's processor time.</summary>
    private const double AimToHaproxy = 1.5;

    public static ForwardRow Of(ForwardCase each, IReadOnlyList<ForwardSample> samples, IReadOnlyList<ForwardSample>? haproxy)
    {
        var isFront = each.Front != Front.Direct;
        return new(
            each.Front.Name, each.Method, each.Connections,
            Figure.Of(samples.Select(s => s.RequestsPerSecond)),
            isFront ? Figure.Of(samples.Select(s => s.FrontCpu)) : null,
            isFront && haproxy is not null ? Figure.Of(samples.Zip(haproxy, (s, h) => h.FrontCpu == 0 ? 0 : s.FrontCpu / h.FrontCpu)) : null,
            each.Front == Front.Gateway ? AimToHaproxy : null,
            Figure.Of(samples.Select(s => s.P50)).Median,
            Figure.Of(samples.Select(s => s.P99)).Median,
            Figure.Of(samples.Select(s => s.NodeCpu)),
            samples.Sum(s => s.Errors));
    }
}

/// <summary>The result of <c>bench --forward</c>: the contract of its JSON (docs/benchmarks.md), and what the table shows.</summary>
internal sealed record ForwardReport(Machine Machine, BenchOptions Options, IReadOnlyList<ForwardRow> Rows)
{
    public static ForwardReport Of(Machine machine, BenchOptions options, IReadOnlyDictionary<ForwardCase, List<ForwardSample>> samples) =>
        new(machine, options, [.. samples.Select(s => ForwardRow.Of(s.Key, s.Value, samples.GetValueOrDefault(s.Key.OfHaproxy)))]);

    /// <summary>Whether every request was answered with a success. What it costs is never judged: it belongs to the machine.</summary>
    [JsonIgnore]
    public bool Holds => Rows.All(row => row.Errors == 0);

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, BenchReportJson.Default.ForwardReport));

    public void Write(Surroundings surroundings)
    {
        Machine.Write(surroundings.Out);
        surroundings.Out.WriteLine($"{Machine.LoadGenerator} on the same machine; {Options.Repetitions} x {Options.Seconds} s, one node, and one front after the other before it");
        Tables.Write(surroundings, ["front", "method", ">conns", ">req/s (min-max)", ">cpu us/req (min-max)", ">to haproxy's (min-max)", ">aim", ">p50 us", ">p99 us", ">node's cpu us/req", ">errors"],
            Rows.Select(row => (string[])
            [
                row.Name, row.Method, $"{row.Connections}",
                $"{row.RequestsPerSecond.Median:N0} ({row.RequestsPerSecond.Min:N0}-{row.RequestsPerSecond.Max:N0})",
                row.CpuMicrosecondsPerRequest is { } cpu ? $"{cpu.Median:N1} ({cpu.Min:N1}-{cpu.Max:N1})" : "",
                row.CpuToHaproxy is { } ratio ? $"{ratio.Median:N2} ({ratio.Min:N2}-{ratio.Max:N2})" : "",
                row.Aim is { } aim ? $"{aim:N2}" : "",
                $"{row.P50Microseconds:N0}", $"{row.P99Microseconds:N0}", $"{row.NodeCpuMicrosecondsPerRequest.Median:N1}", $"{row.Errors:N0}",
            ]));
        surroundings.Out.WriteLine("Compare ratios, not figures, and only those of one run: see docs/benchmarks.md.");
    }
}
