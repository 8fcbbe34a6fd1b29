using System.Diagnostics;

namespace Stateside.Check.Replicas;

/// <summary>A process that this program started, with all its children in a process group of their own, which end when this program ends, however that happens.</summary>
/// <remarks>
/// Between the two stands a shell that reads its standard input and kills the group when that ends. So closing it is how the group is killed, and a kill -9 of
/// this program does the same. A process that ends by itself takes its group with it.
/// </remarks>
internal sealed class LaunchedProcess : IAsyncDisposable
{
    private const int MostLines = 200;
    private const int MostLineLength = 2_000;
    private const string Watchdog = """
        exec 3<&0
        set -m
        "$@" </dev/null & group=$!
        set +m
        ( while read -r _; do :; done; kill -9 -- "-$group" 2>/dev/null ) <&3 >/dev/null 2>&1 & watch=$!
        exec 3<&-
        wait "$group" 2>/dev/null; code=$?
        kill -9 -- "-$group" 2>/dev/null
        kill "$watch" 2>/dev/null
        exit "$code"
        """;

    private readonly Process _shell;
    private readonly Queue<string> _lines = new();

    private LaunchedProcess(Process shell) => _shell = shell;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _shell.HasExited;

    /// <summary>128 plus the signal's number if a signal ended it.</summary>
    public int ExitCode => _shell.ExitCode;

    /// <summary>Starts a command.</summary>
    public static LaunchedProcess Start(IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, string directory)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", Watchdog, "watchdog", .. words])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = new LaunchedProcess(new Process { StartInfo = start });
        process._shell.OutputDataReceived += (_, e) => process.Keep(e.Data);
        process._shell.ErrorDataReceived += (_, e) => process.Keep(e.Data);
        process._shell.Start();
        process._shell.BeginOutputReadLine();
        process._shell.BeginErrorReadLine();
        return process;
    }

    /// <summary>The last lines of its output.</summary>
    public string Said(int most)
    {
        lock (_lines) return string.Join('\n', _lines.TakeLast(most));
    }

    /// <summary>SIGKILL to the whole group; returns when it is gone.</summary>
    public async Task KillAsync()
    {
        try
        {
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended by itself.
        }
        await _shell.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _shell.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_lines)
        {
            if (_lines.Count == MostLines) _lines.Dequeue();
            _lines.Enqueue(line.Length > MostLineLength ? line[..MostLineLength] + "…" : line);
        }
    }
}
