using System.Net;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Clusters;

/// <summary>Three nodes of the shop and a gateway, each a process of its own, all states on nodes.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly string _store;
    private readonly string _project;
    private readonly Host?[] _nodes = new Host?[3];
    private readonly List<Host> _all = [];
    private Host? _gateway;

    private readonly string[] _more;

    private Fleet(string store, string project, string[] more) => (_store, _project, _more) = (store, project, more);

    public Uri Url => _gateway!.Url;

    public IEnumerable<TestProcess> Nodes => _nodes.Select(node => node!.Process);

    /// <summary>What the nodes and the gateway have said.</summary>
    public string Said => string.Concat(Nodes.Select(node => node.Said)) + _gateway?.Process.Said;

    /// <param name="store">The store that all share.</param>
    /// <param name="project">What each of them runs: the shop, or the host that has a folded state beside it.</param>
    /// <param name="more">What else they are started with.</param>
    public static async Task<Fleet> StartAsync(string store, string project = "Shop", params string[] more)
    {
        var fleet = new Fleet(store, project, more);
        try
        {
            for (var i = 0; i < 3; i++) await fleet.StartNodeAsync(i);
            fleet._gateway = await Host.StartAsync(project, Ports.Next(), store, [.. fleet.Places, .. more, "--Stateside:Cluster:Name=gateway", "--Stateside:Cluster:Role=Gateway"]);
            await Eventually.TrueAsync(() => ReadyAsync(fleet.Url), TimeSpan.FromSeconds(30), () => "the gateway knows no nodes");
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public async Task StartNodeAsync(int i)
    {
        var node = _nodes[i] = await Host.StartAsync(_project, Ports.Next(), _store, [.. Places, .. _more, $"--Stateside:Cluster:Name=node-{i + 1}", "--Stateside:Cluster:Listen=127.0.0.1:0"]);
        _all.Add(node);
        await Eventually.TrueAsync(() => ReadyAsync(node.Url), TimeSpan.FromSeconds(30), () => $"node {i + 1} has not joined. It said:\n{node.Process.Said}");
    }

    /// <summary>What the nodes have warned of, with how often.</summary>
    public string Warnings => string.Join('\n', _all.SelectMany(host => host.Process.Said.Split('\n')).Where(line => line.Contains("no sign of life", StringComparison.Ordinal)
        || line.Contains("silent for too long", StringComparison.Ordinal) || line.Contains("refused a commit", StringComparison.Ordinal)).CountBy(line => line.Trim()).Select(w => $"{w.Value} x {w.Key}"));

    public Task KillAsync(int i) => _nodes[i]!.Process.KillAsync();

    public async Task StopAsync(int i)
    {
        _nodes[i]!.Process.Terminate();
        await Eventually.TrueAsync(() => _nodes[i]!.Process.HasExited, TimeSpan.FromSeconds(30), () => $"node {i + 1} does not end. It said:\n{_nodes[i]!.Process.Said}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        foreach (var node in _nodes)
            if (node is not null) await node.DisposeAsync();
    }

    /// <summary>What tells the shop to keep all its states on nodes.</summary>
    public static string[] ShopPlaces { get; } = PlacesOf("cart", "order", "counter");

    private string[] Places => _project == "Shop" ? ShopPlaces : PlacesOf("cart", "order", "counter", "room");

    private static string[] PlacesOf(params string[] states) => [.. states.Select(state => $"--Stateside:States:{state}:Place=Node")];

    private static async Task<bool> ReadyAsync(Uri url)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var response = await client.GetAsync(new Uri(url, "/readyz"));
        return response.StatusCode == HttpStatusCode.OK;
    }
}
