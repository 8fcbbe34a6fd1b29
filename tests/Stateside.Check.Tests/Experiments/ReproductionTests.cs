using System.Diagnostics;
using System.Text.RegularExpressions;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;

namespace Stateside.Check.Tests.Experiments;

/// <summary>What a report says can be pasted is pasted, after the replicas of the check are gone.</summary>
public sealed partial class ReproductionTests
{
    private const string Service = """
        import http.server, sys, uuid
        known = set()
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, text):
                self.send_response(status); self.send_header('Content-Type', 'text/plain'); self.send_header('Content-Length', str(len(text))); self.end_headers(); self.wfile.write(text.encode())
            def do_POST(self):
                id = uuid.uuid4().hex; known.add(id); self.send_response(201); self.send_header('Set-Cookie', 'sid=' + id + '; HttpOnly'); self.send_header('Content-Length', '0'); self.end_headers()
            def do_GET(self):
                id = (self.headers.get('Cookie') or '').replace('sid=', '')
                self.answer(*((200, 'ok') if self.path != '/me' else (200, 'welcome back') if id in known else (403, 'who are you?')))
            def log_message(self, *_): pass
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
        """;

    [Fact]
    public async Task A_reproduction_starts_the_replicas_and_shows_the_failure_by_itself()
    {
        var folder = Directory.CreateTempSubdirectory("stateside-check-tests-").FullName;
        try
        {
            var program = Path.Combine(folder, "service.py");
            await File.WriteAllTextAsync(program, Service);
            var source = new LaunchedSource(new LaunchOptions { Command = $"/usr/bin/python3 {program} {{port}}", ReadyWithin = TimeSpan.FromSeconds(60) }, TimeProvider.System);
            var report = await new CheckRun([Checking.Read("POST /sessions\n\n###\nGET /other\n\n###\nGET /me\n")], source, new CheckOptions(), TimeProvider.System).RunAsync(CancellationToken.None);
            Assert.Equal("ff", Checking.Answers(report)[..2]);
            foreach (var script in report.Findings.Select(f => f.Reproduction).OfType<string>())
                Assert.All(Bases().Matches(script), b => Assert.Contains($"service.py {b.Groups[1].Value}'", script, StringComparison.Ordinal));
            foreach (var rule in (string[])["CHK-MOVE", "CHK-RESTART"])
            {
                var script = report.Findings.First(f => f.Rule == rule && f.Severity == Severity.Error).Reproduction!;
                var said = await BashAsync(script);
                Assert.Contains("step 1 at replica 0: 201", said, StringComparison.Ordinal);
                Assert.Contains("who are you?", said, StringComparison.Ordinal);
                // What the check says of the same place, and nothing of the shell's own, comes last.
                Assert.EndsWith("expected at status: \"200\"; got: see above (\"403\" when it was found)", said.TrimEnd(), StringComparison.Ordinal);
                Assert.DoesNotContain("Killed", said, StringComparison.Ordinal);
            }
            Assert.All(report.Findings.Where(f => f.Severity == Severity.Error), f => Assert.NotNull(f.Reproduction));
            var broken = await BashAsync(report.Findings.First(f => f.Rule == "CHK-MOVE").Reproduction!.Replace("service.py", "nothing.py", StringComparison.Ordinal));
            Assert.Contains("replica 0 does not serve http://127.0.0.1:", broken, StringComparison.Ordinal);
            Assert.Contains("nothing.py", broken, StringComparison.Ordinal);
            Assert.DoesNotContain("expected at", broken, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [GeneratedRegex(@"^BASE_\d=http://127\.0\.0\.1:(\d+)$", RegexOptions.Multiline)]
    private static partial Regex Bases();

    private static async Task<string> BashAsync(string script)
    {
        var start = new ProcessStartInfo("/bin/bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var bash = Process.Start(start)!;
        await bash.StandardInput.WriteAsync(script);
        bash.StandardInput.Close();
        var said = await Task.WhenAll(bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync()).WaitAsync(TimeSpan.FromMinutes(2));
        return string.Concat(said);
    }
}
