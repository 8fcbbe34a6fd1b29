using System.Net;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Clusters;

/// <summary>Three nodes of the shop and a gateway, each a process of its own, all states on nodes.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly string _store;
    private readonly Host?[] _nodes = new Host?[3];
    private Host? _gateway;

    private Fleet(string store) => _store = store;

    public Uri Url => _gateway!.Url;

    public IEnumerable<TestProcess> Nodes => _nodes.Select(node => node!.Process);

    /// <summary>What the nodes and the gateway have said.</summary>
    public string Said => string.Concat(Nodes.Select(node => node.Said)) + _gateway?.Process.Said;

    public static async Task<Fleet> StartAsync(string store)
    {
        var fleet = new Fleet(store);
        try
        {
            for (var i = 0; i < 3; i++) await fleet.StartNodeAsync(i);
            fleet._gateway = await Host.StartAsync("Shop", Ports.Next(), store, [.. Places, "--Stateside:Cluster:Name=gateway", "--Stateside:Cluster:Role=Gateway"]);
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
        var node = _nodes[i] = await Host.StartAsync("Shop", Ports.Next(), _store, [.. Places, $"--Stateside:Cluster:Name=node-{i + 1}", "--Stateside:Cluster:Listen=127.0.0.1:0"]);
        await Eventually.TrueAsync(() => ReadyAsync(node.Url), TimeSpan.FromSeconds(30), () => $"node {i + 1} has not joined. It said:\n{node.Process.Said}");
    }

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

    /// <summary>All states on nodes.</summary>
    public static readonly string[] Places = ["--Stateside:States:cart:Place=Node", "--Stateside:States:order:Place=Node", "--Stateside:States:counter:Place=Node"];

    private static async Task<bool> ReadyAsync(Uri url)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var response = await client.GetAsync(new Uri(url, "/readyz"));
        return response.StatusCode == HttpStatusCode.OK;
    }
}
