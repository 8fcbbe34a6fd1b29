using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Simulator;

namespace Stateside.Tool.Simulate;

/// <summary>A seed that does not hold.</summary>
/// <param name="Seed">Its number.</param>
/// <param name="Violations">The promises that it broke.</param>
/// <param name="Replay">The command that runs it once more.</param>
/// <param name="Trace">The file with everything that happened; null where none is written.</param>
internal sealed record ReportedSeed(ulong Seed, IReadOnlyList<string> Violations, string Replay, string? Trace);

/// <summary>The result of a sweep: the contract of <c>simulate --json</c> (docs/tool.md), and what is shown.</summary>
internal sealed record SimulateReport(
    bool Holds, ulong From, long Seeds, double Seconds, double SeedsPerSecond, long Operations, long Acknowledged, long Steps, string Hash, ReportedSeed? Failure)
{
    private const int MostShown = 10;
    private const int Tail = 40;

    public static SimulateReport Of(ulong from, Sweep sweep, TimeSpan took, ReportedSeed? failure) => new(
        failure is null, from, sweep.Seeds, Math.Round(took.TotalSeconds, 1), Math.Round(sweep.Seeds / took.TotalSeconds, 1),
        sweep.Operations, sweep.Acknowledged, sweep.Steps, sweep.Hash.ToString("x16", CultureInfo.InvariantCulture), failure);

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, SimulateJson.Default.SimulateReport));

    /// <summary>Writes it for a person.</summary>
    /// <param name="surroundings">Where to.</param>
    /// <param name="trace">The trace of the seed that does not hold.</param>
    public void Write(Surroundings surroundings, IReadOnlyList<string> trace)
    {
        var output = surroundings.Out;
        output.WriteLine($"{Seeds:N0} seeds from {From} in {Seconds:N1} s ({SeedsPerSecond:N0}/s): {Operations:N0} operations, {Acknowledged:N0} acknowledged, {Steps:N0} steps, hash {Hash}");
        if (Failure is null)
        {
            output.WriteLine("holds: no promise was broken");
            return;
        }
        foreach (var line in trace.TakeLast(Tail)) output.WriteLine(line);
        output.WriteLine();
        foreach (var violation in Failure.Violations.Take(MostShown)) output.WriteLine($"broken: {violation}");
        if (Failure.Violations.Count > MostShown) output.WriteLine($"and {Failure.Violations.Count - MostShown:N0} more of these");
        output.WriteLine($"the whole trace: {Failure.Trace}");
        output.WriteLine($"once more: {Failure.Replay}");
        output.WriteLine($"DOES NOT HOLD: seed {Failure.Seed}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(SimulateReport))]
[JsonSerializable(typeof(WatchReport))]
internal sealed partial class SimulateJson : JsonSerializerContext;
