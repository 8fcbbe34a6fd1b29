using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Stateside.Check.Replicas;

/// <summary>A process that this program started, with all its children in a process group of their own, which end when this program ends, however that happens.</summary>
/// <remarks>
/// Between the two stands a shell that reads its standard input and kills the group when that ends. So closing it is how the group is killed, and a kill -9 of
/// this program does the same. A signal to this program's whole group (Ctrl-C, <c>timeout</c>, a cancelled CI job) does not reach the shell, which has a session of its own
/// where <c>setsid</c> is there, and takes no notice of what asks it to end where not. A process that ends by itself takes its group with it. Who leaves the group, as what
/// becomes a daemon does, is known by a variable of its environment (on Linux).
/// </remarks>
internal sealed class LaunchedProcess : IAsyncDisposable
{
    private const int MostLines = 200;
    private const int MostLineLength = 2_000;
    private const string Mark = "STATESIDE_CHECK_REPLICA";
    private const string OfItsOwn = """if command -v setsid >/dev/null; then exec setsid /bin/bash -c "$0" "$@"; else exec /bin/bash -c "$0" "$@"; fi""";
    private const string Watchdog = """
        # What is ignored is inherited by the command, what is trapped is not: so it is ignored only once the command is there.
        trap : TERM INT HUP QUIT
        mark=$1; shift
        end() {
          kill -9 -- "-$group" 2>/dev/null
          for known in $(grep -ls "$mark" /proc/[0-9]*/environ 2>/dev/null); do known=${known#/proc/}; kill -9 "${known%/environ}" 2>/dev/null; done
        }
        exec 3<&0
        set -m
        env "$mark" "$@" </dev/null & group=$!
        set +m
        trap '' TERM INT HUP QUIT
        ( while read -r _; do :; done; end ) <&3 >/dev/null 2>&1 & watch=$!
        disown "$watch"
        exec 3<&-
        wait "$group" 2>/dev/null; code=$?
        end
        kill -9 "$watch" 2>/dev/null
        exit "$code"
        """;

    private static readonly TimeSpan s_endsWithin = TimeSpan.FromSeconds(10);

    private readonly Process _shell;
    private readonly Queue<string> _lines = new();
    private Task _heard = Task.CompletedTask;

    private LaunchedProcess(Process shell) => _shell = shell;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _shell.HasExited;

    /// <summary>128 plus the signal's number if a signal ended it.</summary>
    public int ExitCode => _shell.ExitCode;

    /// <summary>Starts a command.</summary>
    public static LaunchedProcess Start(IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, string directory)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", OfItsOwn, Watchdog, "watchdog", $"{Mark}={Convert.ToHexString(RandomNumberGenerator.GetBytes(16))}", .. words])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = new LaunchedProcess(new Process { StartInfo = start });
        process._shell.Start();
        process._heard = Task.WhenAll(process.HearAsync(process._shell.StandardOutput), process.HearAsync(process._shell.StandardError));
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
        using var bound = new CancellationTokenSource(s_endsWithin);
        try
        {
            while (!_shell.HasExited) await Task.Delay(5, bound.Token);
            await _heard.WaitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            // Somebody who cannot be ended holds its output: nobody waits for that one.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _shell.Dispose();
    }

    /// <summary>Keeps the last lines, and of each the beginning: who writes without end fills nobody's memory.</summary>
    private async Task HearAsync(StreamReader output)
    {
        var buffer = new char[4096];
        var line = new StringBuilder();
        try
        {
            while (await output.ReadAsync(buffer) is var read and > 0)
                foreach (var c in buffer.AsSpan(0, read).ToArray())
                {
                    if (c == '\n') Keep(line);
                    else if (line.Length < MostLineLength) line.Append(c);
                    else if (line.Length == MostLineLength) line.Append('…');
                }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It is gone.
        }
        if (line.Length > 0) Keep(line);
    }

    private void Keep(StringBuilder line)
    {
        lock (_lines)
        {
            if (_lines.Count == MostLines) _lines.Dequeue();
            _lines.Enqueue(line.ToString().TrimEnd('\r'));
        }
        line.Clear();
    }
}
