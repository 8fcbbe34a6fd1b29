using System.CommandLine;
using System.Globalization;
using Stateside.Check;
using Stateside.Check.Conversations;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;
using Stateside.Tool.Check;

namespace Stateside.Tool;

/// <summary><c>check</c>: audits any running HTTP service for hidden state.</summary>
internal static class CheckCommand
{
    private static readonly Argument<string[]> s_scenarios = new("SCENARIO") { Description = "What a client does: a .http or .rest file, or a .har recorded with a browser; one or more.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> s_launch = new("--launch") { Description = "Starts the service itself: {port}, {i} and {dir} (a private directory of the replica) are filled in.", HelpName = "CMD" };
    private static readonly Option<int> s_replicas = new("--replicas") { Description = "How many replicas are launched, 2 to 8.", DefaultValueFactory = _ => 2, HelpName = "N" };
    private static readonly Option<string[]> s_env = Many("--env", "A variable of the launched replicas' environment; {port}, {i} and {dir} are filled in.", "K=V");
    private static readonly Option<string?> s_workdir = new("--workdir") { Description = "Where the launched command runs. Default: here.", HelpName = "DIR" };
    private static readonly Option<string> s_ready = new("--ready") { Description = "The path that answers below 500 once a replica serves.", DefaultValueFactory = _ => "/", HelpName = "PATH" };
    private static readonly Option<double> s_readyTimeout = new("--ready-timeout") { Description = "The longest a replica may take to serve, in seconds.", DefaultValueFactory = _ => 30, HelpName = "S" };
    private static readonly Option<string[]> s_replica = Many("--replica", "A replica that runs already; give it for each.", "URL");
    private static readonly Option<string?> s_restart = new("--restart") { Description = "Kills replica {i} (from 0) without notice and starts it again, for replicas that were given.", HelpName = "CMD" };
    private static readonly Option<string?> s_stop = new("--stop") { Description = "Kills replica {i} before --restart is run.", HelpName = "CMD" };
    private static readonly Option<string?> s_host = new("--host") { Description = "The Host of all requests. Default: that of the first replica.", HelpName = "HOST" };
    private static readonly Option<string[]> s_var = Many("--var", "A variable of the scenario.", "NAME=VALUE");
    private static readonly Option<string[]> s_correlate = Many("--correlate", "Takes a value of a HAR from a response: csrf=html:form[0].field[csrf]@4.", "NAME=PLACE@STEP");
    private static readonly Option<string[]> s_noCorrelate = Many("--no-correlate", "Sends a value of a HAR as it was recorded.", "NAME");
    private static readonly Option<string[]> s_only = Many("--only", $"Does only these experiments: {string.Join(", ", CheckRun.Experiments)}.", "NAME");
    private static readonly Option<int> s_repeat = new("--repeat") { Description = "How often the undisturbed scenario is run first, 3 to 50.", DefaultValueFactory = _ => 5, HelpName = "N" };
    private static readonly Option<double> s_timeout = new("--timeout") { Description = "The longest wait for a response, in seconds.", DefaultValueFactory = _ => 10, HelpName = "S" };
    private static readonly Option<string[]> s_ignore = Many("--ignore", "Is not compared: a header's name, a JSON path ($.a.b), a place as the report writes it, or a /regular expression/.", "WHAT");
    private static readonly Option<int> s_concurrency = new("--concurrency") { Description = "How many sets of replicas and how many sessions go side by side, 1 to 32.", DefaultValueFactory = _ => 4, HelpName = "N" };
    private static readonly Option<int> s_copies = new("--parallel") { Description = "How many requests are sent at once to look for lost updates, 2 to 200.", DefaultValueFactory = _ => 20, HelpName = "N" };
    private static readonly Option<bool> s_strict = new("--strict") { Description = "Exit code 1 also where a question cannot be told." };
    private static readonly Option<string?> s_json = File("--json", "Writes the report as JSON (docs/check.md); without FILE, or with -, to standard output instead of the table.");
    private static readonly Option<string?> s_html = File("--html", "Writes the report as a page.");
    private static readonly Option<string?> s_sarif = File("--sarif", "Writes the report as SARIF, for code scanning.");
    private static readonly Option<string?> s_junit = File("--junit", "Writes the report as JUnit XML, for CI.");

    public static Command Create(Surroundings surroundings)
    {
        s_json.Arity = ArgumentArity.ZeroOrOne;
        var command = new Command("check", "Audits any running HTTP service for hidden state: is it really stateless?")
        {
            s_scenarios, s_launch, s_replicas, s_env, s_workdir, s_ready, s_readyTimeout, s_replica, s_restart, s_stop, s_host, s_var, s_correlate, s_noCorrelate,
            s_only, s_repeat, s_timeout, s_ignore, s_concurrency, s_copies, s_strict, s_html, s_json, s_sarif, s_junit,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, surroundings, cancellationToken));
        CommandLine.Examples(command,
            "./stateside check login.http --launch 'node app.js --port {port}'",
            "./stateside check recorded.har --launch 'dotnet App.dll --urls http://127.0.0.1:{port}' --ready /healthz --html report.html",
            "./stateside check login.http --replica http://127.0.0.1:5001 --replica http://127.0.0.1:5002 --restart './restart.sh {i}'",
            "./stateside check login.http --launch './serve {port}' --strict --sarif check.sarif --junit check.xml");
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var options = Options(parsed);
        var scenarios = Scenarios(parsed, surroundings);
        var source = Source(parsed, surroundings);
        var isJsonOut = parsed.GetResult(s_json) is not null && parsed.GetValue(s_json) is null or "-";
        var files = new (string? Path, Action<CheckReport, TextWriter> Write)[]
        {
            (parsed.GetValue(s_html), HtmlReport.Write), (isJsonOut ? null : parsed.GetValue(s_json), JsonReport.Write), (parsed.GetValue(s_sarif), SarifReport.Write), (parsed.GetValue(s_junit), JUnitReport.Write),
        };
        foreach (var (path, _) in files) RequireWritable(path, surroundings);

        var progress = new CheckProgressView(surroundings.Time);
        var run = new CheckRun(scenarios, source, options, surroundings.Time, progress.Tell);
        CheckReport report;
        try
        {
            report = await progress.ShowAsync(run.RunAsync(cancellationToken), isJsonOut ? surroundings.Error : surroundings.Out, !isJsonOut && surroundings.IsTerminal);
        }
        catch (ReplicaException e)
        {
            throw new UsageException(e.Message);
        }
        foreach (var (path, write) in files)
        {
            if (path is null) continue;
            await using var writer = new StreamWriter(Path.GetFullPath(path, surroundings.Directory));
            write(report, writer);
        }
        if (isJsonOut) JsonReport.Write(report, surroundings.Out);
        else CheckView.Write(report, surroundings);
        return report.Unrepeatable is not null ? ExitCode.Usage
            : report.Verdicts.Any(v => v.Outcome == Outcome.Fails || (parsed.GetValue(s_strict) && v.Outcome == Outcome.CannotTell)) ? ExitCode.DoesNotHold
            : ExitCode.Holds;
    }

