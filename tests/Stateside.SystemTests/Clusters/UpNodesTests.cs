using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Clusters;

/// <summary><c>./stateside up --nodes 3</c> as a user runs it in a terminal.</summary>
public sealed class UpNodesTests
{
    private const int Nodes = 3;

    [Fact]
    public async Task A_node_that_died_is_started_again_and_Ctrl_C_ends_all_of_them()
    {
        using var folder = new TempFolder();
        await using var shop = await Shop.UpNodesAsync(folder, Nodes, "--as", "stateful");
        using var visitor = new Visitor(shop.Url);
        for (var i = 0; i < 20; i++) Assert.Equal(200, (await visitor.PostAsync($"/counters/{i}")).Status);

        var died = shop.NodeId(2)!.Value;
        Signals.Send(died, Signals.Kill);
        await Eventually.TrueAsync(() => shop.NodeId(2) is { } id && id != died && Lives(id), TimeSpan.FromSeconds(30), () => $"Node 2 was not started again:\n{shop.Tool.Said}");
        for (var i = 0; i < 20; i++)
        {
            var counter = $"/counters/{i}";
            await Eventually.TrueAsync(async () => (await visitor.GetAsync(counter)).Status == 200, TimeSpan.FromSeconds(30), () => $"{counter} does not serve:\n{shop.Tool.Said}");
            Assert.Equal("""{"value":1}""", (await visitor.GetAsync(counter)).Body);
        }

        // A terminal sends it to the whole process group at once.
        int[] processes = [shop.Tool.Id, .. Enumerable.Range(1, Nodes).Select(i => shop.NodeId(i)!.Value), shop.GatewayId];
        foreach (var id in processes) Signals.Send(id, Signals.Interrupt);
        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, await shop.Tool.ExitAsync(TimeSpan.FromSeconds(30)));
        Assert.DoesNotContain(processes, Lives);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.DoesNotContain("   at ", shop.Tool.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_port_that_is_taken_is_refused_before_anything_starts(int which)
    {
        using var folder = new TempFolder();
        var port = Ports.Next(Nodes + 1);
        using var other = new TcpListener(IPAddress.Loopback, port + which);
        other.Start();
        var said = await Shop.UpRefusedAsync("--data", folder.File("data"), "--nodes", "3", "--as", "stateful", "--port", port.ToString(CultureInfo.InvariantCulture));
        Assert.StartsWith($"stateside up: Port {port + which} is in use.", said, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', said);
    }

    private static bool Lives(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
