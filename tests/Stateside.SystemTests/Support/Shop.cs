using System.Globalization;

namespace Stateside.SystemTests.Support;

/// <summary>The sample shop as <c>./stateside up</c> runs it.</summary>
internal sealed class Shop : IAsyncDisposable
{
    private static readonly TimeSpan s_startsWithin = TimeSpan.FromSeconds(60);
    private readonly string _data;

    private Shop(TestProcess tool, string data, int port) => (Tool, _data, Port) = (tool, data, port);

    public TestProcess Tool { get; }

    public int Port { get; }

    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>The process that serves; null while there is none.</summary>
    public int? ProcessId => NodeId(1);

    /// <summary>The process of the gateway, where there are several nodes.</summary>
    public int GatewayId => Read("gateway.pid")!.Value;

    /// <summary>The process of a node, from 1; null while there is none.</summary>
    public int? NodeId(int i) => Read($"node-{i}.pid");

    public static Task<Shop> UpAsync(TempFolder folder, params string[] arguments) => UpAsync(folder.File("data"), arguments);

    /// <summary>The same with a data directory of its own, for one of several on one store.</summary>
    public static Task<Shop> UpAsync(string data, params string[] arguments) => UpAsync(data, Ports.Next(), arguments);

    /// <summary>Several nodes behind a gateway.</summary>
    public static Task<Shop> UpNodesAsync(TempFolder folder, int nodes, params string[] arguments) =>
        UpAsync(folder.File("data"), Ports.Next(nodes + 1), ["--nodes", nodes.ToString(CultureInfo.InvariantCulture), .. arguments]);

    private static async Task<Shop> UpAsync(string data, int port, string[] arguments)
    {
        var shop = new Shop(TestProcess.Start("Stateside.Tool", ["up", "--port", port.ToString(CultureInfo.InvariantCulture), "--data", data, .. arguments]), data, port);
        await Eventually.TrueAsync(() => shop.Tool.HasExited || shop.Tool.Output.Contains($"ready {shop.Url.ToString().TrimEnd('/')}", StringComparison.Ordinal), s_startsWithin, () => $"up is not ready:\n{shop.Tool.Said}");
        Assert.False(shop.Tool.HasExited, $"up ended:\n{shop.Tool.Said}");
        return shop;
    }

    /// <summary>Runs up where it must refuse, and gives its one line of error.</summary>
    public static async Task<string> UpRefusedAsync(params string[] arguments)
    {
        await using var tool = TestProcess.Start("Stateside.Tool", ["up", .. arguments]);
        var code = await tool.ExitAsync(s_startsWithin);
        Assert.True(code == 2, $"up {string.Join(' ', arguments)} ended with {code} and said:\n{tool.Said}");
        Assert.DoesNotContain("   at ", tool.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("ready ", tool.Output, StringComparison.Ordinal);
        return tool.Error.TrimEnd();
    }

    public async ValueTask DisposeAsync() => await Tool.DisposeAsync();

    private int? Read(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(Path.Combine(_data, file)), CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
