namespace Stateside.Tool.Bench;

/// <summary>What stands between the clients and the node.</summary>
/// <param name="Name">The name in <c>--only</c>.</param>
/// <param name="Offset">How many ports after the node's it listens; 0: nothing stands between.</param>
internal sealed record Front(string Name, int Offset)
{
    public static readonly Front Direct = new("direct", 0);
    public static readonly Front Gateway = new("gateway", 1);
    public static readonly Front Haproxy = new("haproxy", 2);
    public static readonly Front Nginx = new("nginx", 3);

    public static readonly Front[] All = [Direct, Gateway, Haproxy, Nginx];
}

/// <summary>One kind of request through one front.</summary>
/// <param name="Front">What it goes through.</param>
/// <param name="Method">GET reads a cart of 1 KB, POST adds to a counter.</param>
/// <param name="Connections">How many requests are on their way at any time.</param>
internal sealed record ForwardCase(Front Front, string Method, int Connections)
{
    /// <summary>What it is compared with.</summary>
    public ForwardCase OfHaproxy => this with { Front = Front.Haproxy };
}

/// <summary>What one measurement of a hop gave.</summary>
/// <param name="RequestsPerSecond">Answered requests.</param>
/// <param name="P50">Microseconds within which half of them were answered.</param>
/// <param name="P99">Microseconds within which 99 of 100 were answered.</param>
/// <param name="FrontCpu">Microseconds of processor time that all processes of the front spent on each request; 0 where there is none.</param>
/// <param name="NodeCpu">The same for the node behind it.</param>
/// <param name="Errors">Requests that were not answered, or not with a success.</param>
internal sealed record ForwardSample(double RequestsPerSecond, double P50, double P99, double FrontCpu, double NodeCpu, long Errors);

/// <summary>
/// Measures what a hop costs: one node, whose states are in its memory, and in front of it in turn nothing, our gateway, HAProxy and
/// nginx. They all run all the while, since a front without requests does next to nothing, and take turns within each repetition.
/// </summary>
internal sealed class ForwardRun(Front[] fronts, BenchOptions options, int port, TimeProvider time, Action<string> say)
{
    private const int WarmUpSeconds = 8;
    private const string Node = "node", Gateway = "gateway";
    private static readonly string[] s_methods = ["GET", "POST"];
    private static readonly int s_lines = Carts.Lines(1);

    private readonly Uri _node = new($"http://127.0.0.1:{port}/cart");

    /// <summary>The samples of each case, one for each repetition.</summary>
    public Dictionary<ForwardCase, List<ForwardSample>> Samples { get; } =
        (from method in s_methods from connections in options.Connections from front in fronts select new ForwardCase(front, method, connections)).ToDictionary(c => c, _ => new List<ForwardSample>());

    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        var server = Server(Node, "--Stateside:Cluster:Listen=127.0.0.1:0");
        var data = BenchProcess.NewData(server);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(10) };
        await using var node = await BenchProcess.StartAsync(server, null, _node, data, s_lines, time, cancellationToken);
        await using var gateway = Has(Front.Gateway)
            ? await BenchProcess.StartAsync(Server(Gateway, "--Stateside:Cluster:Role=Gateway"), null, Url(Front.Gateway), data, s_lines, time, cancellationToken) : null;
        await using var haproxy = Has(Front.Haproxy) ? await Proxies.StartHaproxyAsync(data, Port(Front.Haproxy), port, time, cancellationToken) : null;
        await using var nginx = Has(Front.Nginx) ? await Proxies.StartNginxAsync(data, Port(Front.Nginx), port, time, cancellationToken) : null;
        TimeSpan CpuOf(Front front) => front == Front.Gateway ? gateway!.CpuTime : front == Front.Haproxy ? haproxy!.CpuTime : front == Front.Nginx ? nginx!.CpuTime : default;

        var cookies = await Carts.MakeAsync(client, server, _node, s_lines, cancellationToken);
        var cookieFile = Path.Combine(data, "cookies");
        await File.WriteAllLinesAsync(cookieFile, cookies, cancellationToken);
        foreach (var each in Samples.Keys.DistinctBy(c => (c.Front, c.Method))) await WarmUpAsync(each, cookieFile, node, gateway, cancellationToken);
        for (var repetition = 1; repetition <= options.Repetitions; repetition++)
            foreach (var (each, samples) in Samples)
            {
                var (frontBefore, nodeBefore) = (CpuOf(each.Front), node.CpuTime);
                var load = await LoadGenerator.RunForwardAsync(Url(each.Front), each.Method, cookieFile, each.Connections, options.Seconds, cancellationToken);
                var (front, behind) = (CpuOf(each.Front) - frontBefore, node.CpuTime - nodeBefore);
                samples.Add(new(load.Requests / load.Duration.TotalSeconds, load.P50, load.P99, PerRequest(front, load), PerRequest(behind, load), load.Errors));
                say($"[{repetition} of {options.Repetitions}] {each.Front.Name}, {each.Method}, {each.Connections} connections: {samples[^1].RequestsPerSecond:N0}/s, {samples[^1].FrontCpu:N1} us in front");
            }
        foreach (var front in fronts) await Carts.CheckAsync(client, server, Url(front), s_lines, cookies, cancellationToken);
    }

    private async Task WarmUpAsync(ForwardCase each, string cookieFile, BenchProcess node, BenchProcess? gateway, CancellationToken cancellationToken)
    {
        // The proxies are compiled; what they need is the node's other protocol warm, for which a second is enough.
        var seconds = each.Front == Front.Haproxy || each.Front == Front.Nginx ? 1 : WarmUpSeconds;
        for (var second = 0; second < seconds; second++)
        {
            _ = await LoadGenerator.RunForwardAsync(Url(each.Front), each.Method, cookieFile, each.Connections, 1, cancellationToken);
            await node.SettleAsync(cancellationToken);
            if (gateway is not null) await gateway.SettleAsync(cancellationToken);
        }
    }

    private static double PerRequest(TimeSpan cpu, LoadResult load) => load.Requests == 0 ? 0 : cpu.TotalMicroseconds / load.Requests;

    /// <summary>The states live in the node's memory alone, so that what is measured is the hop and not a store.</summary>
    private static BenchServer Server(string name, string role) =>
        BenchServer.NodeNone with { Name = name, Settings = [.. BenchServer.NodeNone.Settings, $"--Stateside:Cluster:Name={name}", role] };

    private bool Has(Front front) => fronts.Contains(front);

    private int Port(Front front) => port + front.Offset;

    private Uri Url(Front front) => new($"http://127.0.0.1:{Port(front)}/cart");
}
