using System.Globalization;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>Proof that nothing of what clients carry stays behind: the memory of the server does not grow with their number.</summary>
public sealed class FlatMemoryTests
{
    private const int Warm = 60_000;
    private const int Sessions = 100_000;
    private const long MostGrowthKilobytes = 12 * 1024;

    [Fact]
    public async Task LIM_04_A_hundred_thousand_sessions_leave_nothing_behind()
    {
        // Fixed in size, so that what is measured is what is kept and not what the collector has not yet looked at.
        await using var shop = await Host.StartShopAsync("memory:", "--Stateside:States:cart:Place=Client");
        await ServeAsync(shop.Url, Warm);
        var before = Resident(shop);
        await ServeAsync(shop.Url, Sessions);
        var after = Resident(shop);
        using var visitor = new Visitor(shop.Url);
        Assert.Equal((0, 0), (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit")));
        Assert.True(after - before < MostGrowthKilobytes, $"From {before} to {after} KB over {Sessions} sessions.");
    }

    /// <summary>Lets so many visitors come, each with a cart of a kilobyte, and never again.</summary>
    private static async Task ServeAsync(Uri url, int sessions)
    {
        var line = $$"""{"product_id":"{{new string('x', 64)}}","quantity":2,"unit_price":"2.55"}""";
        await Parallel.ForAsync(0, 16, async (_, token) =>
        {
            using var flood = new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false, MaxConnectionsPerServer = 1 }) { BaseAddress = url };
            for (var i = 0; i < sessions / 16; i++)
            {
                using var reply = await flood.PostAsync(new Uri("/cart/add", UriKind.Relative), new StringContent(line, System.Text.Encoding.UTF8, "application/json"), token);
                Assert.True(reply.IsSuccessStatusCode);
                Assert.Equal(2, reply.Headers.GetValues("Set-Cookie").Count());
            }
        });
    }

    private static long Resident(Host shop)
    {
        var line = File.ReadLines($"/proc/{shop.Process.Id}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
