using System.Globalization;
using System.Text.Json;
using Stateside.Simulator;

namespace Stateside.Tool.Simulate;

/// <summary>What watchers heard in many runs: the contract of <c>simulate --watch --json</c> (docs/tool.md), and what is shown.</summary>
internal sealed record WatchReport(bool Holds, ulong From, long Seeds, double Seconds, long Events, long Streams, string Hash, ReportedSeed? Failure)
{
    private const int MostShown = 10;

    /// <summary>Runs seeds, each with the rooms on nodes and with the rooms in the store, until one does not hold.</summary>
    public static async Task<WatchReport> RunAsync(ulong from, long seeds, Action ran, TimeProvider time, CancellationToken cancellationToken)
    {
        var (gate, begun) = (new Lock(), time.GetTimestamp());
        var (count, events, streams, hash) = (0L, 0L, 0L, 0UL);
        ReportedSeed? failure = null;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Parallel.ForAsync(0L, seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = ending.Token }, (i, _) =>
            {
                var seed = from + (ulong)i;
                foreach (var place in (Place[])[Place.Node, Place.Store])
                {
                    var result = WatchRun.Of(seed, place);
                    lock (gate)
                    {
                        (events, streams, hash) = (events + result.Events, streams + result.Streams, hash ^ result.Hash);
                        if (result.Violations.Count > 0 && (failure is null || seed < failure.Seed))
                            failure = new ReportedSeed(seed, [.. result.Violations.Select(v => $"place {place}: {v}")], $"./stateside simulate --watch --seeds 1 --from {seed}", null);
                    }
                }
                lock (gate) count++;
                ran();
                if (failure is not null) ending.Cancel();
                return default;
            });
        }
        catch (OperationCanceledException) when (failure is not null)
        {
            // The seeds after it are not run: what they show would most likely be the same.
        }
        return new(failure is null, from, count, Math.Round(time.GetElapsedTime(begun).TotalSeconds, 1), events, streams, hash.ToString("x16", CultureInfo.InvariantCulture), failure);
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, SimulateJson.Default.WatchReport));

    /// <summary>Writes it for a person.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine($"{Seeds:N0} seeds from {From} in {Seconds:N1} s, each with the rooms on nodes and in the store: {Events:N0} events, heard in {Streams:N0} streams, hash {Hash}");
        if (Failure is null)
        {
            output.WriteLine("holds: every watcher heard every event once and in order");
            return;
        }
        foreach (var violation in Failure.Violations.Take(MostShown)) output.WriteLine($"broken: {violation}");
        if (Failure.Violations.Count > MostShown) output.WriteLine($"and {Failure.Violations.Count - MostShown:N0} more of these");
        output.WriteLine($"once more: {Failure.Replay}");
        output.WriteLine($"DOES NOT HOLD: seed {Failure.Seed}");
    }
}
