using System.Diagnostics;

namespace Stateside.Tool.Bench;

/// <summary>A program that can be measured: <c>bench/Stateside.BenchServer</c> in one of its modes, or <c>bench/express</c>.</summary>
/// <param name="Name">The name in <c>--only</c>.</param>
/// <param name="Mode">The mode of the program.</param>
/// <param name="HasSessions">Whether its carts belong to sessions.</param>
/// <param name="Store">The scheme of the store it keeps them in, or null.</param>
internal sealed record BenchServer(string Name, string Mode, bool HasSessions, string? Store = null)
{
    public static readonly BenchServer Bare = new("bare", "bare", HasSessions: false);
    public static readonly BenchServer Client = new("client", "stateside", HasSessions: true, "memory") { Settings = ["--Stateside:States:cart:Place=Client"] };
    public static readonly BenchServer Memory = new("memory", "stateside", HasSessions: true, "memory");
    public static readonly BenchServer Sqlite = new("sqlite", "stateside", HasSessions: true, "sqlite");
    public static readonly BenchServer Redis = new("redis", "stateside", HasSessions: true, "redis");
    public static readonly BenchServer RedisCached = new("redis-cached", "stateside", HasSessions: true, "redis") { Settings = ["--Stateside:States:cart:Cache=true"] };
    public static readonly BenchServer RedisByHand = new("redis-by-hand", "redis-by-hand", HasSessions: true, "redis");
    public static readonly BenchServer Postgres = new("postgres", "stateside", HasSessions: true, "postgres");
    public static readonly BenchServer PostgresCached = new("postgres-cached", "stateside", HasSessions: true, "postgres") { Settings = ["--Stateside:States:cart:Cache=true"] };
    public static readonly BenchServer PostgresByHand = new("postgres-by-hand", "postgres-by-hand", HasSessions: true, "postgres");
    public static readonly BenchServer NodeSqlite = Node("node-sqlite", "sqlite");
    public static readonly BenchServer NodeRedis = Node("node-redis", "redis");
    public static readonly BenchServer NodePostgres = Node("node-postgres", "postgres");
    public static readonly BenchServer NodeCheckpoint = Node("node-checkpoint", "sqlite", "Checkpoint");
    public static readonly BenchServer NodeNone = Node("node-none", "sqlite", "None");
    public static readonly BenchServer Session = new("session", "session", HasSessions: true);
    public static readonly BenchServer DataProtectionCookie = new("data-protection-cookie", "data-protection-cookie", HasSessions: true);
    public static readonly BenchServer ExpressRedis = new("express-redis", "express-redis", HasSessions: true, "redis") { IsNode = true };
    public static readonly BenchServer IronSession = new("iron-session", "iron-session", HasSessions: true) { IsNode = true, MostKilobytes = 1 };

    /// <summary>The servers of <c>--hot</c>: what all clients change at once cannot live with one of them.</summary>
    public static readonly BenchServer[] Hot = [Memory, Sqlite, NodeSqlite, Redis, NodeRedis, Postgres, NodePostgres, NodeCheckpoint, NodeNone];

    /// <summary>The servers of <c>--memory</c>: where a state waits for nothing, and where each change is in the store before its answer.</summary>
    public static readonly BenchServer[] Resident = [NodeNone, NodeSqlite];

    private static BenchServer Node(string name, string store, string durability = "Commit") => new(name, "stateside", HasSessions: true, store)
    {
        Settings = [.. from state in (string[])["cart", "counter"] from setting in (string[])["Place=Node", $"Durability={durability}"] select $"--Stateside:States:{state}:{setting}"],
    };

    /// <summary>What its configuration says beside the store.</summary>
    public string[] Settings { get; init; } = [];

    /// <summary>Whether Node.js runs it, and not .NET.</summary>
    public bool IsNode { get; init; }

    /// <summary>The largest cart that it can keep: iron-session refuses to make a cookie of more than 4,096 bytes, and has no second one.</summary>
    public double MostKilobytes { get; init; } = double.MaxValue;

    /// <summary>Starts the store's own server, where it has one.</summary>
    public async Task<ServerProgram?> StartStoreAsync(string data, TimeProvider time, CancellationToken cancellationToken) => Store switch
    {
        "redis" => await ServerProgram.StartRedisAsync(data, time, cancellationToken),
        "postgres" => await ServerProgram.StartPostgresAsync(data, time, cancellationToken),
        _ => null,
    };

