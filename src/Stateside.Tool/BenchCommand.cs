using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Stateside.Tool.Bench;

namespace Stateside.Tool;

/// <summary><c>bench</c>: measures what states cost over a bare endpoint. It reports, and fails only if a server answers wrongly.</summary>
internal static class BenchCommand
{
    private static readonly BenchServer[] s_servers = [.. BenchRow.All.Select(row => row.Server).Where(server => server != BenchServer.Bare).Distinct()];

    public static Command Create(Surroundings surroundings)
    {
        var seconds = new Option<int>("--seconds") { Description = "How long each measurement takes, 1 to 600.", DefaultValueFactory = _ => 4, HelpName = "S" };
        var repetitions = new Option<int>("--repetitions") { Description = "How often everything is measured, 1 to 100.", DefaultValueFactory = _ => 3, HelpName = "N" };
        var connections = new Option<int>("--connections") { Description = "How many requests are on their way at any time, 1 to 1024.", DefaultValueFactory = _ => 32, HelpName = "N" };
        var only = new Option<string?>("--only") { Description = $"Only these beside bare, with commas between: {Names(s_servers)}.", HelpName = "SERVERS" };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1 that the servers use, 1 to 65535.", DefaultValueFactory = _ => 18300, HelpName = "P" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/benchmarks.md), progress to standard error." };
        var command = new Command("bench", "Measures reading and writing a cart of 1 KB on each store, beside a bare endpoint and ASP.NET Core's session.")
        {
            seconds, repetitions, connections, only, port, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new BenchOptions(
                InRange("--seconds", parsed.GetValue(seconds), 600), InRange("--repetitions", parsed.GetValue(repetitions), 100),
                InRange("--connections", parsed.GetValue(connections), 1024));
            return RunAsync(Rows(parsed.GetValue(only)), options, InRange("--port", parsed.GetValue(port), 65535), parsed.GetValue(json), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside bench",
            "./stateside bench --only sqlite --seconds 10 --repetitions 5",
            "./stateside bench --json >result.json");
        return command;
    }

    private static async Task<int> RunAsync(BenchRow[] rows, BenchOptions options, int port, bool json, Surroundings surroundings, CancellationToken cancellationToken)
    {
        RequireFree(port);
        if (rows.Any(row => row.Server == BenchServer.Sqlite) && !StoreUrl.HasSqliteLibrary) throw new UsageException(StoreUrl.HowToGetSqlite);
        var machine = Machine.This(await LoadGenerator.EnsureAsync(cancellationToken));
        var progress = json ? surroundings.Error : surroundings.Out;
        await BuildAsync(surroundings, cancellationToken);
        var run = new BenchRun(rows, options, port, surroundings.Time, progress.WriteLine);
        await run.MeasureAsync(cancellationToken);
        var report = BenchReport.Of(machine, options, run.Samples, run.Busy);
        if (json) report.WriteJson(surroundings.Out);
        else report.Write(surroundings);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }

    private static async Task BuildAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        surroundings.Error.WriteLine("building the servers…");
        var (code, output) = await LoadGenerator.RunAsync(
            Repository.DotNet, ["build", "bench/Stateside.BenchServer", "-c", "Release", "-v", "q", "-nologo", "--tl:off"], cancellationToken);
        if (code != 0) throw new UsageException($"the servers do not build:\n{output}");
    }

    private static BenchRow[] Rows(string? only)
    {
        if (only is null) return BenchRow.All;
        var names = only.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names)
            if (!s_servers.Any(s => s.Name == name)) throw new UsageException($"--only \"{name}\" is no server. Servers: {Names(s_servers)}");
        return [.. BenchRow.All.Where(row => row == BenchRow.Bare || names.Contains(row.Server.Name))];
    }

    private static string Names(IEnumerable<BenchServer> servers) => string.Join(", ", servers.Select(s => s.Name));

    private static int InRange(string option, int value, int most) =>
        value >= 1 && value <= most ? value : throw new UsageException($"{option} {value} is out of range: 1 to {most}.");

    private static void RequireFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
        }
        catch (SocketException)
        {
            throw new UsageException($"Port {port} cannot be used. Choose another with --port P.");
        }
    }
}
