using System.CommandLine;
using Stateside.Simulator;
using Stateside.Tool.Simulate;

namespace Stateside.Tool;

/// <summary><c>simulate</c>: runs whole clusters in virtual time against faults that a seed decides, and checks what they promised.</summary>
internal static class SimulateCommand
{
    public static Command Create(Surroundings surroundings, Func<ulong, SimulationOptions>? given = null)
    {
        var seeds = new Option<long>("--seeds") { Description = "How many seeds to run, 1 or more; one seed is one run.", DefaultValueFactory = _ => 1000, HelpName = "N" };
        var from = new Option<ulong>("--from") { Description = "The first seed; the others follow it.", DefaultValueFactory = _ => 1, HelpName = "S" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/tool.md), progress to standard error." };
        var scale = new Option<bool>("--scale") { Description = "Instead: measures clusters of 10, 100 and 1,000 nodes, what they ask of the store and what a node that comes or goes moves." };
        var watch = new Option<bool>("--watch") { Description = "Instead: lets clients follow what others say, through the same faults, and checks that each hears everything once and in order." };
        var command = new Command("simulate", "Runs nodes, store and clients in virtual time against faults, one seed one run, and checks every promise.") { seeds, from, watch, scale, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(scale)) return ScaleAsync(parsed.GetValue(json), surroundings, cancellationToken);
            var count = parsed.GetValue(seeds);
            if (count < 1) throw new UsageException($"--seeds {count} is out of range: 1 or more.");
            if (parsed.GetValue(watch)) return WatchAsync(parsed.GetValue(from), count, parsed.GetValue(json), surroundings, cancellationToken);
            return RunAsync(parsed.GetValue(from), count, given ?? SimulationOptions.For, parsed.GetValue(json), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside simulate",
            "./stateside simulate --seeds 100000 --from 1001",
            "./stateside simulate --seeds 1 --from 4711",
            "./stateside simulate --watch --seeds 200",
            "./stateside simulate --scale");
        return command;
    }

    private static async Task<int> ScaleAsync(bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var (output, isTerminal) = json ? (surroundings.Error, false) : (surroundings.Out, surroundings.IsTerminal);
        var progress = new Progress("simulating", "clusters", ScaleReport.Nodes.Count);
        var results = new List<ScaleResult>();
        await progress.ShowAsync(() => Task.Run(() =>
        {
            foreach (var nodes in ScaleReport.Nodes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                results.Add(ScaleRun.Of(nodes, ScaleReport.Keys, ScaleReport.Lease));
                progress.Add(1);
            }
        }, cancellationToken), output, isTerminal, surroundings.Time);
        if (json) ScaleReport.WriteJson(results, surroundings.Out);
        else ScaleReport.Write(results, surroundings.Out);
        return ExitCode.Holds;
    }

    private static async Task<int> WatchAsync(ulong from, long seeds, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var (output, isTerminal) = json ? (surroundings.Error, false) : (surroundings.Out, surroundings.IsTerminal);
        var progress = new Progress("watching", "seeds", seeds);
        WatchReport? report = null;
        await progress.ShowAsync(async () => report = await WatchReport.RunAsync(from, seeds, () => progress.Add(1), surroundings.Time, cancellationToken), output, isTerminal, surroundings.Time);
        if (json) report!.WriteJson(surroundings.Out);
        else report!.Write(surroundings.Out);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }

    private static async Task<int> RunAsync(
        ulong from, long seeds, Func<ulong, SimulationOptions> options, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var (output, isTerminal) = json ? (surroundings.Error, false) : (surroundings.Out, surroundings.IsTerminal);
        var sweep = new Sweep(from, seeds, options);
        var progress = new Progress("simulating", "seeds", seeds);
        var begun = surroundings.Time.GetTimestamp();
        await progress.ShowAsync(() => sweep.RunAsync(() => progress.Add(1), cancellationToken), output, isTerminal, surroundings.Time);
        var took = surroundings.Time.GetElapsedTime(begun);

        ReportedSeed? failure = null;
        IReadOnlyList<string> trace = [];
        if (sweep.Failure is { } failed)
        {
            // The same once more, now with its trace: the run is a function of the seed.
            var again = SimulationRun.Of(failed.Seed, options(failed.Seed), keepsTrace: true);
            trace = again.Trace;
            var path = Path.Combine(Repository.Root, "artifacts", "simulation", $"seed-{failed.Seed}.txt");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllLinesAsync(path, trace, cancellationToken);
            var violations = failed.Violations.Select(v => v.ToString());
            if (again.Hash != failed.Hash) violations = violations.Append("one seed is one run: run again, it went otherwise, so the trace is of another run");
            failure = new ReportedSeed(failed.Seed, [.. violations], $"./stateside simulate --seeds 1 --from {failed.Seed}", path);
        }
        var report = SimulateReport.Of(from, sweep, took, failure);
        if (json) report.WriteJson(surroundings.Out);
        else report.Write(surroundings, trace);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }
}