    private static CheckOptions Options(ParseResult parsed)
    {
        foreach (var name in parsed.GetValue(s_only)!)
            if (!CheckRun.Experiments.Contains(name)) throw new UsageException($"--only {name} is not an experiment. Experiments: {string.Join(", ", CheckRun.Experiments)}");
        foreach (var ignored in parsed.GetValue(s_ignore)!.Where(i => i.Length > 2 && i[0] == '/' && i[^1] == '/'))
            if (!IsPattern(ignored[1..^1])) throw new UsageException($"--ignore {ignored} is not a regular expression.");
        return new CheckOptions
        {
            Only = parsed.GetValue(s_only)!,
            Repeat = Within(parsed, s_repeat, 3, 50),
            Ignore = parsed.GetValue(s_ignore)!,
            Concurrency = Within(parsed, s_concurrency, 1, 32),
            Copies = Within(parsed, s_copies, 2, 200),
            Conversation = new ConversationOptions { Host = parsed.GetValue(s_host), Timeout = Seconds(parsed, s_timeout) },
        };
    }

    private static List<Scenario> Scenarios(ParseResult parsed, Surroundings surroundings)
    {
        try
        {
            var corrections = Corrections.Parse(parsed.GetValue(s_correlate)!, parsed.GetValue(s_noCorrelate)!);
            var variables = Pairs(parsed, s_var);
            return [.. parsed.GetValue(s_scenarios)!.Select(path => ScenarioFile.Read(Path.GetFullPath(path, surroundings.Directory), variables, corrections))];
        }
        catch (ScenarioException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static ReplicaSource Source(ParseResult parsed, Surroundings surroundings)
    {
        var (launch, given) = (parsed.GetValue(s_launch), parsed.GetValue(s_replica)!);
        if ((launch is null) == (given.Length == 0)) throw new UsageException("give either --launch CMD or --replica URL (twice or more), so that there is something to check.");
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS() && launch is not null) throw new UsageException("--launch needs Linux or macOS; give running replicas with --replica URL.");
        var ready = parsed.GetValue(s_ready)!;
        if (!ready.StartsWith('/')) throw new UsageException($"--ready {ready} is not a path: it begins with /.");
        var within = Seconds(parsed, s_readyTimeout);
        if (launch is not null)
        {
            if (parsed.GetValue(s_restart) is not null || parsed.GetValue(s_stop) is not null) throw new UsageException("--restart and --stop are for replicas given with --replica; what --launch starts is restarted anyway.");
            if (!launch.Contains("{port}", StringComparison.Ordinal) && !parsed.GetValue(s_env)!.Any(e => e.Contains("{port}", StringComparison.Ordinal)))
                throw new UsageException("--launch has no {port}, so its replicas would take the same port. Put {port} where the command, or an --env, names its port.");
            var directory = Path.GetFullPath(parsed.GetValue(s_workdir) ?? ".", surroundings.Directory);
            if (!Directory.Exists(directory)) throw new UsageException($"--workdir {directory} is not there.");
            return new LaunchedSource(new LaunchOptions
            {
                Command = launch,
                Replicas = Within(parsed, s_replicas, 2, 8),
                Environment = Pairs(parsed, s_env),
                WorkingDirectory = directory,
                Ready = ready,
                ReadyWithin = within,
                MostSets = Within(parsed, s_concurrency, 1, 32),
                Mask = text => Masks.Text(text),
            }, surroundings.Time);
        }
        if (parsed.GetValue(s_stop) is not null && parsed.GetValue(s_restart) is null) throw new UsageException("--stop needs --restart 'CMD {i}', which starts the replica again.");
        return new GivenSource(new GivenOptions([.. given.Select(Address)], parsed.GetValue(s_restart), parsed.GetValue(s_stop)) { Ready = ready, ReadyWithin = within, Mask = text => Masks.Text(text) }, surroundings.Time);
    }

    private static Uri Address(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? new Uri(address.GetLeftPart(UriPartial.Authority))
            : throw new UsageException($"--replica {url} is not an http or https URL.");

    private static Dictionary<string, string> Pairs(ParseResult parsed, Option<string[]> option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var pair in parsed.GetValue(option)!)
            pairs[pair.IndexOf('=') is var at and > 0 ? pair[..at] : throw new UsageException($"{option.Name} {pair} is not of the form {option.HelpName}.")] = pair[(at + 1)..];
        return pairs;
    }

    private static int Within(ParseResult parsed, Option<int> option, int least, int most) => parsed.GetValue(option) is var value && value >= least && value <= most ? value
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} {value} is out of range. Possible are {least} to {most}."));

    private static TimeSpan Seconds(ParseResult parsed, Option<double> option) => parsed.GetValue(option) is var value and >= 0.1 and <= 3600 ? TimeSpan.FromSeconds(value)
        : throw new UsageException($"{option.Name} is out of range. Possible are 0.1 to 3600 seconds.");

    private static bool IsPattern(string text)
    {
        try
        {
            _ = new System.Text.RegularExpressions.Regex(text);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Whether a report can be written is found out before the minutes that it takes to have one.</summary>
    private static void RequireWritable(string? path, Surroundings surroundings)
    {
        if (path is null) return;
        try
        {
            using var file = new FileStream(Path.GetFullPath(path, surroundings.Directory), FileMode.OpenOrCreate, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written ({e.Message})");
        }
    }

    private static Option<string[]> Many(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => [], Arity = ArgumentArity.ZeroOrMore };

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
