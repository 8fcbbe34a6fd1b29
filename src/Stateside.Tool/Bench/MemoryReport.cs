using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Bench;

/// <summary>What a resident state takes under one durability, in bytes a key.</summary>
internal sealed record MemoryRow(string Name, double JsonBytes, Figure UsedOverheadBytes, Figure IdleOverheadBytes, double Aim, Figure ProcessBytes)
{
    /// <summary>The most that a key may take beyond its state's own JSON.</summary>
    private const double AimBytes = 400;

    public static MemoryRow Of(string name, IReadOnlyList<MemorySample> samples) => new(
        name, Figure.Of(samples.Select(s => s.Json)).Median, Figure.Of(samples.Select(s => s.Used)), Figure.Of(samples.Select(s => s.Idle)), AimBytes, Figure.Of(samples.Select(s => s.Resident)));
}

/// <summary>The result of <c>bench --memory</c>: the contract of its JSON (docs/benchmarks.md), and what the table shows.</summary>
internal sealed record MemoryReport(Machine Machine, int Keys, int Repetitions, IReadOnlyList<MemoryRow> Rows)
{
    public static MemoryReport Of(Machine machine, int keys, int repetitions, IReadOnlyDictionary<BenchServer, List<MemorySample>> samples) =>
        new(machine, keys, repetitions, [.. samples.Select(s => MemoryRow.Of(s.Key.Name, s.Value))]);

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, BenchReportJson.Default.MemoryReport));

    public void Write(Surroundings surroundings)
    {
        Machine.Write(surroundings.Out);
        surroundings.Out.WriteLine($"{Keys:N0} counters on one node, measured {Repetitions} times; bytes a key");
        Tables.Write(surroundings, ["server", ">JSON", ">beyond it, just used (min-max)", ">idle (min-max)", ">aim", ">process, with the JSON (min-max)"],
            Rows.Select(row => (string[])[row.Name, $"{row.JsonBytes:N0}", Text(row.UsedOverheadBytes), Text(row.IdleOverheadBytes), $"{row.Aim:N0}", Text(row.ProcessBytes)]));
    }

    private static string Text(Figure figure) => $"{figure.Median:N0} ({figure.Min:N0}-{figure.Max:N0})";
}
