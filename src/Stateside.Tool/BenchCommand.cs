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
        var connections = new Option<string?>("--connections") { Description = "How many requests are on their way at any time, 1 to 1024; several with commas between. Default: 32, with --hot 256. Not with --memory.", HelpName = "N,…" };
        var size = new Option<string>("--size") { Description = "Kilobytes of the cart, 0.1 to 64; several with commas between. Of the main table only.", DefaultValueFactory = _ => "1", HelpName = "KB,…" };
        var only = new Option<string?>("--only") { Description = $"Only these beside bare, with commas between: {Names(s_servers)}.", HelpName = "SERVERS" };
        var hot = new Option<bool>("--hot") { Description = $"Measures a hot key instead: all clients on one counter, in {Names(BenchServer.Hot)}." };
        var forward = new Option<bool>("--forward") { Description = $"Measures what a forward costs instead: a node behind our gateway, HAProxy and nginx in turn. --only chooses from {string.Join(", ", Front.All.Select(f => f.Name))}." };
        var memory = new Option<bool>("--memory") { Description = $"Measures what a resident state takes instead, in {Names(BenchServer.Resident)}." };
        var keys = new Option<int>("--keys") { Description = "With --memory: how many states, 1000 to 20000000.", DefaultValueFactory = _ => 1_000_000, HelpName = "N" };
        var chart = new Option<string?>("--chart") { Description = "Draws the ratios into this file (SVG). Of the main table only.", HelpName = "FILE" };
        var readme = new Option<bool>("--readme") { Description = $"Writes the table as Markdown, and into README.md and docs/*.md between {BenchMarkdown.Begin} and {BenchMarkdown.End}. Of the main table only." };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1 that the servers use, 1 to 65535.", DefaultValueFactory = _ => 18300, HelpName = "P" };
        var json = new Option<bool>("--json") { Description = "Writes the result as JSON (docs/benchmarks.md), progress to standard error." };
        var command = new Command("bench", "Measures reading and writing a cart in each place and on each store, beside a bare endpoint and what others do.")
        {
            seconds, repetitions, connections, size, only, hot, forward, memory, keys, chart, readme, port, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var kind = Kind(parsed.GetValue(hot), parsed.GetValue(forward), parsed.GetValue(memory));
            if (kind != BenchKind.Table && (parsed.GetResult(size) is { Implicit: false } || parsed.GetValue(chart) is not null || parsed.GetValue(readme)))
                throw new UsageException($"--{kind.ToString().ToLowerInvariant()} goes with neither --size nor --chart nor --readme.");
            var options = new BenchOptions(
                InRange("--seconds", parsed.GetValue(seconds), 1, 600), InRange("--repetitions", parsed.GetValue(repetitions), 1, 100),
                [.. Numbers("--connections", parsed.GetValue(connections) ?? (kind == BenchKind.Hot ? "256" : "32"), 1, 1024, NumberStyles.None).Select(n => (int)n)],
                Numbers("--size", parsed.GetValue(size)!, 0.1, 64, NumberStyles.AllowDecimalPoint));
            var output = new BenchOutput(parsed.GetValue(json), parsed.GetValue(readme), parsed.GetValue(chart) is { } file ? Path.GetFullPath(file, surroundings.Directory) : null);
            if (output.Chart is { } path && !Directory.Exists(Path.GetDirectoryName(path))) throw new UsageException($"--chart {path}: there is no such directory.");
            var names = NamesOf(parsed.GetValue(only), kind switch
            {
                BenchKind.Hot => BenchServer.Hot.Select(s => s.Name),
                BenchKind.Forward => Front.All.Select(f => f.Name),
                BenchKind.Memory => BenchServer.Resident.Select(s => s.Name),
                _ => s_servers.Select(s => s.Name),
            });
            var at = InRange("--port", parsed.GetValue(port), 1, 65535);
            var count = InRange("--keys", parsed.GetValue(keys), 1_000, 20_000_000);
            return kind switch
            {
                BenchKind.Hot => RunHotAsync([.. BenchServer.Hot.Where(s => names.Contains(s.Name))], options, at, output, surroundings, cancellationToken),
                BenchKind.Forward => RunForwardAsync([.. Front.All.Where(f => names.Contains(f.Name))], options, at, output, surroundings, cancellationToken),
                BenchKind.Memory => RunMemoryAsync([.. BenchServer.Resident.Where(s => names.Contains(s.Name))], count, options, at, output, surroundings, cancellationToken),
                _ => RunAsync([.. BenchRow.All.Where(row => row == BenchRow.Bare || names.Contains(row.Server.Name))], options, at, output, surroundings, cancellationToken),
            };
        });
        CommandLine.Examples(command,
            "./stateside bench",
            "./stateside bench --only sqlite,redis --connections 1,32,128 --seconds 10 --repetitions 5",
            "./stateside bench --hot",
            "./stateside bench --forward --seconds 2",
            "./stateside bench --memory --repetitions 1",
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

    private static async Task<int> RunForwardAsync(Front[] fronts, BenchOptions options, int port, BenchOutput output, Surroundings surroundings, CancellationToken cancellationToken)
    {
        if (fronts.Contains(Front.Haproxy)) _ = await Proxies.EnsureAsync("haproxy", cancellationToken);
        if (fronts.Contains(Front.Nginx)) _ = await Proxies.EnsureAsync("nginx", cancellationToken);
        foreach (var front in fronts) RequireFree(port + front.Offset);
        var machine = await PrepareAsync(needsSqlite: true, port, surroundings, cancellationToken);
        var run = new ForwardRun(fronts, options, port, surroundings.Time, output.Progress(surroundings).WriteLine);
        await run.MeasureAsync(cancellationToken);
        var report = ForwardReport.Of(machine, options, run.Samples);
        if (output.IsJson) report.WriteJson(surroundings.Out);
        else report.Write(surroundings);
        return report.Holds ? ExitCode.Holds : ExitCode.DoesNotHold;
    }

    private static async Task<int> RunMemoryAsync(BenchServer[] servers, int keys, BenchOptions options, int port, BenchOutput output, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var machine = await PrepareAsync(needsSqlite: true, port, surroundings, cancellationToken);
        var run = new MemoryRun(servers, keys, options.Repetitions, port, surroundings.Time, output.Progress(surroundings).WriteLine);
        await run.MeasureAsync(cancellationToken);
        var report = MemoryReport.Of(machine, keys, options.Repetitions, run.Samples);
        if (output.IsJson) report.WriteJson(surroundings.Out);
        else report.Write(surroundings);
        return ExitCode.Holds;
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

    private static BenchKind Kind(bool hot, bool forward, bool memory) => (hot, forward, memory) switch
    {
        (false, false, false) => BenchKind.Table,
        (true, false, false) => BenchKind.Hot,
        (false, true, false) => BenchKind.Forward,
        (false, false, true) => BenchKind.Memory,
        _ => throw new UsageException("--hot, --forward and --memory are measured one at a time."),
    };

    private static string[] NamesOf(string? only, IEnumerable<string> servers)
    {
        if (only is null) return [.. servers];
        var names = only.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names)
            if (!servers.Contains(name)) throw new UsageException($"--only \"{name}\" is no server. Servers: {string.Join(", ", servers)}");
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

    private static int InRange(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw new UsageException($"{option} {value} is out of range: {least} to {most}.");

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

    /// <summary>What is measured.</summary>
    private enum BenchKind
    {
        Table,
        Hot,
        Forward,
        Memory,
    }

    /// <summary>Where the result goes.</summary>
    private sealed record BenchOutput(bool IsJson, bool IsReadme, string? Chart)
    {
        public TextWriter Progress(Surroundings surroundings) => IsJson || IsReadme ? surroundings.Error : surroundings.Out;
    }
}
