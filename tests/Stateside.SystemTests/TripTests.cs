using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>How often a request goes to the store, counted between the engine and the store of a running server.</summary>
public sealed class TripTests
{
    public static TheoryData<string> Engines { get; } = [.. Engine.Names];

    [Theory, MemberData(nameof(Engines))]
    public async Task A_write_takes_one_load_and_one_commit_and_a_read_one_load(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var host = await Host.StartCrashHostAsync(under.Url);
        using var visitor = new Visitor(host.Url);
        using var stranger = new Visitor(host.Url);

        var line = """{"product_id":"tea","quantity":2}""";
        await Expect(0, 0, () => stranger.GetAsync("/cart"), "a read without a session");
        await Expect(0, 1, () => visitor.PostAsync("/cart/add", line), "a write that begins a session: nothing can be there yet");
        await Expect(1, 0, () => visitor.GetAsync("/cart"), "a read");
        await Expect(1, 1, () => visitor.PostAsync("/cart/add", line), "a write");
        await Expect(1, 1, () => visitor.PostAsync("/cart/add", line, key: "1"), "a write with a key");
        await Expect(1, 0, () => visitor.PostAsync("/cart/add", line, key: "1"), "its retry");
        await Expect(1, 1, () => visitor.PostAsync("/orders", key: "2"), "a write of two states");
        await Expect(1, 1, () => visitor.SendAsync(HttpMethod.Delete, "/cart"), "a deletion");
        await Expect(0, 1, () => stranger.PostAsync("/order", """{"user_id":"7","product_id":"cup","quantity":1}"""), "a new state that nobody owns");
        await Expect(1, 1, () => stranger.PostAsync("/order", """{"user_id":"7","product_id":"cup","quantity":1}""", key: "3"), "the same with a key");
        await Expect(1, 1, () => stranger.PostAsync("/counters/a"), "a write by name");
        await Expect(1, 0, () => stranger.GetAsync("/counters/a"), "a read by name");

        async Task Expect(int loads, int commits, Func<Task<Reply>> send, string what)
        {
            var before = (await visitor.GetAsync("/host/trips")).Json;
            var reply = await send();
            var after = (await visitor.GetAsync("/host/trips")).Json;
            Assert.True(reply.Status < 300, $"{what}: {reply}");
            var (loaded, committed) = (Difference("loads"), Difference("commits"));
            Assert.True((loads, commits) == (loaded, committed), $"{what}: {loaded} loads and {committed} commits, not {loads} and {commits}.");

            int Difference(string name) => (int)after[name]! - (int)before[name]!;
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Where_a_node_holds_everything_a_read_takes_no_trip_and_a_write_one(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(
            under.Url, "--Stateside:States:cart:Place=Node", "--Stateside:States:order:Place=Node", "--Stateside:States:counter:Place=Node");
        using var visitor = new Visitor(shop.Url);
        var line = """{"product_id":"tea","quantity":2}""";
        await Expect(0, 0, () => visitor.GetAsync("/cart"), "a read without a session");
        await Expect(0, 1, () => visitor.PostAsync("/cart/add", line), "a write that begins a session: nothing can be there yet");
        await Expect(0, 0, () => visitor.GetAsync("/cart"), "a read");
        await Expect(0, 1, () => visitor.PostAsync("/cart/add", line), "a write");
        await Expect(0, 1, () => visitor.PostAsync("/cart/add", line, key: "1"), "a write with a key: the commit looks for the receipt");
        await Expect(0, 1, () => visitor.PostAsync("/cart/add", line, key: "1"), "its retry");
        await Expect(1, 1, () => visitor.PostAsync("/orders", key: "2"), "two states, one new, after a replay that made memory look again");
        await Expect(0, 1, () => visitor.SendAsync(HttpMethod.Delete, "/cart"), "a deletion");
        await Expect(1, 1, () => visitor.PostAsync("/counters/a"), "a write by name, the first");
        await Expect(0, 1, () => visitor.PostAsync("/counters/a"), "the next");
        await Expect(0, 0, () => visitor.GetAsync("/counters/a"), "a read by name");

        async Task Expect(int loads, int commits, Func<Task<Reply>> send, string what)
        {
            var before = (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit"));
            var reply = await send();
            var after = (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit"));
            Assert.True(reply.Status < 300, $"{what}: {reply}");
            Assert.True((loads, commits) == (after.Item1 - before.Item1, after.Item2 - before.Item2), $"{what}: {before} became {after}.");
        }
    }

    [Fact]
    public async Task Where_the_client_carries_its_cart_the_store_is_asked_for_receipts_and_orders_only()
    {
        using var folder = new TempFolder();
        await using var shop = await Host.StartShopAsync(folder.Sqlite(), "--Stateside:States:cart:Place=Client");
        using var visitor = new Visitor(shop.Url);
        var line = """{"product_id":"tea","quantity":2}""";
        await Expect(0, 0, () => visitor.GetAsync("/cart"), "a read without a session");
        await Expect(0, 0, () => visitor.PostAsync("/cart/add", line), "a write that begins a session");
        await Expect(0, 0, () => visitor.GetAsync("/cart"), "a read");
        await Expect(0, 0, () => visitor.PostAsync("/cart/add", line), "a write");
        await Expect(1, 1, () => visitor.PostAsync("/cart/add", line, key: "1"), "a write with a key");
        await Expect(1, 0, () => visitor.PostAsync("/cart/add", line, key: "1"), "its retry");
        await Expect(1, 1, () => visitor.PostAsync("/orders", key: "2"), "an order, which empties the cart");
        await Expect(0, 0, () => visitor.SendAsync(HttpMethod.Delete, "/cart"), "a deletion");

        async Task Expect(int loads, int commits, Func<Task<Reply>> send, string what)
        {
            var before = (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit"));
            var reply = await send();
            var after = (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit"));
            Assert.True(reply.Status < 300, $"{what}: {reply}");
            Assert.True((loads, commits) == (after.Item1 - before.Item1, after.Item2 - before.Item2), $"{what}: {before} became {after}.");
        }
    }

    [Fact]
    public async Task The_metrics_count_the_same_trips()
    {
        await using var shop = await Host.StartShopAsync("memory:");
        using var visitor = new Visitor(shop.Url);
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await visitor.PostAsync("/counters/a")).Status);
        for (var i = 0; i < 4; i++) Assert.Equal(200, (await visitor.GetAsync("/counters/a")).Status);
        Assert.Equal(200, (await visitor.GetAsync("/cart")).Status);
        Assert.Equal((7, 3), (await Metrics.TripsAsync(visitor, "load"), await Metrics.TripsAsync(visitor, "commit")));
    }
}