    /// <summary>The command line that starts it.</summary>
    /// <param name="url">Where it has to listen.</param>
    /// <param name="data">The directory of its data.</param>
    /// <param name="lines">How many lines a cart has.</param>
    /// <param name="store">The store's own server, or null.</param>
    public IEnumerable<string> Command(Uri url, string data, int lines, ServerProgram? store) => IsNode
        ? ["node", NodePackages.Script, Mode, $"{url.Port}", $"{lines}", store?.Url ?? ""]
        :
        [
            Repository.DotNet, BenchProcess.Program, "--urls", url.GetLeftPart(UriPartial.Authority),
            // The host watches its content root for changed settings, subdirectories included; a database in there would wake it at every write.
            "--contentRoot", Path.GetDirectoryName(BenchProcess.Program)!,
            "--mode", Mode, "--lines", $"{lines}",
            .. store is not null ? [$"--Stateside:Store={store.Url}"]
                : Store == "memory" ? ["--Stateside:Store=memory:"]
                : Store == "sqlite" ? [$"--Stateside:Store=sqlite:{Path.Combine(data, "bench.db")}"]
                : (string[])[],
            .. Settings,
        ];
}

/// <summary>One running server. It ends when this tool ends, however that happens: it watches its standard input.</summary>
internal sealed class BenchProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(20);

    // .NET begins to compile hot code anew once no method has been called for the first time for 100 ms.
    private static readonly TimeSpan s_settlesWithin = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_settled = TimeSpan.FromMilliseconds(30);
    private const int MostPauses = 20;

    // Linux counts processor time for programs in hundredths of a second, whatever the kernel's own tick.
    private const double TicksPerSecond = 100;

    private readonly Process _process;
    private readonly TimeProvider _time;

    private BenchProcess(Process process, TimeProvider time) => (_process, _time) = (process, time);

    /// <summary>Starts the server and waits until it answers.</summary>
    public static async Task<BenchProcess> StartAsync(BenchServer server, ServerProgram? store, Uri url, string data, int lines, TimeProvider time, CancellationToken cancellationToken)
    {
        var log = Path.Combine(data, $"{server.Name}.log");
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec \"$@\" >\"$0\" 2>&1", log, .. server.Command(url, data, lines, store)])
        {
            RedirectStandardInput = true,
            WorkingDirectory = data,
        };
        start.Environment["STATESIDE_STOP_ON_STDIN_EOF"] = "1";
        start.Environment["NODE_ENV"] = "production";
        var running = new BenchProcess(Process.Start(start)!, time);
        try
        {
            if (await running.IsReadyAsync(url, cancellationToken)) return running;
            throw new UsageException($"the server {server.Name} did not start: {string.Join(' ', File.ReadLines(log).Select(line => line.Trim()).TakeWhile(line => !line.StartsWith("at ", StringComparison.Ordinal)).Take(5))}");
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }
    }

    /// <summary>An empty directory for a server's data: in the repository and not in /tmp, which may be memory, since the disk is part of what is measured.</summary>
    public static string NewData(BenchServer server)
    {
        var data = Path.Combine(Repository.Root, "artifacts", "bench", server.Name);
        if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
        Directory.CreateDirectory(data);
        return data;
    }

    /// <summary>The built program.</summary>
    public static string Program => Path.Combine(Repository.Root, "artifacts", "bin", "Stateside.BenchServer", "release", "Stateside.BenchServer.dll");

    /// <summary>Processor time that the server has used so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // The name, in parentheses, may hold anything; after it come the state and then numbers, of which 12 and 13 are wanted.
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((long.Parse(fields[11]) + long.Parse(fields[12])) / TicksPerSecond);
        }
    }

    /// <summary>
    /// Waits, for some seconds at most, until the server has nothing more to do. It compiles hot code on one thread in the
    /// background, which gets next to nothing of a machine under full load.
    /// </summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        for (var pause = 0; pause < MostPauses; pause++)
        {
            var before = CpuTime;
            await Task.Delay(s_settlesWithin, _time, cancellationToken);
            if (CpuTime - before < s_settled) return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Native.Terminate(_process.Id);
            using var bound = new CancellationTokenSource(s_stopWithin, _time);
            try
            {
                await _process.WaitForExitAsync(bound.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };
        var begun = _time.GetTimestamp();
        while (!_process.HasExited && _time.GetElapsedTime(begun) < s_startWithin)
        {
            try
            {
                using var response = await client.GetAsync(url, cancellationToken);
                return response.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), _time, cancellationToken);
        }
        return false;
    }
}
