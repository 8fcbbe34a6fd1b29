using System.Diagnostics;
using System.Globalization;
using Stateside.Redis.Tests;

namespace Stateside.SystemTests.Support;

/// <summary>Three primaries with a replica each, every commit on the primary's disk before it answers.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_settlesWithin = TimeSpan.FromSeconds(60);
    private readonly List<TestRedis> _servers = [];

    /// <summary>All servers; the first three began as primaries.</summary>
    public IReadOnlyList<TestRedis> Servers => _servers;

    /// <summary>Names two of the servers; a client finds the others by them.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{_servers[0].Port},127.0.0.1:{_servers[1].Port}");

    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        for (var i = 0; i < 6; i++)
            cluster._servers.Add(await TestRedis.StartAsync(["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--appendonly", "yes", "--appendfsync", "always"]));
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/redis-cli",
            ["--cluster", "create", .. cluster._servers.Select(s => $"127.0.0.1:{s.Port}"), "--cluster-replicas", "1", "--cluster-yes"]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException("redis-cli: " + said);
        await cluster.SettleAsync();
        return cluster;
    }

    /// <summary>The primaries that have a replica, each with it.</summary>
    public async Task<IReadOnlyList<(TestRedis Primary, TestRedis Replica)>> PairsAsync()
    {
        var pairs = new List<(TestRedis, TestRedis)>();
        foreach (var replica in _servers)
        {
            var replication = await ReplicationAsync(replica);
            if (!IsPrimary(replication)) pairs.Add((_servers.Single(s => s.Port == Field(replication, "master_port")), replica));
        }
        return pairs;
    }

    /// <summary>
    /// Kills a primary with SIGKILL at a moment when its replica has all that was acknowledged, waits until the replica has taken its
    /// place, and starts the killed server again as a replica. Replication is asynchronous: at another moment the promotion may lose
    /// acknowledged commits, which no client can undo (<see cref="FailOverTests"/> shows what is left true then).
    /// </summary>
    public async Task FailOverAsync()
    {
        var (primary, replica) = (await PairsAsync())[0];
        // Writes that come from now on wait unanswered and die with the server: their outcome is unknown to those who sent them.
        await primary.CommandAsync("CLIENT", "PAUSE", "60000", "WRITE");
        await CatchUpAsync(primary, replica);
        await primary.KillAsync();
        await PromotedAsync(primary, replica);
        await primary.RestartAsync();
        await SettleAsync();
    }

    /// <summary>Waits until a replica has what its primary has now.</summary>
    public static async Task CatchUpAsync(TestRedis primary, TestRedis replica)
    {
        var offset = Field(await ReplicationAsync(primary), "master_repl_offset");
        await Eventually.TrueAsync(async () => Field(await ReplicationAsync(replica), "slave_repl_offset") >= offset, s_settlesWithin, () => "The replica does not catch up.");
    }

    /// <summary>Waits until a replica has taken the place of its dead primary.</summary>
    public async Task PromotedAsync(TestRedis dead, TestRedis replica)
    {
        await Eventually.TrueAsync(async () => IsPrimary(await ReplicationAsync(replica)), s_settlesWithin, () => "The replica is not promoted.");
        await SettleAsync(without: dead);
    }

    /// <summary>Waits until every server that runs finds the cluster whole, and every replica has what its primary has.</summary>
    public async Task SettleAsync(TestRedis? without = null)
    {
        foreach (var server in _servers.Where(s => s != without))
            await Eventually.TrueAsync(async () => await IsSettledAsync(server), s_settlesWithin, () => "The cluster does not settle.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers) await server.DisposeAsync();
    }

    private static Task<string> ReplicationAsync(TestRedis server) => server.CommandAsync("INFO", "replication");

    private static bool IsPrimary(string replication) => replication.Contains("role:master", StringComparison.Ordinal);

    private static long Field(string info, string name)
    {
        var begin = info.IndexOf("\n" + name + ":", StringComparison.Ordinal) + name.Length + 2;
        return long.Parse(info.AsSpan(begin, info.IndexOf('\r', begin) - begin), CultureInfo.InvariantCulture);
    }

    private static async Task<bool> IsSettledAsync(TestRedis server)
    {
        try
        {
            var info = await server.CommandAsync("CLUSTER", "INFO");
            var replication = await ReplicationAsync(server);
            return info.Contains("cluster_state:ok", StringComparison.Ordinal) && info.Contains("cluster_slots_fail:0\r", StringComparison.Ordinal)
                && (IsPrimary(replication) || replication.Contains("master_link_status:up", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
        {
            return false;
        }
    }
}
