using System.Diagnostics;
using Stateside.Redis.Resp;
using Stateside.Stores;
using Stateside.Testing.Stores;

namespace Stateside.Redis.Tests;

/// <summary>The same rules on a cluster of three primaries.</summary>
public sealed class RedisClusterTests(ThreePrimaries cluster) : IClassFixture<ThreePrimaries>
{
    public static TheoryData<string> Names { get; } = [.. StoreConformance.CasesFor(new ThreePrimaries.Harness([])).Select(c => c.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Holds(string name)
    {
        await using var harness = new ThreePrimaries.Harness(cluster.Servers);
        await StoreConformance.RunAsync(name, harness);
    }

    [Fact]
    public async Task A_slot_that_moves_away_in_mid_turn_loses_nothing_and_counts_exactly()
    {
        await using var harness = new ThreePrimaries.Harness(cluster.Servers);
        await harness.ResetAsync();
        await using var store = harness.CreateStore();
        await store.OpenAsync(default);
        var key = new StateKey(Group.Keyed("counter"), "cart");
        var row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
        Assert.Equal(CommitResult.Committed, await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, row.Version) { Body = "1"u8.ToArray() }] }, default));
        row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];

        await cluster.MoveShardAsync(key.Group.Shard);

        Assert.Equal(CommitResult.Committed, await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, row.Version) { Body = "2"u8.ToArray() }] }, default));
        Assert.Equal((byte)'2', (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0].Body.Span[0]);
    }
}

/// <summary>Three servers that form a cluster, and as many replicas of each as a test wants.</summary>
public class ThreePrimaries : IAsyncLifetime
{
    private readonly int _replicas;

    public ThreePrimaries()
    {
    }

    protected ThreePrimaries(int replicas) => _replicas = replicas;

    internal List<TestRedis> Servers { get; } = [];

    public async Task InitializeAsync()
    {
        for (var i = 0; i < 3 * (1 + _replicas); i++) Servers.Add(await TestRedis.StartAsync(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"]));
        await RunAsync(["--cluster", "create", .. Servers.Select(s => $"127.0.0.1:{s.Port}"), "--cluster-replicas", $"{_replicas}", "--cluster-yes"]);
        foreach (var server in Servers)
            for (var tries = 0; !(await server.CommandAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal); tries++)
            {
                if (tries > 400) throw new InvalidOperationException("The cluster did not form.");
                await Task.Delay(25);
            }
    }

    public async Task DisposeAsync()
    {
        foreach (var server in Servers) await server.DisposeAsync();
    }

    /// <summary>Moves the slot of a shard, with its keys, to a primary that has not got it.</summary>
    internal async Task MoveShardAsync(int shard)
    {
        var slot = RedisClient.SlotOf(new RedisLayout("ss:").Tag(shard)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var ids = new List<string>();
        foreach (var server in Servers) ids.Add((await server.CommandAsync("CLUSTER", "MYID")).Split("\r\n")[1]);
        var from = 0;
        while ((await Servers[from].CommandAsync("CLUSTER", "COUNTKEYSINSLOT", slot)) == ":0\r\n") from++;
        var to = (from + 1) % Servers.Count;
        await Servers[to].CommandAsync("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]);
        await Servers[from].CommandAsync("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]);
        for (var keys = await KeysAsync(); keys.Length > 0; keys = await KeysAsync())
            foreach (var key in keys)
                await Servers[from].CommandAsync("MIGRATE", "127.0.0.1", Servers[to].Port.ToString(System.Globalization.CultureInfo.InvariantCulture), key, "0", "5000");
        foreach (var server in Servers) await server.CommandAsync("CLUSTER", "SETSLOT", slot, "NODE", ids[to]);

        async Task<string[]> KeysAsync() => [.. (await Servers[from].CommandAsync("CLUSTER", "GETKEYSINSLOT", slot, "10")).Split("\r\n").Where(l => l.StartsWith("ss:", StringComparison.Ordinal))];
    }

    private static async Task RunAsync(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/redis-cli", arguments) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException("redis-cli: " + said);
    }

    internal sealed class Harness(IReadOnlyList<TestRedis> servers) : StoreHarness
    {
        public override HarnessAbilities Abilities => HarnessAbilities.SecondStore | HarnessAbilities.ClockForward;

        public override int Sequences => 40;

        public override IStore CreateStore() => new RedisStoreProvider().Create(servers[0].Url, TimeProvider.System);

        public override async Task ResetAsync()
        {
            foreach (var server in servers) await server.CommandAsync("FLUSHALL");
        }

        // A timer may go off a moment before the servers' clock has moved as far.
        public override Task AdvanceAsync(TimeSpan by) => Task.Delay(by + TimeSpan.FromMilliseconds(50));
    }
}
