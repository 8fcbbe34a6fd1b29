using System.CommandLine;
using System.Diagnostics;
using Stateside.Tool.Test;

namespace Stateside.Tool;

/// <summary><c>test</c>: sets up what the tests need, and runs all of them, one project after the other, so that none slows another down.</summary>
internal static class TestCommand
{
    private const int MostFailures = 20;
    private const int MostLines = 12;

    public static Command Create(Surroundings surroundings)
    {
        var isLong = new Option<bool>("--long") { Description = "Runs also what takes long (sets STATESIDE_LONG=1)." };
        var filter = new Option<string?>("--filter") { Description = "Runs only these, in the words of dotnet test --filter.", HelpName = "EXPRESSION" };
        var command = new Command("test", "Runs all tests; with CI=true a skipped test counts as failed.") { isLong, filter };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(isLong), parsed.GetValue(filter), surroundings, cancellationToken));
        CommandLine.Examples(command,
            "./stateside test",
            "./stateside test --long",
            "./stateside test --filter FullyQualifiedName~Replay");
        return command;
    }

    private static async Task<int> RunAsync(bool isLong, string? filter, Surroundings surroundings, CancellationToken cancellationToken)
    {
        await DebianPackages.EnsureAsync(isLong, surroundings, cancellationToken);
        if (await RunAsync(Repository.DotNet, ["build", "Stateside.slnx", "-c", "Release", "-v", "q", "-nologo", "--tl:off"], isLong, cancellationToken) != 0)
        {
            surroundings.Error.WriteLine("stateside test: the build failed, see above.");
            return ExitCode.DoesNotHold;
        }

        var results = Path.Combine(Repository.Root, "artifacts", "test-results");
        if (Directory.Exists(results)) Directory.Delete(results, recursive: true);
        var projects = Projects();
        var counts = new List<TestCounts>();
        var failures = new List<(string Test, IReadOnlyList<string> Message)>();
        foreach (var project in projects)
        {
            var name = Path.GetFileNameWithoutExtension(project);
            surroundings.Out.WriteLine($"[{counts.Count + 1} of {projects.Count}] {name}");
            var begun = surroundings.Time.GetTimestamp();
            var exitCode = await RunAsync(Repository.DotNet, Arguments(project, name, results, isLong, filter), isLong, cancellationToken);
            var file = Path.Combine(results, name + ".trx");
            counts.Add(TrxFile.Read(name, file, exitCode, surroundings.Time.GetElapsedTime(begun).TotalSeconds, filter is not null));
            foreach (var (test, line) in TrxFile.Figures(file)) surroundings.Out.WriteLine($"  {test}: {line}");
            var failed = TrxFile.Failures(file);
            failures.AddRange(counts[^1].Failed > failed.Count ? [.. failed, (name, ["it broke off, or has no tests: see above"])] : failed);
        }

        return Summarise(counts, failures, surroundings);
    }

    private static string[] Arguments(string project, string name, string results, bool isLong, string? filter) =>
    [
        "test", project, "-c", "Release", "--no-build", "--nologo", "--tl:off", "--logger", $"trx;LogFileName={name}.trx", "--results-directory", results,
        // A test that hangs is named and ended, not waited for.
        "--blame-hang-timeout", isLong ? "120m" : "10m", "--blame-hang-dump-type", "none",
        .. filter is null ? (string[])[] : ["--filter", filter],
    ];

    private static int Summarise(List<TestCounts> counts, List<(string Test, IReadOnlyList<string> Message)> failures, Surroundings surroundings)
    {
        // Once more, in short, where it is looked for: an hour's output is above.
        foreach (var (test, message) in failures.Take(MostFailures))
        {
            surroundings.Out.WriteLine();
            surroundings.Out.WriteLine($"FAILED {test}");
            foreach (var line in message.Take(MostLines)) surroundings.Out.WriteLine($"  {line}");
            if (message.Count > MostLines) surroundings.Out.WriteLine($"  … {message.Count - MostLines} more lines above");
        }
        if (failures.Count > MostFailures) surroundings.Out.WriteLine($"… and {failures.Count - MostFailures} more");
        surroundings.Out.WriteLine();
        Tables.Write(surroundings, ["project", ">passed", ">failed", ">skipped", ">seconds"],
            counts.Select(c => (string[])[c.Project, $"{c.Passed:N0}", $"{c.Failed:N0}", $"{c.Skipped:N0}", $"{c.Seconds:N1}"]));
        var all = counts.Aggregate(new TestCounts("all", 0, 0, 0, 0), (sum, c) => sum + c);
        surroundings.Out.WriteLine($"{all.Passed} passed, {all.Failed} failed{(all.Skipped > 0 ? $", {all.Skipped} skipped" : "")}");
        var skipsFail = Environment.GetEnvironmentVariable("CI") == "true";
        return all.Failed > 0 || all.Passed == 0 || (skipsFail && all.Skipped > 0) ? ExitCode.DoesNotHold : ExitCode.Holds;
    }

    private static List<string> Projects() =>
        [.. Directory.GetDirectories(Path.Combine(Repository.Root, "tests")).SelectMany(folder => Directory.GetFiles(folder, "*Tests.csproj")).Order(StringComparer.Ordinal)];

    /// <summary>Runs a program at the root of the repository; its output is this tool's. If the work is cancelled it ends with all that it started.</summary>
    private static async Task<int> RunAsync(string program, IEnumerable<string> arguments, bool isLong, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Repository.Root };
        if (isLong) start.Environment["STATESIDE_LONG"] = "1";
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
