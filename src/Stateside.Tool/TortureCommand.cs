using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using Stateside.Tool.Bench;
using Stateside.Tool.Torture;

namespace Stateside.Tool;

/// <summary><c>torture</c>: runs a real cluster on a real store, does everything to it that goes wrong in the world, and checks what it promised.</summary>
internal static class TortureCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var store = new Option<string>("--store") { Description = "sqlite, redis or postgres, started for the run; or the URL of a store that runs already, which is left alone.", DefaultValueFactory = _ => "sqlite", HelpName = "STORE" };
        var minutes = new Option<double?>("--minutes") { Description = "How long faults are done, 0.1 to 1440. Default: one minute.", HelpName = "N" };
        var seconds = new Option<int?>("--seconds") { Description = "The same in seconds, 5 to 86400.", HelpName = "N" };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes, beside a gateway, 2 to 16.", DefaultValueFactory = _ => 3, HelpName = "N" };
        var clients = new Option<int>("--clients") { Description = "How many clients, 4 to 256.", DefaultValueFactory = _ => 24, HelpName = "N" };
        var nemeses = new Option<string>("--nemeses") { Description = "What is done, with commas between: " + string.Join(", ", Nemesis.Kinds) + ".", DefaultValueFactory = _ => string.Join(',', Nemesis.Kinds) };
        var seed = new Option<int?>("--seed") { Description = "Decides what is done when, and what clients ask. Default: a new one.", HelpName = "S" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/tool.md), progress to standard error." };
        var command = new Command("torture", "Runs a real cluster on a real store under load, kills, stops and cuts off what it consists of, and checks every promise.") { store, minutes, seconds, nodes, clients, nemeses, seed, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new TortureOptions(
                Store(parsed.GetValue(store)!, surroundings.Directory), Length(parsed.GetValue(minutes), parsed.GetValue(seconds)),
                InRange("--nodes", parsed.GetValue(nodes), 2, 16), InRange("--clients", parsed.GetValue(clients), 4, 256),
                Kinds(parsed.GetValue(nemeses)!), parsed.GetValue(seed) ?? RandomNumberGenerator.GetInt32(1, 1_000_000));
            var whyNoNetwork = PrivateNetwork.IsInside ? null : await WhyNoNetworkAsync(options, cancellationToken);
            return whyNoNetwork is null && !PrivateNetwork.IsInside
                ? await RunInsideAsync(options, parsed.GetValue(json), surroundings, cancellationToken)
                : await RunAsync(options, whyNoNetwork, parsed.GetValue(json), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside torture",
            "./stateside torture --store postgres --minutes 10",
            "./stateside torture --store redis --seconds 60 --seed 4711   # the same faults once more",
            "./stateside torture --store redis --nemeses kill,partition");
        return command;
    }

    private static async Task<int> RunAsync(TortureOptions options, string? whyNoNetwork, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (PrivateNetwork.IsInside) EndWithParent(ending);
        var data = Directory.CreateTempSubdirectory("stateside-torture-").FullName;
        // PostgreSQL's server runs as another user and has to come to its data.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);
        var run = new TortureRun(options, data, json ? surroundings.Error : surroundings.Out, surroundings.Time);
        try
        {
            var report = await run.RunAsync(whyNoNetwork, ending.Token);
            if (!report.Holds) report = report with { History = await KeepAsync(run, data, options) };
            if (json) report.WriteJson(surroundings.Out);
            else report.Write(surroundings);
            return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
        }
        catch (TortureException e)
        {
            surroundings.Error.WriteLine($"DOES NOT HOLD: {e.Message}\neverything that was recorded, and the logs: {await KeepAsync(run, data, options)}");
            return ExitCode.DoesNotHold;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>Keeps what was recorded, the logs and the data of the store.</summary>
    private static async Task<string> KeepAsync(TortureRun run, string data, TortureOptions options)
    {
        run.Record.Save(Path.Combine(data, "history.jsonl"));
        var kept = Path.Combine(Repository.Root, "artifacts", "torture", $"{StoreUrl.Scheme(options.Store + ":")}-{options.Seed}-{Environment.ProcessId}");
        Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
        _ = await LoadGenerator.RunAsync("cp", ["-a", data, kept], CancellationToken.None);
        return kept;
    }

    /// <summary>Runs this command once more, in a network namespace in which only it and what it starts are.</summary>
    private static async Task<int> RunInsideAsync(TortureOptions options, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "torture", "--store", options.Store, "--seconds", $"{options.Length.TotalSeconds:0}", "--nodes", $"{options.Nodes}", "--clients", $"{options.Clients}",
            "--nemeses", string.Join(',', options.Nemeses), "--seed", $"{options.Seed}", .. json ? (string[])["--json"] : [],
        ];
        var start = new ProcessStartInfo("unshare", ["--net", "--", Repository.DotNet, Repository.Sample("Stateside.Tool"), .. arguments]) { RedirectStandardInput = true, WorkingDirectory = surroundings.Directory };
        start.Environment[PrivateNetwork.Variable] = "1";
        using var inside = Process.Start(start)!;
        // It ends when its standard input does: on a signal to this process, and also if this process is killed.
        await using var signal = cancellationToken.Register(inside.StandardInput.Close);
        await inside.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return inside.ExitCode;
    }

    private static void EndWithParent(CancellationTokenSource ending) => new Thread(() =>
    {
        using var input = Console.OpenStandardInput();
        Span<byte> ignored = stackalloc byte[64];
        while (input.Read(ignored) > 0) { }
        ending.Cancel();
    })
    { IsBackground = true, Name = "end with parent" }.Start();

    private static async Task<string?> WhyNoNetworkAsync(TortureOptions options, CancellationToken cancellationToken)
    {
        if (!options.Nemeses.Contains(Nemesis.Partition)) return "it was not asked for";
        return StoreUrl.Scheme(options.Store) is "redis" or "postgres"
            ? "a store that this command did not start cannot be reached from networks that can be cut"
            : await PrivateNetwork.WhyNotAsync(cancellationToken);
    }

    private static string Store(string store, string directory)
    {
        if (store == "sqlite" && !StoreUrl.HasSqliteLibrary) throw new UsageException(StoreUrl.HowToGetSqlite);
        if (store is "sqlite" or "redis" or "postgres") return store;
        var url = StoreUrl.Resolve(store, directory);
        return StoreUrl.Scheme(url) == "memory" ? throw new UsageException("--store memory: is not shared by several processes. Possible are sqlite, redis, postgres, or the URL of a store of these kinds.") : url;
    }

    private static TimeSpan Length(double? minutes, int? seconds)
    {
        if (minutes is not null && seconds is not null) throw new UsageException("--minutes and --seconds say the same; give one of them.");
        if (minutes is not null and not (>= 0.1 and <= 1440)) throw new UsageException($"--minutes {minutes} is out of range: 0.1 to 1440.");
        return minutes is { } m ? TimeSpan.FromMinutes(m) : TimeSpan.FromSeconds(InRange("--seconds", seconds ?? 60, 5, 86400));
    }

    private static string[] Kinds(string text)
    {
        var kinds = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct().ToArray();
        var unknown = Array.Find(kinds, kind => !Nemesis.Kinds.Contains(kind));
        return unknown is null ? kinds : throw new UsageException($"\"{unknown}\" is not something that can be done. Possible: {string.Join(", ", Nemesis.Kinds)}");
    }

    private static int InRange(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw new UsageException($"{option} {value} is out of range: {least} to {most}.");
}
