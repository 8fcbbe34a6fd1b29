using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Bench;

/// <summary>One store under a hot key.</summary>
internal sealed record HotRow(
    string Name, int Connections, Figure TurnsPerSecond, double P50Microseconds, double P99Microseconds, double TripsPerTurn, long Conflicts, long Reruns, long Lost, long Errors)
{
    public static HotRow Of(string name, int connections, IReadOnlyList<HotSample> samples) => new(
        name, connections, Figure.Of(samples.Select(s => s.TurnsPerSecond)), Figure.Of(samples.Select(s => s.P50)).Median, Figure.Of(samples.Select(s => s.P99)).Median,
        Figure.Of(samples.Select(s => s.TripsPerTurn)).Median, samples.Sum(s => s.Conflicts), samples.Sum(s => s.Reruns), samples.Sum(s => s.Lost), samples.Sum(s => s.Errors));
}

/// <summary>The result of <c>bench --hot</c>: the contract of its JSON (docs/benchmarks.md), and what the table shows.</summary>
internal sealed record HotReport(Machine Machine, BenchOptions Options, IReadOnlyList<HotRow> Rows)
{
    public static HotReport Of(Machine machine, BenchOptions options, IReadOnlyDictionary<(BenchServer Server, int Connections), List<HotSample>> samples) =>
        new(machine, options, [.. samples.Select(s => HotRow.Of(s.Key.Server.Name, s.Key.Connections, s.Value))]);

    /// <summary>Whether every request was answered with a success or a conflict, and every success is in the counter.</summary>
    [JsonIgnore]
    public bool Holds => Rows.All(row => row is { Lost: 0, Errors: 0 });

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, BenchReportJson.Default.HotReport));

    public void Write(Surroundings surroundings)
    {
        Machine.Write(surroundings.Out);
        surroundings.Out.WriteLine($"{Machine.LoadGenerator} on the same machine; {Options.Repetitions} x {Options.Seconds} s, all clients on one counter, one server at a time");
        Tables.Write(surroundings, ["store", ">clients", ">turns/s (min-max)", ">p50 us", ">p99 us", ">trips/turn", ">409s", ">re-runs", ">lost", ">errors"],
            Rows.Select(row => (string[])
            [
                row.Name, $"{row.Connections}",
                $"{row.TurnsPerSecond.Median:N0} ({row.TurnsPerSecond.Min:N0}-{row.TurnsPerSecond.Max:N0})",
                $"{row.P50Microseconds:N0}", $"{row.P99Microseconds:N0}", $"{row.TripsPerTurn:N2}", $"{row.Conflicts:N0}", $"{row.Reruns:N0}", $"{row.Lost:N0}", $"{row.Errors:N0}",
            ]));
    }
}
