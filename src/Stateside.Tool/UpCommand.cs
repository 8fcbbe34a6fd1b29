using System.Collections.Concurrent;
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
        var nodes = new Option<int>("--nodes") { Description = "How many nodes serve, 1 to 16. With more than one the port belongs to a gateway, and node i listens on P+i.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1, 1 to 65535.", DefaultValueFactory = _ => 8080, HelpName = "P" };
        var architecture = new Option<string>("--as") { Description = "Which side holds the state: stateless, hybrid, stateful or classic.", DefaultValueFactory = _ => "hybrid" };
        architecture.AcceptOnlyFromAmong(ShopPlan.Architectures);
        var store = new Option<string?>("--store") { Description = "The store: sqlite:PATH, redis://HOST:PORT/DB, postgres://USER@HOST:PORT/DB or memory:. Default: sqlite:DIR/stateside.db", HelpName = "URL" };
        var place = new Option<string[]>("--place") { Description = "Overrules the preset for one state; may be repeated.", HelpName = "state=Place", DefaultValueFactory = _ => [] };
        var data = new Option<string>("--data") { Description = "Where data, logs and process ids go.", DefaultValueFactory = _ => ".stateside", HelpName = "DIR" };
        var noRestart = new Option<bool>("--no-restart") { Description = "Ends, with exit code 1, when a process of the shop dies; else it is started again after a second." };
        var command = new Command("up", "Starts the sample shop and keeps it running until Ctrl-C or SIGTERM.") { nodes, port, architecture, store, place, data, noRestart };
        command.SetAction((parsed, cancellationToken) =>
        {
            var count = parsed.GetValue(nodes);
            if (count is not (>= 1 and <= 16)) throw new UsageException($"--nodes {count} is out of range. Possible are 1 to 16.");
            if (parsed.GetValue(port) is var p && (p < 1 || p + (count > 1 ? count : 0) > 65535)) throw new UsageException($"--port {p} is not a port. Ports are 1 to 65535.");
            var directory = surroundings.Directory;
            var dataDirectory = Path.GetFullPath(parsed.GetValue(data)!, directory);
            var plan = ShopPlan.Create(parsed.GetValue(architecture)!, parsed.GetValue(store), parsed.GetValue(place)!, dataDirectory, directory);
            if (count > 1) plan.EnsureManyNodes(count);
            return RunAsync(plan, count, parsed.GetValue(port), dataDirectory, !parsed.GetValue(noRestart), surroundings, cancellationToken);
        });
        CommandLine.Examples(command,
            "./stateside up                                   # one node, embedded SQLite in .stateside/",
            "./stateside up --port 9000 --data /tmp/shop",
            "./stateside up --store sqlite:/var/lib/shop.db",
            "./stateside up --as stateless                    # the client carries its cart, sealed",
            "./stateside up --nodes 3 --as stateful           # three nodes behind a gateway; kill one and watch",
            "./stateside up --as classic                      # the tutorials' way, for comparison");
        return command;
    }

    private static async Task<int> RunAsync(ShopPlan plan, int nodes, int port, string data, bool restart, Surroundings surroundings, CancellationToken cancellationToken)
    {
        using var claim = Claim(data);
        var isLive = nodes > 1 && surroundings.IsTerminal;
        var messages = new ConcurrentQueue<string>();
        var fleet = Fleet(plan, nodes, port, data, restart, isLive ? messages.Enqueue : surroundings.Out.WriteLine, surroundings.Time);
        foreach (var one in fleet) await WaitForPortAsync(new Uri(one.Url).Port, one.PidFile, surroundings.Time, cancellationToken);
        foreach (var line in plan.Explanation) surroundings.Out.WriteLine(line);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // The first node makes what the store needs; the gateway has somebody to ask once nodes are there.
            await fleet[^1].StartAsync(cancellationToken);
            await Task.WhenAll(fleet.Skip(1).SkipLast(1).Select(one => one.StartAsync(cancellationToken)));
            if (fleet.Count > 1) await fleet[0].StartAsync(cancellationToken);
            surroundings.Out.WriteLine($"ready {fleet[0].Url}");
            var tasks = fleet.Select(one => one.WatchAsync(ending.Token)).ToList();
            if (isLive) tasks.Add(LiveView.ShowAsync(fleet, messages, surroundings, ending.Token));
            await await Task.WhenAny(tasks);
            return ExitCode.DoesNotHold;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Holds;
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(fleet.Select(one => one.StopAsync()));
            foreach (var one in fleet) one.Dispose();
        }
    }

    /// <summary>One node on the port; or a gateway there, and the nodes on the ports after it.</summary>
    private static List<Supervised> Fleet(ShopPlan plan, int nodes, int port, string data, bool restart, Action<string> tell, TimeProvider time)
    {
        if (nodes == 1) return [new Supervised("node 1", plan, Address(port), data, restart, tell, time)];
        var fleet = new List<Supervised> { new("gateway", plan.AsGateway(), Address(port), data, restart, tell, time) };
        for (var i = 1; i <= nodes; i++) fleet.Add(new Supervised($"node {i}", plan.AsNode(i), Address(port + i), data, restart, tell, time));
        return fleet;
    }

    private static string Address(int port) => $"http://127.0.0.1:{port}";

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
