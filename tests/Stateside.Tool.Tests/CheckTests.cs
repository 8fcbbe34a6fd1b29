using System.Diagnostics;

namespace Stateside.Tool.Tests;

public sealed class CheckTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private const string Scenario = "POST /a\n\n###\nGET /a\n";

    [Theory]
    [InlineData("", "--launch CMD or --replica URL")]
    [InlineData("--launch x{port} --replica http://127.0.0.1:1", "--launch CMD or --replica URL")]
    [InlineData("--launch x", "{port}")]
    [InlineData("--launch x{port} --restart y", "--restart and --stop")]
    [InlineData("--launch x{port} --workdir nowhere", "--workdir")]
    [InlineData("--launch x{port} --replicas 1", "--replicas 1 is out of range")]
    [InlineData("--launch x{port} --env X", "--env X is not of the form K=V")]
    [InlineData("--launch x{port} --ready healthz", "it begins with /")]
    [InlineData("--launch x{port} --only guess", "is not an experiment")]
    [InlineData("--launch x{port} --ignore /(/", "is not a regular expression")]
    [InlineData("--launch x{port} --html nowhere/report.html", "cannot be written")]
    [InlineData("--replica localhost:80", "is not an http or https URL")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://127.0.0.1:2 --stop x", "--stop needs --restart")]
    [InlineData("--replica http://127.0.0.1:1", "there is nothing to compare")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://localhost:1/", "is there twice")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://127.0.0.1:2/app", "has a path")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://ann:pepper@127.0.0.1:2", "has a user in it")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://127.0.0.1:2 --restart ./again", "--restart has no {i}")]
    [InlineData("--replica http://127.0.0.1:1 --replica http://127.0.0.1:2 --replicas 5", "--replicas is for replicas that --launch starts")]
    [InlineData("--launch x{port} --host a/b", "--host a/b is not a host")]
    [InlineData("--launch x{port} --html a.http", "which is a scenario")]
    [InlineData("--launch x{port} --json other.har", "which is a scenario")]
    [InlineData("--launch x{port} --html r --junit r", "two reports")]
    [InlineData("--launch x{port} --bogus", "there is no option --bogus")]
    [InlineData("./a.http --launch x{port}", "is there twice")]
    [InlineData("--launch x{port} --correlate csrf", "--correlate takes NAME=PLACE@STEP")]
    [InlineData("--launch x{port} --repeat x", "--repeat takes a whole number, not 'x': How often the undisturbed scenario is run first, 3 to 50.")]
    [InlineData("--launch x{port} --repeat 2.5", "--repeat takes a whole number, not '2.5'")]
    [InlineData("--launch x{port} --concurrency many", "--concurrency takes a whole number, not 'many': How many sets of replicas and how many sessions go side by side, 1 to 32.")]
    [InlineData("--launch x{port} --timeout 5s", "--timeout takes a number, not '5s': The longest wait for a response, in seconds, 0.1 to 3600.")]
    [InlineData("--launch x{port} --ready-timeout soon", "--ready-timeout takes a number, not 'soon'")]
    [InlineData("--launch x{port} --replicas two", "--replicas takes a whole number, not 'two': How many replicas are launched, 2 to 8.")]
    [InlineData("--launch x{port} --timeout 0", "--timeout 0 is out of range. Possible are 0.1 to 3600 seconds.")]
    public async Task Wrong_usage_is_one_line_with_the_fix_and_exit_code_2(string arguments, string message)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", Scenario);
        var (code, _, error) = await Tool.RunAsync(directory.Path, ["check", "a.http", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(2, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("pepper", error, StringComparison.Ordinal);
        Assert.Equal(["a.http"], Directory.GetFiles(directory.Path).Select(Path.GetFileName));
        Assert.Equal(Scenario, await File.ReadAllTextAsync(Path.Combine(directory.Path, "a.http")));
    }

    [Fact]
    public async Task A_service_that_answers_every_step_with_an_error_gets_no_verdict()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", Scenario);
        var (code, output, _) = await Tool.RunAsync(directory.Path, "check", "a.http", "--launch", "/usr/bin/python3 -m http.server {port} --bind 127.0.0.1 --directory {dir}", "--ready-timeout", "60");
        Assert.Equal(2, code);
        Assert.Contains("no step succeeds in the undisturbed scenario (404, 501)", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scenario_that_is_not_there_is_said_so()
    {
        using var directory = new TemporaryDirectory();
        var (code, _, error) = await Tool.RunAsync(directory.Path, "check", "b.http", "--launch", "x {port}");
        Assert.Equal(2, code);
        Assert.Contains("b.http", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_is_no_scenario_whatever_its_name()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(Path.Combine(directory.Path, "dir.http"));
        var (code, _, error) = await Tool.RunAsync(directory.Path, "check", "dir.http", "--launch", "x {port}");
        Assert.Equal(2, code);
        Assert.Contains("dir.http: is a directory", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Output_that_cannot_be_written_is_one_line_and_exit_code_2_and_stops_the_check_in_order()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", "GET /\n");
        var error = new StringWriter();
        var surroundings = new Surroundings(new OutputWriter(new FullDisk()), TextWriter.Synchronized(error), true, directory.Path, TimeProvider.System);
        var code = await CommandLine.RunAsync(["check", "a.http", "--launch", "echo $$ >> pids; exec /usr/bin/python3 -m http.server {port} --bind 127.0.0.1 --directory {dir}", "--ready-timeout", "60"], surroundings, CancellationToken.None);
        Assert.Equal(2, code);
        Assert.Equal("stateside check: standard output cannot be written (No space left on device).", error.ToString().TrimEnd());
        var started = await File.ReadAllLinesAsync(Path.Combine(directory.Path, "pids"));
        Assert.NotEmpty(started);
        Assert.All(started, pid => Assert.False(Directory.Exists($"/proc/{pid}"), pid));
    }

    [Theory]
    [InlineData("-TERM", "-", 143)]
    [InlineData("-INT", "-", 130)]
    [InlineData("-HUP", "-", 129)]
    [InlineData("-KILL", "-", 137)]
    [InlineData("-TERM", "", 143)]
    [InlineData("-KILL", "", 137)]
    public async Task Whatever_ends_the_check_or_its_whole_group_leaves_no_replica_behind(string signal, string group, int code)
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", "GET /slow\n");
        // It says once that signals end it as they should, and then lets the check wait for an answer.
        directory.Write("serve.py", """
            import http.server, os, signal, sys, time
            print(os.getpid(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, file=open('pids', 'a'), flush=True)
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    if self.path == '/slow': open('asked', 'w').close(); time.sleep(60)
                    self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
                def log_message(self, *_): pass
            http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
            """);
        // The tool as it is built for itself; with setsid it is the first of a group, as it is under a shell, timeout or a runner.
        var tool = typeof(CommandLine).Assembly.Location.Replace("Stateside.Tool.Tests", "Stateside.Tool", StringComparison.Ordinal);
        using var check = Process.Start(new ProcessStartInfo("setsid", ["dotnet", tool, "check", "a.http", "--launch", "/usr/bin/python3 serve.py {port}", "--ready-timeout", "60", "--timeout", "50"])
        {
            WorkingDirectory = directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await UntilAsync(() => check.HasExited || File.Exists(Path.Combine(directory.Path, "asked")));
        Assert.False(check.HasExited, "it ended before the signal");
        using (var kill = Process.Start("/bin/kill", [signal, "--", $"{group}{check.Id}"])) await kill.WaitForExitAsync();
        await check.WaitForExitAsync().WaitAsync(s_patience);
        Assert.Equal(code, check.ExitCode);
        var started = (await File.ReadAllLinesAsync(Path.Combine(directory.Path, "pids"))).Select(l => l.Split(' ')).ToList();
        Assert.Equal(2, started.Count);
        Assert.All(started, s => Assert.Equal(["True", "True"], s[1..]));
        await UntilAsync(() => started.TrueForAll(s => !Directory.Exists($"/proc/{s[0]}")));
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (!holds()) await Task.Delay(20, limit.Token);
    }

    [Fact]
    public async Task What_only_left_out_is_said_to_be_unexamined_and_what_was_asked_for_is_answered()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("serve.py", """
            import http.server, os, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def answer(self, status, text):
                    self.send_response(status); self.send_header('Content-Length', str(len(text))); self.end_headers(); self.wfile.write(text.encode())
                def do_PUT(self):
                    open(os.path.basename(self.path), 'w').close(); self.answer(200, 'put')
                def do_GET(self):
                    self.answer(200, 'ready' if self.path == '/' else 'there' if os.path.exists(os.path.basename(self.path)) else 'nothing')
                def log_message(self, *_): pass
            http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
            """);
        directory.Write("a.http", "@name = {{$guid}}\nPUT /{{name}}\n###\nGET /{{name}}\n");
        var (code, output, _) = await Tool.RunAsync(directory.Path, "check", "a.http", "--launch", "/usr/bin/python3 serve.py {port}", "--ready-timeout", "60", "--only", "move");
        Assert.Equal(0, code);
        Assert.Contains("1. HOLDS        Context", output, StringComparison.Ordinal);
        Assert.Contains("2. CANNOT TELL  External", output, StringComparison.Ordinal);
        Assert.Contains("Only move was asked for (--only): what rests on the other experiments (spread,", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_left_is_shown_once_it_means_something_and_only_becomes_less_until_an_experiment_ends()
    {
        var time = new Clock();
        var view = new Check.CheckProgressView(time);
        string At(int seconds, int done)
        {
            time.Seconds = seconds;
            return view.Line(new Stateside.Check.CheckProgress("a", "move", null, done, 12));
        }
        Assert.EndsWith("(2 of 12 done, 6 s)", At(6, 2), StringComparison.Ordinal);
        Assert.EndsWith("(4 of 12 done, 10 s, about 20 s left)", At(10, 4), StringComparison.Ordinal);
        Assert.EndsWith("(4 of 12 done, 15 s, about 15 s left)", At(15, 4), StringComparison.Ordinal);
        Assert.EndsWith("(4 of 12 done, 31 s)", At(31, 4), StringComparison.Ordinal);
        Assert.EndsWith("(8 of 12 done, 32 s, about 16 s left)", At(32, 8), StringComparison.Ordinal);
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    private sealed class FullDisk : StringWriter
    {
        public override void Write(char value) => throw new IOException("No space left on device");

        public override void Write(char[] buffer, int index, int count) => throw new IOException("No space left on device");

        public override void Write(string? value) => throw new IOException("No space left on device");

        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }

    [Fact]
    public async Task All_reports_are_written_and_strict_fails_what_cannot_be_told()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", "@name = {{$guid}}\nGET /{{name}}/\n###\nGET /\n");
        var (code, output, error) = await Tool.RunAsync(directory.Path, "check", "a.http", "--launch", "/usr/bin/python3 -m http.server {port} --bind 127.0.0.1 --directory {dir}",
            "--ready-timeout", "60", "--html", "r.html", "--json", "r.json", "--sarif", "r.sarif", "--junit", "r.xml", "--strict");
        // Progress is no part of the report.
        Assert.All(error.TrimEnd('\n').Split('\n'), line => Assert.StartsWith("a.http: ", line, StringComparison.Ordinal));
        Assert.DoesNotContain(" done, ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("--strict", output, StringComparison.Ordinal);
        // Nothing is written, so nothing can be told: that is no failure, unless --strict says so.
        Assert.Equal(1, code);
        Assert.Contains("cannot tell", output, StringComparison.Ordinal);
        Assert.Contains("Does it scale out without sticky sessions?", output, StringComparison.Ordinal);
        foreach (var file in (string[])["r.html", "r.json", "r.sarif", "r.xml"]) Assert.True(new FileInfo(Path.Combine(directory.Path, file)).Length > 200, file);
        using var json = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(directory.Path, "r.json")));
        Assert.Equal("cannot_tell", json.RootElement.GetProperty("result").GetString());
        Assert.Equal(5, json.RootElement.GetProperty("verdicts").GetArrayLength());
    }

    [Fact]
    public async Task With_json_standard_output_is_the_report_alone()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("a.http", "GET /\n");
        string[] arguments = ["check", "a.http", "--launch", "/usr/bin/python3 -m http.server {port} --bind 127.0.0.1 --directory {dir}", "--ready-timeout", "60", "--only", "move"];
        Assert.Contains("Nothing was proved, and since nothing fails the exit code is 0. With --strict it is 1", (await Tool.RunAsync(directory.Path, arguments)).Out.ReplaceLineEndings(" "), StringComparison.Ordinal);
        var (code, output, _) = await Tool.RunAsync(directory.Path, [.. arguments, "--json"]);
        Assert.Equal(0, code);
        using var json = System.Text.Json.JsonDocument.Parse(output);
        Assert.Empty(json.RootElement.GetProperty("answered").EnumerateArray());
        Assert.Equal(1, json.RootElement.GetProperty("version").GetInt32());
    }
}
