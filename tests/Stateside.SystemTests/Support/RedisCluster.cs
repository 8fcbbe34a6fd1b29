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

    /// <summary>Kills the primary that owns a slot, and waits until its replica has taken its place.</summary>
    public async Task FailOverAsync(TestRedis primary)
    {
        await primary.KillAsync();
        await SettleAsync(without: primary);
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

    private static async Task<bool> IsSettledAsync(TestRedis server)
    {
        try
        {
            var info = await server.CommandAsync("CLUSTER", "INFO");
            var replication = await server.CommandAsync("INFO", "replication");
            return info.Contains("cluster_state:ok", StringComparison.Ordinal)
                && (replication.Contains("role:master", StringComparison.Ordinal) || replication.Contains("master_link_status:up", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
        {
            return false;
        }
    }
}
