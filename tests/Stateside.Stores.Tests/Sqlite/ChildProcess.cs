using System.Diagnostics;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>This assembly, run as a program of its own.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private ChildProcess(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start)!;
    }

    public Process Process => _process;

    public StreamReader Output => _process.StandardOutput;

    public static ChildProcess Start(params string[] arguments) => new(Dotnet, ["exec", typeof(ChildProcess).Assembly.Location, .. arguments]);

    /// <summary>Starts it after a few commands of a shell.</summary>
    public static ChildProcess StartAfter(string script, params string[] arguments) => new("sh", InShell(script, arguments));

    /// <summary>Starts it where a shell may mount, unseen by all others; null where the system does not let us.</summary>
    public static ChildProcess? StartWithMounts(string script, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux() || !MayMount) return null;
        return new("unshare", [.. s_unshare, "sh", .. InShell(script, arguments)]);
    }

    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    public async Task<string> ReadLineAsync()
    {
        using var patience = new CancellationTokenSource(s_patience);
        return await Output.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("It ended early: " + await _process.StandardError.ReadToEndAsync(patience.Token));
    }

    /// <summary>Ends it as a power button would: no handler, no flush.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        using var patience = new CancellationTokenSource(s_patience);
        await _process.WaitForExitAsync(patience.Token);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private static string[] InShell(string script, string[] arguments) =>
        ["-c", $"set -e; {script}; exec \"$@\"", "sh", Dotnet, "exec", typeof(ChildProcess).Assembly.Location, .. arguments];

    private static readonly string[] s_unshare = Environment.IsPrivilegedProcess ? ["--mount"] : ["--user", "--map-root-user", "--mount"];

    private static readonly Lazy<bool> s_mayMount = new(() =>
    {
        try
        {
            using var trial = new ChildProcess("unshare", [.. s_unshare, "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /tmp"]);
            return trial._process.WaitForExit(s_patience) && trial._process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    private static bool MayMount => s_mayMount.Value;

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
}
