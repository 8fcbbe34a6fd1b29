using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>Carts move from the clients to the store while their owners shop: the server is replaced by one with another configuration, and nothing else.</summary>
public sealed class MigrationTests
{
    private const int Visitors = 12;
    private const int Lines = 60;

    [Fact]
    public async Task Carts_move_from_the_client_to_the_store_under_visitors_who_go_on_shopping()
    {
        using var folder = new TempFolder();
        var (port, store) = (Ports.Next(), folder.Sqlite());
        var host = await Host.StartAsync("Shop", port, store, "--Stateside:States:cart:Place=Client");
        var bought = 0;
        try
        {
            var shopping = Enumerable.Range(0, Visitors).Select(i => ShopAsync(host.Url, i, () => Interlocked.Increment(ref bought))).ToArray();
            await Eventually.TrueAsync(() => Volatile.Read(ref bought) > Visitors * Lines / 3, TimeSpan.FromSeconds(60), () => $"Only {bought} lines were bought.");
            // Killed and not stopped: some answers are on their way.
            Signals.Send(host.Process.Id, Signals.Kill);
            await host.DisposeAsync();
            host = await Host.StartAsync("Shop", port, store, "--Stateside:States:cart:Place=Store", "--Stateside:States:cart:MigrateFrom=Client");
            await Task.WhenAll(shopping);
            using var visitor = new Visitor(host.Url);
            // Once for each visitor, and once more for each whose last answer was lost with the first server.
            Assert.InRange(await Metrics.CounterAsync(visitor, "stateside_state_adopted_total"), Visitors, 2 * Visitors);
        }
        finally
        {
            await host.DisposeAsync();
        }
    }

    /// <summary>Puts so many lines into one cart, each until it is answered, and counts them at the end.</summary>
    private static async Task ShopAsync(Uri url, int number, Action onBought)
    {
        using var visitor = new Visitor(url);
        for (var line = 1; line <= Lines; line++)
        {
            await UntilDoneAsync(() => visitor.PostAsync("/cart/add", $$"""{"product_id":"p{{line}}","quantity":1}""", key: $"{number}-{line}"));
            onBought();
        }
        var cart = await UntilDoneAsync(() => visitor.GetAsync("/cart"));
        Assert.Equal(Enumerable.Range(1, Lines).Select(i => $"p{i}"), cart.Json["lines"]!.AsArray().Select(l => (string)l!["product_id"]!));
    }

    private static async Task<Reply> UntilDoneAsync(Func<Task<Reply>> send)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var reply = await send();
            if (reply.Status is >= 200 and < 300) return reply;
            Assert.True(reply.Status is 0 or 503 || reply.Code == "SS1001", $"{reply}");
            if (reply.Code != "SS1001") await Task.Delay(20, patience.Token);
        }
    }
}
