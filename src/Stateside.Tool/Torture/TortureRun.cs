using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Stateside.Stores;
using Stateside.Tool.Bench;
using Stateside.Tool.Up;

namespace Stateside.Tool.Torture;

/// <summary>What is asked for.</summary>
/// <param name="Store"><c>sqlite</c>, <c>redis</c>, <c>postgres</c>, or the URL of a store.</param>
/// <param name="Length">How long the faults go on.</param>
/// <param name="Nodes">How many nodes, beside the gateway.</param>
/// <param name="Clients">How many clients.</param>
/// <param name="Nemeses">Which faults, of <see cref="Nemesis.Kinds"/>.</param>
/// <param name="Seed">What decides them.</param>
internal sealed record TortureOptions(string Store, TimeSpan Length, int Nodes, int Clients, IReadOnlyList<string> Nemeses, int Seed);

/// <summary>One run: a cluster is started, tortured, left alone until it serves again, and then everything is read back and compared.</summary>
internal sealed class TortureRun(TortureOptions options, string data, TextWriter progress, TimeProvider time)
{
    private const int FinalReaders = 16;

    // Long enough that every client comes to every counter, with nothing in the way any more.
    private static readonly TimeSpan s_tail = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_servesWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(5);

    private readonly List<string> _leftOut = [];
    private readonly Record _record = new(time);

    /// <summary>Everything that was asked for and done.</summary>
    public Record Record => _record;

    /// <summary>Runs it.</summary>
    /// <param name="whyNoNetwork">Why networks cannot be cut; null if they can.</param>
    /// <param name="cancellationToken">Ends it early, with everything that was started.</param>
    public async Task<TortureReport> RunAsync(string? whyNoNetwork, CancellationToken cancellationToken)
    {
        using var network = whyNoNetwork is null ? await PrivateNetwork.CreateAsync(cancellationToken) : null;
        await using var store = await TortureStore.StartAsync(options.Store, data, network, time, cancellationToken);
        var cluster = await MembersAsync(store, network, cancellationToken);
        try
        {
            // The first node makes what the store needs; the gateway has somebody to ask once nodes are there.
            await cluster[1].StartAsync(cancellationToken);
            await Task.WhenAll(cluster.Skip(2).Select(node => node.StartAsync(cancellationToken)));
            await cluster[0].StartAsync(cancellationToken);
            return await TortureAsync(cluster, store, network, Fit(whyNoNetwork, store), cancellationToken);
        }
        finally
        {
            foreach (var node in cluster) await node.DisposeAsync();
        }
    }

    private async Task<List<TortureNode>> MembersAsync(TortureStore store, PrivateNetwork? network, CancellationToken cancellationToken)
    {
        var plan = ShopPlan.Create("stateful", store.Url, [], data, data);
        plan = plan with { Arguments = [.. plan.Arguments, "--Logging:LogLevel:Microsoft.AspNetCore=Warning", "--Logging:Console:FormatterName=simple", "--Logging:Console:FormatterOptions:SingleLine=true", "--Logging:Console:FormatterOptions:TimestampFormat=HH:mm:ss.fff "] };
        var members = new List<TortureNode>();
        for (var i = 0; i <= options.Nodes; i++)
        {
            var name = i == 0 ? "gateway" : string.Create(CultureInfo.InvariantCulture, $"node-{i}");
            var address = network is null ? IPAddress.Loopback : await network.AddAsync(name, cancellationToken);
            var listens = new IPEndPoint(address, network is null ? ServerProgram.FreePort() : 8080);
            var own = i == 0 ? plan.AsGateway() : plan.AsNode(i);
            if (network is not null && i > 0) own = own with { Arguments = [.. own.Arguments, $"--Stateside:Cluster:Listen={address}:9001"] };
            members.Add(new TortureNode(name, own, listens, Path.Combine(data, name + ".log"), network?.Within(name) ?? [], what => _record.Add(new Finding(TortureReport.DiedKind, 1, what)), time));
        }
        return members;
    }

    /// <summary>Of the faults that were asked for those that are possible here.</summary>
    private List<string> Fit(string? whyNoNetwork, TortureStore store)
    {
        var fit = options.Nemeses.ToList();
        if (whyNoNetwork is not null && fit.Remove(Nemesis.Partition)) _leftOut.Add($"{Nemesis.Partition}: {whyNoNetwork}");
        if (!store.IsOurs && fit.Remove(Nemesis.Store)) _leftOut.Add($"{Nemesis.Store}: {(StoreUrl.Scheme(store.Url) == "sqlite" ? "SQLite has no server that could end" : "a store that this command did not start is not its to stop")}");
        return fit;
    }

