using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Stateside.Servers;

/// <summary>A server program that a test started on loopback: its pid, its output, its end. It never outlives the tests.</summary>
/// <remarks>
/// Between the tests and the server stands a shell that reads its standard input and kills the server when that ends:
/// so the server goes also when the tests are killed. (A parent-death signal would follow the *thread* that started it.)
/// </remarks>
public sealed class ServerProcess : IAsyncDisposable
{
    private const int MostOutput = 256 * 1024;
    private const int FirstPort = 20_000;
    private const int EndOfPorts = 22_000;
    private const string Watchdog = """
        "$@" </dev/null & server=$!
        echo "pid $server"
        ( while read -r _; do :; done; kill -9 "$server" 2>/dev/null ) <&3 >/dev/null 2>&1 & watch=$!
        exec 3<&-
        wait "$server"; code=$?
        kill "$watch"; exit "$code"
        """;

    private static readonly HashSet<int> s_given = [];

    private readonly Process _shell;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<int> _pid = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _isDisposed;

    private ServerProcess(Process shell) => _shell = shell;

    /// <summary>The server's own process id.</summary>
    public int Id { get; private set; }

    /// <summary>Whether the server has ended.</summary>
    public bool HasExited => _isDisposed || _shell.HasExited;

    /// <summary>What it wrote so far, for the message of a failed test.</summary>
    public string Said
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts a program; <paramref name="user"/> names another user to run it as where the tests run as root.</summary>
    public static async Task<ServerProcess> StartAsync(string program, IEnumerable<string> arguments, string? user = null)
    {
        string[] asUser = user is not null && Environment.UserName == "root" ? ["setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups"] : [];
        var start = new ProcessStartInfo("/bin/bash", ["-c", "exec 3<&0; " + Watchdog, "watchdog", .. asUser, program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        var server = new ServerProcess(new Process { StartInfo = start });
        server._shell.OutputDataReceived += (_, e) => server.Read(e.Data);
        server._shell.ErrorDataReceived += (_, e) => server.Read(e.Data);
        server._shell.Start();
        server._shell.BeginOutputReadLine();
        server._shell.BeginErrorReadLine();
        server.Id = await server._pid.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return server;
    }

    /// <summary>SIGKILL, to the server alone; returns when it is gone.</summary>
    public async Task KillAsync() => await EndAsync("KILL");

    /// <summary>Asks it to stop with SIGTERM (or another signal's name) and waits until it has.</summary>
    public async Task EndAsync(string signal = "TERM")
    {
        await SignalAsync(signal);
        await _shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Sends a signal by its name without <c>SIG</c>: STOP holds the server still, CONT lets it go on.</summary>
    public async Task SignalAsync(string signal)
    {
        if (HasExited) return;
        using var kill = Process.Start("/bin/kill", ["-" + signal, Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>
    /// A loopback port that nobody uses now, below those that the kernel gives to clients (32,768 and up). Never the same twice while there are others: who was given one may not
    /// listen yet, or be restarted just now.
    /// </summary>
    public static int FreePort()
    {
        lock (s_given)
        {
            while (true)
            {
                if (s_given.Count == EndOfPorts - FirstPort) s_given.Clear();
                // Drawn, not counted: several test programs may look at the same time. Redis Cluster needs port + 10,000 too.
                var port = System.Security.Cryptography.RandomNumberGenerator.GetInt32(FirstPort, EndOfPorts);
                if (s_given.Add(port) && IsFree(port) && IsFree(port + 10_000)) return port;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!HasExited) await KillAsync();
        _isDisposed = true;
        _shell.Dispose();
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Read(string? line)
    {
        if (line is null) return;
        if (line.StartsWith("pid ", StringComparison.Ordinal) && !_pid.Task.IsCompleted) _pid.SetResult(int.Parse(line.AsSpan(4), CultureInfo.InvariantCulture));
        lock (_output)
            if (_output.Length < MostOutput) _output.AppendLine(line);
    }
}
