using System.Globalization;
using System.Text.Json.Nodes;
using Stateside.SystemTests.Clusters;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>A month of real orders against the shop as people start it: one request in ten is sent twice, and every total must match.</summary>
public sealed class ReplayTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(9);
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("STATESIDE_LONG") == "1";

    /// <summary>File, its lines, and the engine. The whole file is played with <c>./stateside test --long</c>, where it is.</summary>
    public static TheoryData<string, int, string> Files()
    {
        var files = new TheoryData<string, int, string> { { Repository.Month, 42_481, "memory" }, { Repository.Month, 42_481, "sqlite" } };
        if (s_isLong && Repository.WholeFile is { } whole)
            foreach (var engine in Engine.Shared) files.Add(whole, 541_909, engine);
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_total_of_the_file_reconciles(string file, int lines, string engine)
    {
        using var folder = new TempFolder();
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Shop.UpAsync(folder, "--store", under.Url);
        var result = await ReplayAsync(shop.Url, file, expected: 0, lines > 100_000 ? TimeSpan.FromMinutes(60) : s_patience);
        Assert.Equal(lines, int.Parse((string)result["totals"]!["lines"]!["found"]!, CultureInfo.InvariantCulture));
        Assert.InRange((int)result["resent_at_once"]! + (int)result["resent_later"]!, lines / 12, lines / 8);
    }

    [Fact]
    public Task The_month_reconciles_while_the_shop_is_killed_and_started_again() => ReconcilesAsync("sqlite", _ => null);

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public Task The_month_reconciles_while_the_shop_and_the_server_of_its_store_are_killed_by_turns(string engine) => ReconcilesAsync(engine, under => async () =>
    {
        await under.KillServerAsync();
        await under.RestartServerAsync();
    });

    /// <summary>Replicas take over. Each primary dies when its replica has what was acknowledged, because no client can undo what a promotion loses.</summary>
    [Fact]
    public Task The_month_reconciles_while_the_shop_and_the_primaries_of_a_cluster_are_killed_by_turns() => ReconcilesAsync("redis-cluster", under => under.Cluster.FailOverAsync);

    /// <summary>Carts travel with the clients, and the one server that serves them dies again and again.</summary>
    [Fact]
    public async Task The_month_reconciles_with_carts_on_the_client_while_the_shop_is_killed()
    {
        using var folder = new TempFolder();
        await using var shop = await Shop.UpAsync(folder, "--as", "stateless");
        using var done = new CancellationTokenSource();
        var killing = KillAgainAndAgainAsync(shop, null, done.Token);
        var result = await ReplayAsync(shop.Url, Repository.Month, expected: 0, s_patience);
        await done.CancelAsync();
        Assert.InRange(await killing, 3, int.MaxValue);
        AssertStateless(result);
    }

    /// <summary>Any node serves any request: three processes that share only the store of keys, receipts and orders, behind a balancer that loses one answer in a hundred.</summary>
    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    [InlineData("postgres")]
    public async Task The_month_reconciles_with_carts_on_the_client_over_three_processes_and_a_balancer_that_loses_answers(string engine)
    {
        using var folder = new TempFolder();
        await using var under = await Engine.StartAsync(engine);
        var shops = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => Shop.UpAsync(folder.File($"data-{i}"), "--as", "stateless", "--store", under.Url)));
        try
        {
            await using var proxy = new CarelessProxy([.. shops.Select(s => s.Port)], loses: 0.01);
            var result = await ReplayAsync(proxy.Url, Repository.Month, expected: 0, s_patience);
            AssertStateless(result);
            Assert.InRange(proxy.Lost, 200, int.MaxValue);
            // Each answer that is lost makes a new connection, which leads to another process.
            Assert.InRange(proxy.Connections, proxy.Lost, int.MaxValue);
            Assert.InRange((long)result["retries"]!, 100, long.MaxValue);
        }
        finally
        {
            foreach (var shop in shops) await shop.DisposeAsync();
        }
    }

    /// <summary>The stores on which nodes are killed during the month; the others are tortured (TortureTests), and played too with <c>./stateside test --long</c>.</summary>
    public static TheoryData<string> NodeEngines() => s_isLong ? ["sqlite", "redis", "postgres"] : ["redis"];

    /// <summary>Carts, orders and receipts live in the memory of three nodes, which are killed by turns and come back.</summary>
    [Theory]
    [MemberData(nameof(NodeEngines))]
    public async Task The_month_reconciles_with_everything_on_nodes_that_are_killed_by_turns(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var fleet = await Fleet.StartAsync(under.Url);
        using var done = new CancellationTokenSource();
        var killing = KillNodesAsync(fleet, done.Token);
        var result = await ReplayAsync(fleet.Url, Repository.Month, expected: 0, s_patience);
        await done.CancelAsync();
        Assert.InRange(await killing, 3, int.MaxValue);
        Assert.Equal("42481", (string?)result["totals"]!["lines"]!["found"]);
        Assert.InRange((long)result["retries"]!, 1, long.MaxValue);
    }

    private static async Task<int> KillNodesAsync(Fleet fleet, CancellationToken done)
    {
        for (var kills = 0; ; kills++)
        {
            if (done.IsCancellationRequested) return kills;
            await fleet.KillAsync(kills % 3);
            await fleet.StartNodeAsync(kills % 3);
        }
    }

    private static void AssertStateless(JsonNode result)
    {
        Assert.Equal("42481", (string?)result["totals"]!["lines"]!["found"]);
        // The largest invoices fit into no cookie: those are refused, and ordered with their lines.
        Assert.InRange((int)result["carts_too_large"]!, 10, 200);
    }

    /// <summary>The replay itself is put to the test: without receipts what is sent twice is done twice, and it has to say so.</summary>
    [Fact]
    public async Task A_shop_that_forgets_receipts_does_not_reconcile()
    {
        await using var host = await Host.StartCrashHostAsync("memory:", "--Host:ForgetReceipts=true");
        var result = await ReplayAsync(host.Url, Repository.Month, expected: 1, s_patience, "--limit-invoices", "100");
        Assert.False((bool)result["holds"]!);
        Assert.InRange((int)result["invoices_that_differ"]!, 1, 100);
    }

    private static async Task ReconcilesAsync(string engine, Func<Engine, Func<Task>?> killServer)
    {
        using var folder = new TempFolder();
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Shop.UpAsync(folder, "--store", under.Url);
        using var done = new CancellationTokenSource();
        var killing = KillAgainAndAgainAsync(shop, killServer(under), done.Token);
        var result = await ReplayAsync(shop.Url, Repository.Month, expected: 0, s_patience);
        await done.CancelAsync();
        // The shop at least twice, and the server between. While a cluster elects, the other primaries go on, so that fewer kills fit into the file.
        Assert.InRange(await killing, 3, int.MaxValue);
        Assert.Equal("42481", (string?)result["totals"]!["lines"]!["found"]);
        Assert.InRange((long)result["retries"]!, 1, long.MaxValue);
    }

    private static async Task<JsonNode> ReplayAsync(Uri url, string file, int expected, TimeSpan within, params string[] arguments)
    {
        await using var replay = TestProcess.Start("Stateside.Tool", ["replay", file, "--url", url.ToString(), "--resend", "10", "--json", .. arguments]);
        var code = await replay.ExitAsync(within);
        Assert.True(code == expected, $"replay ended with {code} and said:\n{replay.Said}");
        return JsonNode.Parse(replay.Output)!;
    }

    /// <summary>
    /// Kills the process that serves, and by turns the server of its store where there is one, whenever so many commits have been done
    /// since the last time, so that the kills are spread over the whole replay on any machine. Answers how often.
    /// </summary>
    private static async Task<int> KillAgainAndAgainAsync(Shop shop, Func<Task>? killServer, CancellationToken done)
    {
        const int commits = 4000;
        using var visitor = new Visitor(shop.Url);
        for (var (kills, since) = (0, 0L); ; kills++)
        {
            while (await Metrics.TripsAsync(visitor, "commit") - since < commits)
            {
                if (done.IsCancellationRequested) return kills;
                await Task.Delay(50, CancellationToken.None);
            }
            if (killServer is not null && kills % 2 == 1)
            {
                await killServer();
                since = await Metrics.TripsAsync(visitor, "commit");
                continue;
            }
            var victim = shop.ProcessId!.Value;
            Signals.Send(victim, Signals.Kill);
            await Eventually.TrueAsync(() => shop.ProcessId is { } id && id != victim, TimeSpan.FromSeconds(60), () => $"The shop was not started again:\n{shop.Tool.Said}");
            since = 0;
        }
    }
}
