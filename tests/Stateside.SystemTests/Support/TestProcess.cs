using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Stateside.SystemTests.Support;

/// <summary>A program that a test started: its output, its end, its memory. It never outlives the test.</summary>
internal sealed class TestProcess : IAsyncDisposable
{
    private const int MostOutput = 256 * 1024;
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private TestProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote to standard output so far.</summary>
    public string Output => Read(_output);

    /// <summary>What it wrote to standard error so far.</summary>
    public string Error => Read(_error);

    /// <summary>Everything, for the message of a failed test.</summary>
    public string Said => $"{Output}{Error}";

    /// <summary>Starts a program of this repository.</summary>
    public static TestProcess Start(string project, params IEnumerable<string> arguments)
    {
        // A runner in the background hands on that SIGINT is ignored; a program in a terminal hears it.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Repository.Program(project), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        // The samples watch their standard input, so they end with the tests even if those are killed.
        start.Environment["STATESIDE_STOP_ON_STDIN_EOF"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        var started = new TestProcess(new Process { StartInfo = start });
        started._process.OutputDataReceived += (_, e) => Append(started._output, e.Data);
        started._process.ErrorDataReceived += (_, e) => Append(started._error, e.Data);
        started._process.Start();
        started._process.BeginOutputReadLine();
        started._process.BeginErrorReadLine();
        return started;
    }

    /// <summary>SIGKILL, to it alone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signals.Send(Id, Signals.Terminate);

    /// <summary>Waits for its end and gives its exit code: 128 plus the signal's number if one ended it.</summary>
    public async Task<int> ExitAsync(TimeSpan within)
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(within);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The process did not end within {within.TotalSeconds} seconds. It said:\n{Said}");
        }
        return _process.ExitCode;
    }

    /// <summary>The most memory it ever held, in bytes.</summary>
    public long PeakMemory()
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6).Trim().TrimEnd("kB "), CultureInfo.InvariantCulture) * 1024;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
            if (line is not null && text.Length < MostOutput) text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text) return text.ToString();
    }
}
