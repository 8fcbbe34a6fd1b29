using System.Collections.Concurrent;
using System.Diagnostics;

namespace Stateside.Tool.Tests;

/// <summary>The tool as a process of its own; mostly with Classic as the shop, since that needs nothing else.</summary>
public sealed class UpTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static int s_lastPort = 18150;

    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly int _port = Interlocked.Increment(ref s_lastPort);
    private readonly List<Process> _started = [];

    private string Url => $"http://127.0.0.1:{_port}";

    private int NodeId => int.Parse(File.ReadAllText(Path.Combine(_directory.Path, "data", "node-1.pid")));

    public void Dispose()
    {
        foreach (var process in _started)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        _directory.Dispose();
    }

    private Process Start(params string[] more) => StartAs("classic", more);

    private Process StartAs(string architecture, params string[] more)
    {
        // The tool as it is built for itself: the copy beside these tests lacks what their own frameworks bring.
        var tool = typeof(CommandLine).Assembly.Location.Replace("Stateside.Tool.Tests", "Stateside.Tool", StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", [tool, "up", "--as", architecture, "--port", $"{_port}", "--data", "data", .. more])
        {
            WorkingDirectory = _directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) => { if (e.Data is not null) _lines.Enqueue(e.Data); };
        process.ErrorDataReceived += (_, e) => { if (e.Data is not null) _lines.Enqueue("error: " + e.Data); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _started.Add(process);
        return process;
    }

    private async Task UntilAsync(string what, Func<bool> holds)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            if (TimeProvider.System.GetElapsedTime(begun) > s_patience) Assert.Fail($"Waited in vain for: {what}. The tool said:\n{string.Join('\n', _lines)}");
            await Task.Delay(20);
        }
    }

    private Task ReadyAsync() => UntilAsync("ready", () => _lines.Contains($"ready {Url}"));

    private static async Task<int> ExitAsync(Process process)
    {
        using var bound = new CancellationTokenSource(s_patience);
        await process.WaitForExitAsync(bound.Token);
        return process.ExitCode;
    }

    private async Task<string> GetAsync(string path)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(Url + path);
    }

    [Fact]
    public async Task Ready_means_that_it_serves_and_SIGTERM_stops_everything_with_exit_code_0()
    {
        var up = Start();
        await ReadyAsync();
        Assert.Equal("""{"lines":[],"quantity":0}""", await GetAsync("/cart"));
        Assert.Contains(_lines, line => line.Contains("loses sessions", StringComparison.Ordinal));
        var node = NodeId;
        Assert.True(Native.IsAlive(node));

        Native.Terminate(up.Id);
        Assert.Equal(0, await ExitAsync(up));
        Assert.False(Native.IsAlive(node));
        Assert.False(File.Exists(Path.Combine(_directory.Path, "data", "node-1.pid")));
        Assert.Contains("shutting down", File.ReadAllText(Path.Combine(_directory.Path, "data", "node-1.log")));
        Assert.DoesNotContain(_lines, line => line.Contains("killed", StringComparison.Ordinal) || line.StartsWith("error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new[] { "--as", "stateless" }, "  cart     Client  sealed", "  order    Store   needs Current")]
    [InlineData(new[] { "--as", "hybrid", "--place", "cart=Client" }, "  cart     Client  as --place says", "  counter  Store   shared")]
    public async Task A_preset_prints_the_places_that_it_sets_and_what_they_cost(string[] arguments, string cart, string other)
    {
        var up = StartAs(arguments[1], arguments[2..]);
        await ReadyAsync();
        Assert.Contains(_lines, line => line.StartsWith(cart, StringComparison.Ordinal));
        Assert.Contains(_lines, line => line.StartsWith(other, StringComparison.Ordinal));
        using var http = new HttpClient();
        using var reply = await http.PostAsync(Url + "/cart/add", new StringContent("""{"product_id":"tea","quantity":2}""", System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(2, reply.Headers.GetValues("Set-Cookie").Count());
        Native.Terminate(up.Id);
        Assert.Equal(0, await ExitAsync(up));
    }

    [Fact]
    public async Task A_node_that_was_killed_is_started_again()
    {
        var up = Start();
        await ReadyAsync();
        var first = NodeId;
        Process.GetProcessById(first).Kill();
        await UntilAsync("serves again", () => _lines.Any(line => line.EndsWith("serves again", StringComparison.Ordinal)));
        Assert.NotEqual(first, NodeId);
        Assert.Contains($"node 1 (process {first}) ended with exit code 137; it is started again in a second", _lines);
        await GetAsync("/readyz");
        Native.Terminate(up.Id);
        Assert.Equal(0, await ExitAsync(up));
    }

    [Fact]
    public async Task Without_restart_the_death_of_the_node_ends_it_with_exit_code_1()
    {
        var up = Start("--no-restart");
        await ReadyAsync();
        Process.GetProcessById(NodeId).Kill();
        Assert.Equal(1, await ExitAsync(up));
    }

    [Fact]
    public async Task The_node_ends_with_an_up_that_was_killed_and_the_next_up_takes_over()
    {
        var up = Start();
        await ReadyAsync();
        var node = NodeId;
        up.Kill();
        await ExitAsync(up);
        _lines.Clear();
        var next = Start();
        await ReadyAsync();
        Assert.NotEqual(node, NodeId);
        await UntilAsync("the end of the first node", () => !Native.IsAlive(node));
        Native.Terminate(next.Id);
        Assert.Equal(0, await ExitAsync(next));
    }

    [Fact]
    public async Task A_port_or_a_data_directory_that_is_in_use_is_refused()
    {
        Start();
        await ReadyAsync();
        var (code, _, error) = await Tool.RunAsync(_directory.Path, "up", "--as", "classic", "--port", $"{_port}", "--data", "other");
        Assert.Equal(2, code);
        Assert.Contains($"Port {_port} is in use", error);
        (code, _, error) = await Tool.RunAsync(_directory.Path, "up", "--as", "classic", "--port", "18199", "--data", "data");
        Assert.Equal(2, code);
        Assert.Contains("Is another `stateside up` using it?", error);
    }

    [Fact]
    public async Task The_shop_on_SQLite_loses_and_doubles_nothing_when_it_is_killed_under_a_replay()
    {
        var up = StartAs("hybrid");
        await ReadyAsync();
        var month = Path.Combine(Repository.Root, "samples", "Shop", "data", "online-retail-2010-12.csv.gz");
        var replay = Tool.RunAsync(_directory.Path, "replay", month, "--url", Url, "--resend", "30", "--limit-invoices", "150");
        for (var kills = 1; kills <= 2 && !replay.IsCompleted; kills++)
        {
            var node = NodeId;
            var before = new FileInfo(Path.Combine(_directory.Path, "data", "stateside.db-wal")).Length;
            // Kills it while it works, not while nothing goes on: once it has written since it began.
            await UntilAsync("commits", () => replay.IsCompleted || new FileInfo(Path.Combine(_directory.Path, "data", "stateside.db-wal")).Length != before);
            Process.GetProcessById(node).Kill();
            await UntilAsync("serves again", () => _lines.Count(line => line.EndsWith("serves again", StringComparison.Ordinal)) == kills);
        }

        var (code, output, error) = await replay;
        Assert.True(code == 0, output + error);
        Assert.DoesNotContain("retries: 0\n", output);

        (code, output, _) = await Tool.RunAsync(_directory.Path, "doctor", "--store", "sqlite:data/stateside.db", "--needs", "Durable,Current,Shared");
        Assert.True(code == 0, output);
        Native.Terminate(up.Id);
        Assert.Equal(0, await ExitAsync(up));
    }

    [Fact]
    public async Task A_shop_that_cannot_start_says_why_without_a_trace_and_the_exit_code_is_2()
    {
        Directory.CreateDirectory(Path.Combine(_directory.Path, "data"));
        _directory.Write("foreign.db", "this is no database, whatever its name says; so it is left as it is");
        var up = StartAs("hybrid", "--store", "sqlite:foreign.db");
        Assert.Equal(2, await ExitAsync(up));
        await UntilAsync("the message", () => _lines.Any(line => line.Contains("is not an SQLite database", StringComparison.Ordinal)));
        Assert.DoesNotContain(_lines, line => line.StartsWith("error:    at", StringComparison.Ordinal) || line.Contains("Unhandled", StringComparison.Ordinal));
    }
}