    private async Task<TortureReport> TortureAsync(List<TortureNode> cluster, TortureStore store, PrivateNetwork? network, IReadOnlyList<string> nemeses, CancellationToken cancellationToken)
    {
        var nodes = cluster.Skip(1).ToArray();
        using var http = new TortureClient(cluster[0].Url, [.. nodes.Select(node => node.Url)], time);
        // A store that was used before has counters of earlier runs.
        var tag = string.Create(CultureInfo.InvariantCulture, $"t{time.GetUtcNow().ToUnixTimeMilliseconds()}");
        var load = new TortureLoad(http, _record, time, tag, options.Seed, options.Clients);
        using var stopFaults = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var stopLoad = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var begun = _record.Now;
        var working = load.RunAsync(stopLoad.Token, cancellationToken);
        var torturing = new Nemesis(nodes, cluster[0], store, network, _record, time, options.Seed).RunAsync(nemeses, stopFaults.Token, cancellationToken);
        try
        {
            for (var left = options.Length; left > TimeSpan.Zero && !torturing.IsFaulted && !working.IsFaulted; left -= s_tellEvery)
            {
                await Task.Delay(left < s_tellEvery ? left : s_tellEvery, time, cancellationToken);
                await TellAsync(http);
            }
            await stopFaults.CancelAsync();
            await torturing;
            await progress.WriteLineAsync("all faults are over; now everything has to serve again");
            var servedAfter = await ServesAgainAsync(http, cluster, tag, cancellationToken);
            await Task.Delay(s_tail, time, cancellationToken);
            await stopLoad.CancelAsync();
            await working;
            var seconds = TimeSpan.FromTicks(_record.Now - begun);
            await ReadAllAsync(load, cancellationToken);
            return await JudgeAsync(store, load, http, seconds, servedAfter, cancellationToken);
        }
        finally
        {
            // Whatever went wrong: nothing goes on, and nothing stays cut or stopped.
            await stopFaults.CancelAsync();
            await stopLoad.CancelAsync();
            await Task.WhenAny(Task.WhenAll(working, torturing));
        }
    }

    private Task TellAsync(TortureClient http) => progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
        $"torturing: {TimeSpan.FromTicks(_record.Now).TotalSeconds:N0} s of {options.Length.TotalSeconds:N0}, {_record.Entries.Count:N0} operations, {(double)http.Succeeded / Math.Max(1, http.Requests):P1} of {http.Requests:N0} requests succeeded, {_record.Faults.Count} faults"));

    /// <summary>Every process has to take an addition, each to counters in many shards.</summary>
    private async Task<TimeSpan> ServesAgainAsync(TortureClient http, List<TortureNode> cluster, string tag, CancellationToken cancellationToken)
    {
        const int counters = 8;
        var begun = _record.Now;
        await Task.WhenAll(cluster.SelectMany(node => Enumerable.Range(0, counters).Select(async i =>
        {
            var request = new TortureRequest(HttpMethod.Post, $"/counters/{tag}-after-{i}", $"{tag}-{node.Name}-{i}", "{\"by\":1}"u8.ToArray());
            while (_record.Now - begun < s_servesWithin.Ticks)
                if ((await http.SendToAsync(node.Url, request, null, cancellationToken)).Outcome == Outcome.Acknowledged) return;
            _record.Add(new Finding(TortureReport.NotServingKind, 1, $"{node.Name} did not add to counter {i} within {s_servesWithin.TotalSeconds:0} s of the end of all faults"));
        })));
        return TimeSpan.FromTicks(_record.Now - begun);
    }

    /// <summary>The last entry of each counter and each cart: what there is in the end.</summary>
    private async Task ReadAllAsync(TortureLoad load, CancellationToken cancellationToken)
    {
        var keys = new ConcurrentQueue<(string Key, bool IsCounter)>(_record.Entries.Select(e => (e.Key, e.Ask is Ask.Count or Ask.ReadCounter)).Distinct());
        await progress.WriteLineAsync($"reading {keys.Count:N0} counters and carts back");
        await Task.WhenAll(Enumerable.Range(0, FinalReaders).Select(async _ =>
        {
            while (keys.TryDequeue(out var one))
                if (!await load.ReadAsync(one.Key, one.IsCounter, cancellationToken))
                    _record.Add(new Finding(TortureReport.NotServingKind, 1, $"{one.Key} cannot be read after all faults are over"));
        }));
    }

    private async Task<TortureReport> JudgeAsync(TortureStore store, TortureLoad load, TortureClient http, TimeSpan took, TimeSpan servedAfter, CancellationToken cancellationToken)
    {
        await progress.WriteLineAsync("checking what was recorded");
        var entries = _record.Entries;
        foreach (var finding in new Reconciler(entries, await OrdersAsync(store, entries, cancellationToken)).Run(cancellationToken)) _record.Add(finding);
        return TortureReport.Of(options, _record, load.Gaps, http, took, servedAfter, _leftOut);
    }

    /// <summary>The orders of each session, as the store has them. An order's id leads to the group of its session.</summary>
    private async Task<Dictionary<string, IReadOnlyList<string>>> OrdersAsync(TortureStore store, IReadOnlyList<Entry> entries, CancellationToken cancellationToken)
    {
        const int most = 1000;
        await using var opened = StoreUrl.Provider(store.Url).Create(store.Url, time);
        await opened.OpenAsync(cancellationToken);
        var orders = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var known in entries.Where(e => e.OrderId is not null).DistinctBy(e => e.Key))
        {
            var keys = await opened.ListAsync(StateKey.From("order", known.OrderId!).Group, most, cancellationToken);
            orders[known.Key] = [.. keys.Where(key => key.Name == "order").Select(key => $"{key.Group.Value[0]}{key.Group.Value[2..]}{key.Item}")];
        }
        return orders;
    }
}
