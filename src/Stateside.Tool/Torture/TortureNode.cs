using System.Diagnostics;
using System.Globalization;
using System.Net;
using Stateside.Tool.Bench;
using Stateside.Tool.Up;

namespace Stateside.Tool.Torture;

/// <summary>One process of the cluster, a node or the gateway: what can be done to it, and whether it ended without being asked to.</summary>
/// <param name="name">Its name, as a member of the network too.</param>
/// <param name="plan">What is started.</param>
/// <param name="listens">Where it serves.</param>
/// <param name="log">The file of its output.</param>
/// <param name="within">The command that puts it into its network.</param>
/// <param name="died">Told when it ended by itself.</param>
/// <param name="time">The clock.</param>
internal sealed class TortureNode(string name, ShopPlan plan, IPEndPoint listens, string log, string[] within, Action<string> died, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_returnsWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(500);

    // The shell that stopped it lets it go on when this tool ends, however that ends: a process that is stopped cannot notice.
    private const string Pause = "kill -STOP \"$0\"; read -r _; kill -CONT \"$0\"";

    private NodeProcess? _process;
    private bool _mayEnd;

    public string Name => name;

    public Uri Url { get; } = new($"http://{listens}");

    /// <summary>Starts it and waits until it serves. It may have to be started more than once: without a store it ends at once.</summary>
    /// <exception cref="TortureException">It does not.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            _process?.Dispose();
            var process = _process = NodeProcess.Start(plan, Url.GetLeftPart(UriPartial.Authority), log, time, within);
            if (await process.WaitUntilReadyAsync(Url.GetLeftPart(UriPartial.Authority), cancellationToken))
            {
                _mayEnd = false;
                _ = WatchAsync(process);
                return;
            }
            if (time.GetElapsedTime(begun) > s_returnsWithin) throw new TortureException($"{name} does not serve {s_returnsWithin.TotalSeconds:0} s after its start. It said last: {string.Join(" | ", process.LastWords().TakeLast(3))}");
            if (!process.HasExited) await process.KillAsync();
            await Task.Delay(s_again, time, cancellationToken);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _mayEnd = true;
        await _process!.KillAsync();
    }

    /// <summary>SIGSTOP for so long, then SIGCONT.</summary>
    public async Task PauseAsync(TimeSpan length)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Pause, _process!.Id.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true };
        using var shell = Process.Start(start)!;
        try
        {
            await Task.Delay(length, time);
        }
        finally
        {
            shell.StandardInput.Close();
            await shell.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>SIGTERM; returns when it has ended.</summary>
    public async Task DrainAsync()
    {
        _mayEnd = true;
        if (!await _process!.StopAsync()) died($"{name} did not end within 20 s of SIGTERM");
    }

    public async ValueTask DisposeAsync()
    {
        _mayEnd = true;
        if (_process is null) return;
        if (!_process.HasExited) await _process.KillAsync();
        _process.Dispose();
    }

    private async Task WatchAsync(NodeProcess process)
    {
        await process.WaitForExitAsync(CancellationToken.None);
        if (_mayEnd || process != _process) return;
        died($"{name} ended by itself with exit code {process.ExitCode}: {string.Join(" | ", process.LastWords().TakeLast(3))}");
    }
}

/// <summary>The torture cannot go on as it should; the message is a finding.</summary>
internal sealed class TortureException(string message) : Exception(message);
