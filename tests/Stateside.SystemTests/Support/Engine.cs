using Stateside.Redis.Tests;
using Stateside.Servers;

namespace Stateside.SystemTests.Support;

/// <summary>A store for the shop to run on, by its short name: embedded, or a real server that this starts, kills and stops.</summary>
internal sealed class Engine : IAsyncDisposable
{
    /// <summary>All of them.</summary>
    public static readonly string[] Names = ["memory", "sqlite", "redis", "redis-cluster", "postgres"];

    /// <summary>Those that several processes can use.</summary>
    public static readonly string[] Shared = ["sqlite", "redis", "redis-cluster", "postgres"];

    private readonly TempFolder _folder = new();
    private TestRedis? _redis;
    private RedisCluster? _cluster;
    private PostgresServer? _postgres;

    private Engine(string name) => Name = name;

    public string Name { get; }

    /// <summary>What the shop is told.</summary>
    public string Url { get; private set; } = "memory:";

    /// <summary>The cluster, where it is one.</summary>
    public RedisCluster Cluster => _cluster ?? throw new InvalidOperationException($"{Name} is no cluster.");

    /// <summary>Starts one. Every server has each commit on disk before it answers.</summary>
    public static async Task<Engine> StartAsync(string name)
    {
        var engine = new Engine(name);
        switch (name)
        {
            case "memory": break;
            case "sqlite": engine.Url = engine._folder.Sqlite(); break;
            case "redis":
                engine._redis = await TestRedis.StartAsync(["--appendonly", "yes", "--appendfsync", "always"]);
                engine.Url = engine._redis.Url;
                break;
            case "redis-cluster":
                engine._cluster = await RedisCluster.StartAsync();
                engine.Url = engine._cluster.Url;
                break;
            case "postgres":
                engine._postgres = await PostgresServer.StartAsync();
                engine.Url = engine._postgres.Url();
                break;
            default: throw new ArgumentException(name, nameof(name));
        }
        return engine;
    }

    /// <summary>The single Redis server.</summary>
    public TestRedis Redis => _redis ?? throw new InvalidOperationException($"{Name} is not one Redis server.");

    /// <summary>The PostgreSQL server.</summary>
    public PostgresServer Postgres => _postgres ?? throw new InvalidOperationException($"{Name} is not PostgreSQL.");

    /// <summary>For a shop that gives a silent server up after a second.</summary>
    public string ImpatientUrl => Url + (_redis is not null ? "?connect=1&timeout=1" : "?connect_timeout=1&command_timeout=1");

    /// <summary>SIGKILL to the server.</summary>
    public Task KillServerAsync() => _redis is not null ? _redis.KillAsync() : Postgres.KillAsync();

    /// <summary>Starts the killed server again on its data.</summary>
    public Task RestartServerAsync() => _redis is not null ? _redis.RestartAsync() : Postgres.RestartAsync();

    /// <summary>Holds the server still: connections stay, nothing answers.</summary>
    public Task PauseServerAsync() => _redis is not null ? _redis.PauseAsync() : Postgres.PauseAsync();

    /// <summary>Lets it go on.</summary>
    public Task ContinueServerAsync() => _redis is not null ? _redis.ContinueAsync() : Postgres.ContinueAsync();

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null) await _redis.DisposeAsync();
        if (_cluster is not null) await _cluster.DisposeAsync();
        if (_postgres is not null) await _postgres.DisposeAsync();
        _folder.Dispose();
    }
}
