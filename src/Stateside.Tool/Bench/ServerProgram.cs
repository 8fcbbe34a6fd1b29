using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Stateside.Tool.Bench;

/// <summary>
/// A server that is not ours, a store's own or a proxy, started on new data for a measurement or a torture. It ends with this tool,
/// however that ends: a shell between them reads standard input, and kills the server when that closes.
/// </summary>
internal sealed class ServerProgram : IAsyncDisposable
{
    private const string Watchdog = """
        "$@" </dev/null >"$LOG" 2>&1 & server=$!
        echo "$server"
        exec 2>/dev/null
        read -r _
        kill -TERM "$server"; wait "$server"
        """;

    private const string PostgresUser = "postgres";
    private const double TicksPerSecond = 100;

    private readonly Process _shell;
    private readonly int _id;

    private ServerProgram(Process shell, int id, string url) => (_shell, _id, Url) = (shell, id, url);

    /// <summary>The URL for <c>Stateside:Store</c>, or where the proxy listens.</summary>
    public string Url { get; }

    /// <summary>Redis without persistence: what is measured is the protocol and the server, not the disk.</summary>
    public static async Task<ServerProgram> StartRedisAsync(string data, TimeProvider time, CancellationToken cancellationToken)
    {
        const string program = "/usr/bin/redis-server";
        if (!File.Exists(program)) throw new UsageException("redis-server is missing. Install it: apt-get install redis-server (Debian, Ubuntu), or leave redis out with --only");
        var port = FreePort();
        return await StartAsync([program, "--bind", "127.0.0.1", "--port", Text(port), "--save", "", "--appendonly", "no", "--dir", data], Path.Combine(data, "store.log"),
            new IPEndPoint(IPAddress.Loopback, port), $"redis://127.0.0.1:{port}", time, cancellationToken);
    }

    /// <summary>PostgreSQL as it comes, with every commit on disk before its answer.</summary>
    public static async Task<ServerProgram> StartPostgresAsync(string data, TimeProvider time, CancellationToken cancellationToken)
    {
        var port = FreePort();
        var command = await PreparePostgresAsync(data, new IPEndPoint(IPAddress.Loopback, port), cancellationToken);
        return await StartAsync(command, Path.Combine(data, "store.log"), new IPEndPoint(IPAddress.Loopback, port), $"postgres://{PostgresUser}@127.0.0.1:{port}/postgres", time, cancellationToken);
    }

    /// <summary>Makes the data of a PostgreSQL server.</summary>
    /// <returns>The command that starts it there; it refuses to run as root, so there it runs as another user.</returns>
    public static async Task<string[]> PreparePostgresAsync(string data, IPEndPoint listen, CancellationToken cancellationToken)
    {
        var folder = !Directory.Exists("/usr/lib/postgresql") ? null
            : Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(d => Path.Combine(d, "bin")).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")));
        if (folder is null) throw new UsageException("PostgreSQL's programs are missing. Install them: apt-get install postgresql (Debian, Ubuntu), or leave postgres out");
        string[] asUser = Native.IsRoot ? ["setpriv", $"--reuid={PostgresUser}", $"--regid={PostgresUser}", "--init-groups"] : [];
        var cluster = Path.Combine(data, "cluster");
        Directory.CreateDirectory(cluster);
        if (Native.IsRoot) await RunAsync(["chown", PostgresUser, cluster], cancellationToken);
        await RunAsync([.. asUser, Path.Combine(folder, "initdb"), "-D", cluster, "-U", PostgresUser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"], cancellationToken);
        return [.. asUser, Path.Combine(folder, "postgres"), "-D", cluster, "-p", Text(listen.Port), "-c", $"listen_addresses={listen.Address}", "-c", "unix_socket_directories="];
    }

    /// <summary>Processor time that the server and its children have used so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            var children = File.ReadAllText($"/proc/{_id}/task/{_id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return children.Append(Text(_id)).Select(CpuTimeOf).Aggregate(TimeSpan.Zero, (sum, each) => sum + each);
        }
    }

    /// <summary>The server's process id.</summary>
    public int Id => _id;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        await _shell.WaitForExitAsync(CancellationToken.None);
        _shell.Dispose();
    }

    /// <summary>Starts a program that stays in the foreground, and waits until it listens.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="log">The file that gets what it writes.</param>
    /// <param name="listens">Where it listens.</param>
    /// <param name="url">What <see cref="Url"/> will say.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the waiting, and the program.</param>
    /// <exception cref="UsageException">It does not listen within ten seconds; the message is the end of what it wrote.</exception>
    public static async Task<ServerProgram> StartAsync(string[] command, string log, IPEndPoint listens, string url, TimeProvider time, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Watchdog, "watchdog", .. command]) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = "/" };
        start.Environment["LOG"] = log;
        var shell = Process.Start(start)!;
        var id = int.Parse(await shell.StandardOutput.ReadLineAsync(cancellationToken) ?? "", CultureInfo.InvariantCulture);
        var server = new ServerProgram(shell, id, url);
        for (var tries = 0; tries < 200 && Native.IsAlive(id); tries++)
        {
            if (await ListensAsync(listens, cancellationToken)) return server;
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }
        await server.DisposeAsync();
        throw new UsageException($"{Path.GetFileName(command[0])} did not start: {string.Join(' ', File.ReadLines(log).TakeLast(3))}");
    }

    private static async Task<bool> ListensAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task RunAsync(string[] command, CancellationToken cancellationToken)
    {
        var (code, output) = await LoadGenerator.RunAsync(command[0], command[1..], cancellationToken);
        if (code != 0) throw new UsageException($"{Path.GetFileName(command[0])} failed: {output}");
    }

    /// <summary>A loopback port that nobody uses now.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>The name, in parentheses, may hold anything; after it come the state and then numbers, of which 12 and 13 are wanted. A child that has just ended has none.</summary>
    private static TimeSpan CpuTimeOf(string id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
        }
        catch (IOException)
        {
            return TimeSpan.Zero;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
