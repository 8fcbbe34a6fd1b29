using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Stateside.Tool.Up;

namespace Stateside.Tool;

/// <summary><c>up</c>: starts the sample shop, keeps it running, and stops it in order.</summary>
internal static class UpCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var nodes = new Option<int>("--nodes") { Description = "How many nodes serve. In this version: 1.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1, 1 to 65535.", DefaultValueFactory = _ => 8080, HelpName = "P" };
        var architecture = new Option<string>("--as") { Description = "Which side holds the state: stateless, hybrid, stateful or classic.", DefaultValueFactory = _ => "hybrid" };
        architecture.AcceptOnlyFromAmong(ShopPlan.Architectures);
        var store = new Option<string?>("--store") { Description = "The store: sqlite:PATH, redis://HOST:PORT/DB, postgres://USER@HOST:PORT/DB or memory:. Default: sqlite:DIR/stateside.db", HelpName = "URL" };
        var place = new Option<string[]>("--place") { Description = "Overrules the preset for one state; may be repeated.", HelpName = "state=Place", DefaultValueFactory = _ => [] };
        var data = new Option<string>("--data") { Description = "Where data, logs and process ids go.", DefaultValueFactory = _ => ".stateside", HelpName = "DIR" };
        var noRestart = new Option<bool>("--no-restart") { Description = "Ends, with exit code 1, when the shop dies; else it is started again after a second." };
        var command = new Command("up", "Starts the sample shop and keeps it running until Ctrl-C or SIGTERM.") { nodes, port, architecture, store, place, data, noRestart };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(nodes) is not 1 and var n) throw new UsageException($"--nodes {n} is not in this version. Works now: --nodes 1");
            if (parsed.GetValue(port) is not (>= 1 and <= 65535) and var p) throw new UsageException($"--port {p} is not a port. Ports are 1 to 65535.");
            var directory = surroundings.Directory;
            var dataDirectory = Path.GetFullPath(parsed.GetValue(data)!, directory);
            var plan = ShopPlan.Create(parsed.GetValue(architecture)!, parsed.GetValue(store), parsed.GetValue(place)!, dataDirectory, directory);
            return RunAsync(plan, parsed.GetValue(port), dataDirectory, !parsed.GetValue(noRestart), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside up                                   # one node, embedded SQLite in .stateside/",
            "./stateside up --port 9000 --data /tmp/shop",
            "./stateside up --store sqlite:/var/lib/shop.db",
            "./stateside up --as stateless                    # the client carries its cart, sealed",
            "./stateside up --as stateful                     # the node holds carts and orders in memory, and loses none",
            "./stateside up --as classic                      # the tutorials' way, for comparison");
        return command;
    }

    private static async Task<int> RunAsync(ShopPlan plan, int port, string data, bool restart, Surroundings surroundings, CancellationToken cancellationToken)
    {
        using var claim = Claim(data);
        var pidFile = Path.Combine(data, "node-1.pid");
        await WaitForPortAsync(port, pidFile, surroundings.Time, cancellationToken);
        foreach (var line in plan.Explanation) surroundings.Out.WriteLine(line);

        var url = $"http://127.0.0.1:{port}";
        var log = Path.Combine(data, "node-1.log");
        File.WriteAllText(log, "");
        NodeProcess? node = null;
        try
        {
            node = Start();
            if (!await node.WaitUntilReadyAsync(url, cancellationToken))
                throw new UsageException($"the shop did not start:\n{string.Join('\n', node.LastWords())}\nIts whole log: {log}");
            surroundings.Out.WriteLine($"ready {url}");
            while (true)
            {
                await node.WaitForExitAsync(cancellationToken);
                surroundings.Out.WriteLine($"node 1 (process {node.Id}) ended with exit code {node.ExitCode}{(restart ? "; it is started again in a second" : "")}");
                if (!restart) return ExitCode.DoesNotHold;
                await Task.Delay(TimeSpan.FromSeconds(1), surroundings.Time, cancellationToken);
                node.Dispose();
                node = Start();
                surroundings.Out.WriteLine(await node.WaitUntilReadyAsync(url, cancellationToken)
                    ? $"node 1 (process {node.Id}) serves again"
                    : $"node 1 (process {node.Id}) is not ready; its log: {log}");
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Holds;
        }
        finally
        {
            if (node is not null && !await node.StopAsync()) surroundings.Out.WriteLine("node 1 did not end in time and was killed");
            node?.Dispose();
            File.Delete(pidFile);
        }

        NodeProcess Start()
        {
            var started = NodeProcess.Start(plan, url, log, surroundings.Time);
            File.WriteAllText(pidFile, $"{started.Id}\n");
            return started;
        }
    }

    /// <summary>Takes the data directory for this process alone, so that two shops do not share process ids and logs.</summary>
    private static FileStream Claim(string data)
    {
        try
        {
            Directory.CreateDirectory(data);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"The data directory {data} cannot be made ({e.Message}) Name another with --data DIR.");
        }

        try
        {
            // The lock is the kernel's: it goes with the process, also when that is killed.
            return new FileStream(Path.Combine(data, "up.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException)
        {
            throw new UsageException($"The data directory {data} cannot be written. Change its rights or name another with --data DIR.");
        }
        catch (IOException e)
        {
            throw new UsageException($"The data directory {data} cannot be used ({e.Message}) Is another `stateside up` using it? Stop that one, or name another with --data DIR.");
        }
    }

    /// <summary>Waits while a shop that outlived its killed <c>up</c> ends, and refuses a port that somebody else has.</summary>
    private static async Task WaitForPortAsync(int port, string pidFile, TimeProvider time, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (!IsFree(port))
        {
            if (!LeftOver(pidFile) || time.GetElapsedTime(begun) > TimeSpan.FromSeconds(10))
                throw new UsageException($"Port {port} is in use. Stop what listens there (ss -ltnp shows it), or choose another with --port P.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }
    }

    private static bool LeftOver(string pidFile) =>
        File.Exists(pidFile) && int.TryParse(File.ReadAllText(pidFile), out var process) && Native.IsAlive(process);

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new UsageException($"Port {port} may not be used by this user. Choose one above 1023 with --port P.");
        }
    }
}
