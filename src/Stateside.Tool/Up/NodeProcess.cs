using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;

namespace Stateside.Tool.Up;

/// <summary>
/// One process that serves the shop. It stays in this tool's process group, writes its own log file, and ends when this
/// tool ends, however that happens: it watches its standard input, of which this object holds the other end.
/// </summary>
internal sealed partial class NodeProcess : IDisposable
{
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_readyWithin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(20);
    private static readonly HttpClient s_probe = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    private readonly Process _process;
    private readonly string _log;
    private readonly long _logStart;
    private readonly TimeProvider _time;

    private NodeProcess(Process process, string log, long logStart, TimeProvider time) => (_process, _log, _logStart, _time) = (process, log, logStart, time);

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>128 plus the signal's number if a signal ended it, as shells say it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts the process; its output is added to <paramref name="log"/>.</summary>
    /// <param name="plan">What is started.</param>
    /// <param name="url">Where it listens.</param>
    /// <param name="log">The file of its output.</param>
    /// <param name="time">The clock.</param>
    /// <param name="within">A command that replaces itself by the one after it, to start the process elsewhere, as in a network of its own.</param>
    public static NodeProcess Start(ShopPlan plan, string url, string log, TimeProvider time, params IEnumerable<string> within)
    {
        var program = Repository.Sample(plan.Sample);
        // The shell puts the output into the file and is then replaced by the program: so output keeps flowing whatever
        // becomes of this tool, and the process id is the program's own.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >>\"$0\" 2>&1", log, .. within, Repository.DotNet, program, "--urls", url, .. plan.Arguments])
        {
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetDirectoryName(program)!,
        };
        start.Environment["STATESIDE_STOP_ON_STDIN_EOF"] = "1";
        foreach (var (name, value) in plan.Environment) start.Environment[name] = value;
        var logStart = File.Exists(log) ? new FileInfo(log).Length : 0;
        return new NodeProcess(Process.Start(start)!, log, logStart, time);
    }

    /// <summary>Waits until the process serves. False: it ended first, or is taking longer than any recovery should.</summary>
    public async Task<bool> WaitUntilReadyAsync(string url, CancellationToken cancellationToken)
    {
        var address = new Uri(url + "/readyz");
        var begun = _time.GetTimestamp();
        while (!_process.HasExited && _time.GetElapsedTime(begun) < s_readyWithin)
        {
            try
            {
                using var response = await s_probe.GetAsync(address, cancellationToken);
                if (response.StatusCode == HttpStatusCode.OK) return true;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Listening, but too busy to answer yet.
            }

            await Task.Delay(s_pollEvery, _time, cancellationToken);
        }

        return false;
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>SIGKILL; returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        Native.KillNow(_process.Id);
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Asks the process to end, waits for it within bounds, and ends it by force after that.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> StopAsync()
    {
        if (_process.HasExited) return true;
        Native.Terminate(_process.Id);
        using var bound = new CancellationTokenSource(s_stopWithin, _time);
        try
        {
            await _process.WaitForExitAsync(bound.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            return false;
        }
    }

    /// <summary>What the process said last about its end: the message of its exception without causes and trace, else its last lines.</summary>
    public IReadOnlyList<string> LastWords()
    {
        const int most = 20;
        using var file = new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Max(_logStart, file.Length - 64 * 1024), SeekOrigin.Begin);
        var lines = new StreamReader(file).ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
        var exception = lines.FindLastIndex(line => line.StartsWith("Unhandled exception.", StringComparison.Ordinal));
        if (exception < 0) return lines.TakeLast(most).ToList();
        lines[exception] = ExceptionPrefix().Replace(lines[exception], "");
        return lines.Skip(exception).TakeWhile(line => !line.StartsWith("   at ", StringComparison.Ordinal) && !line.StartsWith(" ---> ", StringComparison.Ordinal)).Take(most).ToList();
    }

    public void Dispose() => _process.Dispose();

    [GeneratedRegex(@"^Unhandled exception\. [\w.`+]+(?: \([^)]*\))?: ")]
    private static partial Regex ExceptionPrefix();
}
