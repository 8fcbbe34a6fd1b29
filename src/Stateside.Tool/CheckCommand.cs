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
    private static readonly Option<double> s_readyTimeout = new("--ready-timeout") { Description = "The longest a replica may take to serve, in seconds, 0.1 to 3600.", DefaultValueFactory = _ => 30, HelpName = "S" };
    private static readonly Option<string[]> s_replica = Many("--replica", "A replica that runs already; give it for each.", "URL");
    private static readonly Option<string?> s_restart = new("--restart") { Description = "Kills replica {i} (from 0) without notice and starts it again, for replicas that were given.", HelpName = "CMD" };
    private static readonly Option<string?> s_stop = new("--stop") { Description = "Kills replica {i} before --restart is run.", HelpName = "CMD" };
    private static readonly Option<string?> s_host = new("--host") { Description = "The Host of all requests. Default: that of the first replica.", HelpName = "HOST" };
    private static readonly Option<string[]> s_var = Many("--var", "A variable of the scenario.", "NAME=VALUE");
    private static readonly Option<string[]> s_correlate = Many("--correlate", "Takes a value of a HAR from a response: csrf=html:form[0].field[csrf]@4.", "NAME=PLACE@STEP");
    private static readonly Option<string[]> s_noCorrelate = Many("--no-correlate", "Sends a value of a HAR as it was recorded.", "NAME");
    private static readonly Option<string[]> s_only = Many("--only", $"Does only these experiments: {string.Join(", ", CheckRun.Experiments)}.", "NAME");
    private static readonly Option<int> s_repeat = new("--repeat") { Description = "How often the undisturbed scenario is run first, 3 to 50.", DefaultValueFactory = _ => 5, HelpName = "N" };
    private static readonly Option<double> s_timeout = new("--timeout") { Description = "The longest wait for a response, in seconds, 0.1 to 3600.", DefaultValueFactory = _ => 10, HelpName = "S" };
    private static readonly Option<string[]> s_ignore = Many("--ignore", "Is not compared: a header's name, a JSON path ($.a.b), a place as the report writes it, or a /regular expression/.", "WHAT");
    private static readonly Option<int> s_concurrency = new("--concurrency") { Description = "How many sets of replicas and how many sessions go side by side, 1 to 32.", DefaultValueFactory = _ => 4, HelpName = "N" };
    private static readonly Option<int> s_copies = new("--parallel") { Description = "How many requests are sent at once to look for lost updates, 2 to 200.", DefaultValueFactory = _ => 20, HelpName = "N" };
    private static readonly Option<bool> s_strict = new("--strict") { Description = "Exit code 1 also where a question cannot be told." };
    private static readonly Option<string?> s_json = File("--json", "Writes the report as JSON (docs/check.md); without FILE, or with -, to standard output instead of the table. Put it behind the scenarios.");
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
        RequireWritable([.. files.Select(f => f.Path).OfType<string>()], parsed.GetValue(s_scenarios)!, surroundings);

        var progress = new CheckProgressView(surroundings.Time);
        var run = new CheckRun(scenarios, source, options, surroundings.Time, progress.Tell);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        CheckReport report;
        try
        {
            report = await progress.ShowAsync(run.RunAsync(stopping.Token), surroundings, !isJsonOut && surroundings.IsTerminal, stopping);
        }
        catch (ReplicaException e)
        {
            throw new UsageException(e.Message);
        }
        // Files first: what is shown may not be writable, and what took minutes is kept all the same.
        foreach (var (path, write) in files)
            if (path is not null) await WriteAsync(report, path, write, surroundings);
        if (isJsonOut) JsonReport.Write(report, surroundings.Out);
        else CheckView.Write(report, parsed.GetValue(s_strict), surroundings);
        return report.Unrepeatable is not null ? ExitCode.Usage
            : report.Fails || (parsed.GetValue(s_strict) && report.Verdicts.Any(v => v.Outcome == Outcome.CannotTell)) ? ExitCode.DoesNotHold
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
            Conversation = new ConversationOptions { Host = Host(parsed), Timeout = Seconds(parsed, s_timeout) },
        };
    }

    private static List<Scenario> Scenarios(ParseResult parsed, Surroundings surroundings)
    {
        try
        {
            var corrections = Corrections.Parse(parsed.GetValue(s_correlate)!, parsed.GetValue(s_noCorrelate)!);
            var variables = Pairs(parsed, s_var);
            foreach (var path in parsed.GetValue(s_scenarios)!)
            {
                if (path.StartsWith('-')) throw new UsageException($"there is no option {path.Split('=')[0]}. --help lists them.");
                if (parsed.GetValue(s_scenarios)!.Count(p => Path.GetFullPath(p, surroundings.Directory) == Path.GetFullPath(path, surroundings.Directory)) > 1) throw new UsageException($"{path} is there twice.");
            }
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
        var addresses = Addresses(given);
        if (addresses.Count == 1) throw new UsageException("--replica is there once: with one replica there is nothing to compare. Give each of them, two or more, with a --replica of its own.");
        foreach (var option in new Option[] { s_replicas, s_env, s_workdir })
            if (parsed.GetResult(option) is { Implicit: false }) throw new UsageException($"{option.Name} is for replicas that --launch starts, not for those given with --replica.");
        if (parsed.GetValue(s_restart) is { } restart && !restart.Contains("{i}", StringComparison.Ordinal))
            throw new UsageException("--restart has no {i}, so it cannot tell which replica to restart. Put {i} (0, 1, …) where the command names the replica.");
        if (parsed.GetValue(s_stop) is not null && parsed.GetValue(s_restart) is null) throw new UsageException("--stop needs --restart 'CMD {i}', which starts the replica again.");
        return new GivenSource(new GivenOptions(addresses, parsed.GetValue(s_restart), parsed.GetValue(s_stop)) { Ready = ready, ReadyWithin = within, Host = Host(parsed), Mask = text => Masks.Text(text) }, surroundings.Time);
    }

    private static List<Uri> Addresses(string[] urls)
    {
        var addresses = urls.Select(Address).ToList();
        foreach (var (address, i) in addresses.Select((a, i) => (a, i)))
            if (addresses.Take(i).Any(other => other.Port == address.Port && (other.Host == address.Host || (other.IsLoopback && address.IsLoopback && (other.Host == "localhost" || address.Host == "localhost")))))
                throw new UsageException($"--replica {address.GetLeftPart(UriPartial.Authority)} is there twice: one replica tells nothing about two. Name each replica by an address of its own.");
        return addresses;
    }

    private static Uri Address(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")) throw new UsageException($"--replica {Masks.Text(url)} is not an http or https URL.");
        if (address.UserInfo.Length > 0) throw new UsageException($"--replica {address.Scheme}://{address.Authority} has a user in it, who would be sent nowhere. Put an Authorization header into the scenario.");
        return address.PathAndQuery == "/" ? address : throw new UsageException($"--replica {url} has a path; give scheme, host and port. Paths are in the scenario.");
    }

    private static string? Host(ParseResult parsed) =>
        parsed.GetValue(s_host) is not { } host || (Uri.TryCreate("http://" + host, UriKind.Absolute, out var url) && url.Authority.Equals(host, StringComparison.OrdinalIgnoreCase)) ? parsed.GetValue(s_host)
            : throw new UsageException($"--host {host} is not a host, with a port or without: shop.example or shop.example:8080.");

    private static Dictionary<string, string> Pairs(ParseResult parsed, Option<string[]> option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var pair in parsed.GetValue(option)!)
            pairs[pair.IndexOf('=') is var at and > 0 ? pair[..at] : throw new UsageException($"{option.Name} {pair} is not of the form {option.HelpName}.")] = pair[(at + 1)..];
        return pairs;
    }

    private static int Within(ParseResult parsed, Option<int> option, int least, int most) => parsed.GetValue(option) is var value && value >= least && value <= most ? value
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} {value} is out of range. Possible are {least} to {most}."));

    private static TimeSpan Seconds(ParseResult parsed, Option<double> option) => parsed.GetValue(option) is var value && value is >= 0.1 and <= 3600 ? TimeSpan.FromSeconds(value)
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} {value} is out of range. Possible are 0.1 to 3600 seconds."));

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

    private static async Task WriteAsync(CheckReport report, string path, Action<CheckReport, TextWriter> write, Surroundings surroundings)
    {
        try
        {
            await using var writer = new StreamWriter(Path.GetFullPath(path, surroundings.Directory));
            write(report, writer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} could not be written ({e.Message})");
        }
    }

    /// <summary>Whether reports can be written, and overwrite nothing of the user's, is found out before the minutes that it takes to have one.</summary>
    private static void RequireWritable(List<string> reports, string[] scenarios, Surroundings surroundings)
    {
        string Full(string path) => Path.GetFullPath(path, surroundings.Directory);
        foreach (var path in reports)
        {
            if (path.Length == 0) throw new UsageException("a report has no file name.");
            if (Path.GetExtension(path).ToLowerInvariant() is ".http" or ".rest" or ".har" || scenarios.Any(s => Full(s) == Full(path)))
                throw new UsageException($"the report would be written over {path}, which is a scenario by its name. Give the report a name of its own; --json without a name goes behind the scenarios.");
            if (reports.Count(p => Full(p) == Full(path)) > 1) throw new UsageException($"two reports would be written to {path}. Give each a file of its own.");
            try
            {
                var isNew = !System.IO.File.Exists(Full(path));
                using (new FileStream(Full(path), FileMode.OpenOrCreate, FileAccess.Write)) { }
                if (isNew) System.IO.File.Delete(Full(path));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"{path} cannot be written ({e.Message})");
            }
        }
    }

    private static Option<string[]> Many(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => [], Arity = ArgumentArity.ZeroOrMore };

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
