using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>SIGTERM in the middle of the work, as every deployment sends it.</summary>
public sealed class ShutdownTests
{
    private const int Visitors = 32;

    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    public async Task A_stop_under_load_is_clean_and_keeps_what_was_acknowledged(int acknowledgedBefore)
    {
        using var folder = new TempFolder();
        var acknowledged = new int[Visitors];
        await using (var host = await Host.StartShopAsync(folder.Sqlite()))
        {
            var visitors = Enumerable.Range(0, Visitors).Select(i => CountUntilItEndsAsync(host.Url, i)).ToArray();
            await Eventually.TrueAsync(() => acknowledged.Sum() >= acknowledgedBefore || host.Process.HasExited, TimeSpan.FromSeconds(60), () => "Nobody was served.");
            host.Process.Terminate();
            var code = await host.Process.ExitAsync(TimeSpan.FromSeconds(30));
            Assert.True(code == 0, $"It ended with {code} and said:\n{host.Process.Said}");
            await Task.WhenAll(visitors);
        }

        await using var again = await Host.StartShopAsync(folder.Sqlite());
        using var reader = new Visitor(again.Url);
        for (var i = 0; i < Visitors; i++)
        {
            var value = (int)(await reader.GetAsync($"/counters/visitor-{i}")).Json["value"]!;
            // One request of each may have been done without its answer arriving.
            Assert.InRange(value, acknowledged[i], acknowledged[i] + 1);
        }

        async Task CountUntilItEndsAsync(Uri url, int i)
        {
            using var visitor = new Visitor(url);
            while (true)
            {
                var reply = await visitor.PostAsync($"/counters/visitor-{i}");
                if (!reply.IsWhole) return;
                Assert.True(reply.Status == 200, $"A request that was taken got {reply}");
                acknowledged[i]++;
            }
        }
    }
}
