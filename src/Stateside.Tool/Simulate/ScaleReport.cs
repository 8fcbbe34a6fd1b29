using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Simulator;

namespace Stateside.Tool.Simulate;

/// <summary>What <c>simulate --scale</c> measures and shows: the table of docs/clusters.md.</summary>
internal static class ScaleReport
{
    public const int Keys = 1_000_000;

    /// <summary>The default of <c>Cluster:Lease</c>.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMilliseconds(500);

    public static IReadOnlyList<int> Nodes { get; } = [10, 100, 1000];

    public static void WriteJson(IReadOnlyList<ScaleResult> results, TextWriter output) => output.WriteLine(JsonSerializer.Serialize(results, ScaleJson.Default.IReadOnlyListScaleResult));

    public static void Write(IReadOnlyList<ScaleResult> results, TextWriter output)
    {
        output.WriteLine(Invariant($"{Keys:N0} keys, 1,024 shards, a lease of {Lease.TotalMilliseconds} ms, virtual time"));
        output.WriteLine();
        output.WriteLine("| Nodes | Shards a node | Loads/s | Commits/s | Bytes loaded/s | View | | Shards moved | at least | Keys moved | Served by their homes after |");
        output.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var result in results)
        {
            var head = Invariant($"| {result.Nodes:N0} | {result.LeastShards} to {result.MostShards} | {result.LoadsPerSecond:N0} | {result.CommitsPerSecond:N0} | {Bytes(result.BytesPerSecond)} | {Bytes(result.ViewBytes)} |");
            foreach (var change in result.Changes)
            {
                output.WriteLine(Invariant($"{head} {change.Kind} | {change.Shards} | {change.LeastShards:0.#} | {change.Keys:N0} | {change.Seconds:0.00} s |"));
                head = "| | | | | | |";
            }
        }
    }

    private static string Bytes(double bytes) => bytes < 1e6 ? Invariant($"{bytes / 1e3:N0} KB") : Invariant($"{bytes / 1e6:N1} MB");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<ScaleResult>))]
internal sealed partial class ScaleJson : JsonSerializerContext;
