using System.Globalization;
using System.Net;
using Stateside.Tool.Bench;

namespace Stateside.Tool.Torture;

/// <summary>The store under torture: a server that the command started on new data, and kills and starts again; or one that is only used.</summary>
internal sealed class TortureStore : IAsyncDisposable
{
    /// <summary>The member of the network that a server is.</summary>
    public const string Member = "store";

    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(20);

    private readonly string[] _command;
    private readonly string _log;
    private readonly IPEndPoint _listens;
    private readonly TimeProvider _time;
    private ServerProgram? _server;

    private TortureStore(string url, string[] command, string log, IPEndPoint listens, TimeProvider time) => (Url, _command, _log, _listens, _time) = (url, command, log, listens, time);

    /// <summary>The URL for <c>Stateside:Store</c>, for nodes and for this tool.</summary>
    public string Url { get; }

    /// <summary>Whether it is a server of ours, which may be killed.</summary>
    public bool IsOurs => _command.Length > 0;

    /// <summary>Starts it.</summary>
    /// <param name="store"><c>sqlite</c>, <c>redis</c>, <c>postgres</c>, or the URL of a store that runs already.</param>
    /// <param name="data">Where its data goes.</param>
    /// <param name="network">The network that it becomes a member of; null: loopback.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<TortureStore> StartAsync(string store, string data, PrivateNetwork? network, TimeProvider time, CancellationToken cancellationToken)
    {
        if (store is not ("redis" or "postgres"))
            return new TortureStore(store == "sqlite" ? "sqlite:" + Path.Combine(data, "stateside.db") : store, [], "", new IPEndPoint(IPAddress.None, 0), time);
        var listens = network is null ? new IPEndPoint(IPAddress.Loopback, ServerProgram.FreePort()) : new IPEndPoint(await network.AddAsync(Member, cancellationToken), store == "redis" ? 6379 : 5432);
        string[] command = store == "redis" ? Redis(data, listens) : await PostgresAsync(data, listens, cancellationToken);
        var url = store == "redis" ? $"redis://{listens}" : $"postgres://postgres@{listens}/postgres";
        var started = new TortureStore(url, [.. network?.Within(Member) ?? [], .. command], Path.Combine(data, "store.log"), listens, time);
        await started.StartAgainAsync(cancellationToken);
        return started;
    }

    /// <summary>SIGKILL; returns when nothing of it is left that would keep a new one from starting.</summary>
    public async Task KillAsync()
    {
        var id = _server!.Id;
        var children = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task/{id}/children")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Native.KillNow(id);
        await _server.DisposeAsync();
        // Those of PostgreSQL end by themselves when they notice; until then they hold its memory.
        while (children.Any(child => Native.IsAlive(int.Parse(child, CultureInfo.InvariantCulture)))) await Task.Delay(s_pollEvery, _time);
    }

    /// <summary>Stops it in order (PostgreSQL: the fast way, which waits for no client).</summary>
    public async Task StopAsync()
    {
        Native.Interrupt(_server!.Id);
        await _server.DisposeAsync();
    }

    /// <summary>Starts it on its data.</summary>
    public async Task StartAgainAsync(CancellationToken cancellationToken) => _server = await ServerProgram.StartAsync(_command, _log, _listens, Url, _time, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (IsOurs && _server is not null) await StopAsync();
    }

    private static string[] Redis(string data, IPEndPoint listens)
    {
        const string program = "/usr/bin/redis-server";
        if (!File.Exists(program)) throw new UsageException("redis-server is missing. Install it: apt-get install redis-server (Debian, Ubuntu)");
        // In the private network nobody else can reach it, and on loopback no more than any other program's.
        return [program, "--bind", $"{listens.Address}", "--port", listens.Port.ToString(CultureInfo.InvariantCulture), "--protected-mode", "no",
            "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", data];
    }

    private static async Task<string[]> PostgresAsync(string data, IPEndPoint listens, CancellationToken cancellationToken)
    {
        var command = await ServerProgram.PreparePostgresAsync(data, listens, cancellationToken);
        if (!IPAddress.IsLoopback(listens.Address))
            await File.AppendAllTextAsync(Path.Combine(data, "cluster", "pg_hba.conf"), "host all all 10.99.0.0/24 trust\n", cancellationToken);
        return [.. command, "-c", "shared_buffers=64MB"];
    }
}
