using System.CommandLine;
using System.Globalization;
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
        var connections = new Option<string?>("--connections") { Description = "How many requests are on their way at any time, 1 to 1024; several with commas between. Default: 32, with --hot 256.", HelpName = "N,…" };
        var size = new Option<string>("--size") { Description = "Kilobytes of the cart, 0.1 to 64; several with commas between. Not with --hot.", DefaultValueFactory = _ => "1", HelpName = "KB,…" };
        var only = new Option<string?>("--only") { Description = $"Only these beside bare, with commas between: {Names(s_servers)}.", HelpName = "SERVERS" };
        var hot = new Option<bool>("--hot") { Description = $"Measures a hot key instead: all clients on one counter, in {Names(BenchServer.Hot)}." };
        var chart = new Option<string?>("--chart") { Description = "Draws the ratios into this file (SVG). Not with --hot.", HelpName = "FILE" };
        var readme = new Option<bool>("--readme") { Description = $"Writes the table as Markdown, and into README.md and docs/*.md between {BenchMarkdown.Begin} and {BenchMarkdown.End}. Not with --hot." };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1 that the servers use, 1 to 65535.", DefaultValueFactory = _ => 18300, HelpName = "P" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/benchmarks.md), progress to standard error." };
        var command = new Command("bench", "Measures reading and writing a cart in each place and on each store, beside a bare endpoint and what others do.")
        {
            seconds, repetitions, connections, size, only, hot, chart, readme, port, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var isHot = parsed.GetValue(hot);
            if (isHot && (parsed.GetResult(size) is { Implicit: false } || parsed.GetValue(chart) is not null || parsed.GetValue(readme)))
                throw new UsageException("--hot goes with neither --size nor --chart nor --readme.");
            var options = new BenchOptions(
                InRange("--seconds", parsed.GetValue(seconds), 600), InRange("--repetitions", parsed.GetValue(repetitions), 100),
                [.. Numbers("--connections", parsed.GetValue(connections) ?? (isHot ? "256" : "32"), 1, 1024, NumberStyles.None).Select(n => (int)n)],
                Numbers("--size", parsed.GetValue(size)!, 0.1, 64, NumberStyles.AllowDecimalPoint));
            var output = new BenchOutput(parsed.GetValue(json), parsed.GetValue(readme), parsed.GetValue(chart) is { } file ? Path.GetFullPath(file, surroundings.Directory) : null);
            if (output.Chart is { } path && !Directory.Exists(Path.GetDirectoryName(path))) throw new UsageException($"--chart {path}: there is no such directory.");
            var names = NamesOf(parsed.GetValue(only), isHot ? BenchServer.Hot : s_servers);
            var at = InRange("--port", parsed.GetValue(port), 65535);
            return isHot
                ? RunHotAsync([.. BenchServer.Hot.Where(s => names.Contains(s.Name))], options, at, output, surroundings, cancellationToken)
                : RunAsync([.. BenchRow.All.Where(row => row == BenchRow.Bare || names.Contains(row.Server.Name))], options, at, output, surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside bench",
            "./stateside bench --only sqlite,redis --connections 1,32,128 --seconds 10 --repetitions 5",
            "./stateside bench --hot",
            "./stateside bench --readme --chart docs/benchmarks.svg",
            "./stateside bench --json >result.json");
        return command;
    }

    private static async Task<int> RunAsync(BenchRow[] rows, BenchOptions options, int port, BenchOutput output, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var machine = await PrepareAsync(rows.Any(row => row.Server == BenchServer.Sqlite), port, surroundings, cancellationToken);
        var run = new BenchRun(rows, options, port, surroundings.Time, output.Progress(surroundings).WriteLine);
        await run.MeasureAsync(cancellationToken);
        var report = BenchReport.Of(machine, options, run.Samples, run.Busy, run.LeftOut);
        if (output.Chart is { } chart) await File.WriteAllTextAsync(chart, BenchChart.Draw(report), cancellationToken);
        if (output.IsReadme)
            foreach (var page in BenchMarkdown.InsertIntoPages(Repository.Root, BenchMarkdown.Table(report))) surroundings.Error.WriteLine($"wrote the table into {page}");
        if (output.IsJson) report.WriteJson(surroundings.Out);
        else if (output.IsReadme) surroundings.Out.Write(BenchMarkdown.Table(report));
        else report.Write(surroundings);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }

    private static async Task<int> RunHotAsync(BenchServer[] servers, BenchOptions options, int port, BenchOutput output, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var machine = await PrepareAsync(servers.Contains(BenchServer.Sqlite), port, surroundings, cancellationToken);
        var run = new HotRun(servers, options, port, surroundings.Time, output.Progress(surroundings).WriteLine);
        await run.MeasureAsync(cancellationToken);
        var report = HotReport.Of(machine, options, run.Samples);
        if (output.IsJson) report.WriteJson(surroundings.Out);
        else report.Write(surroundings);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }

    private static async Task<Machine> PrepareAsync(bool needsSqlite, int port, Surroundings surroundings, CancellationToken cancellationToken)
    {
        RequireFree(port);
        if (needsSqlite && !StoreUrl.HasSqliteLibrary) throw new UsageException(StoreUrl.HowToGetSqlite);
        var machine = Machine.This(await LoadGenerator.EnsureAsync(cancellationToken));
        surroundings.Error.WriteLine("building the servers…");
        var (code, built) = await LoadGenerator.RunAsync(
            Repository.DotNet, ["build", "bench/Stateside.BenchServer", "-c", "Release", "-v", "q", "-nologo", "--tl:off"], cancellationToken);
        return code == 0 ? machine : throw new UsageException($"the servers do not build:\n{built}");
    }

    private static string[] NamesOf(string? only, BenchServer[] servers)
    {
        if (only is null) return [.. servers.Select(s => s.Name)];
        var names = only.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names)
            if (!servers.Any(s => s.Name == name)) throw new UsageException($"--only \"{name}\" is no server. Servers: {Names(servers)}");
        return names;
    }

    private static string Names(IEnumerable<BenchServer> servers) => string.Join(", ", servers.Select(s => s.Name));

    private static double[] Numbers(string option, string text, double least, double most, NumberStyles style)
    {
        var numbers = new List<double>();
        foreach (var part in text.Split(','))
        {
            if (!double.TryParse(part.Trim(), style, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} {text} is out of range: {least} to {most}, several with commas between."));
            numbers.Add(number);
        }
        return [.. numbers.Distinct()];
    }

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

    /// <summary>Where the result goes.</summary>
    private sealed record BenchOutput(bool IsJson, bool IsReadme, string? Chart)
    {
        public TextWriter Progress(Surroundings surroundings) => IsJson || IsReadme ? surroundings.Error : surroundings.Out;
    }
}
