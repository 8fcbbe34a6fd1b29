using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Crashes;

/// <summary>A writing request of the shop, and how a test sees how often it took effect.</summary>
internal sealed class WritingRequest
{
    private readonly Visitor _visitor;
    private readonly string _path;
    private readonly string? _body;
    private readonly string _key = Guid.NewGuid().ToString();
    private readonly Func<Reply?, Task<int?>> _effects;

    private WritingRequest(Visitor visitor, string path, string? body, Func<Reply?, Task<int?>> effects) =>
        (_visitor, _path, _body, _effects) = (visitor, path, body, effects);

    /// <summary>The names that <see cref="PrepareAsync"/> knows.</summary>
    public static readonly string[] Names = ["cart", "orders", "order", "counter"];

    /// <summary>Brings the shop to the moment before the request.</summary>
    public static async Task<WritingRequest> PrepareAsync(string name, Visitor visitor)
    {
        if (name == "order")
        {
            return new(visitor, "/order", """{"user_id":"7","product_id":"cup","quantity":3,"unit_price":"2.55"}""",
                // Without a session its group is found by the order's own id alone.
                async reply => reply?.Location is { } at ? await CountOrdersAsync(visitor, at) : null);
        }
        if (name == "counter")
        {
            var path = "/counters/" + Guid.NewGuid();
            return new(visitor, path, """{"by":1}""", async _ => (int?)(await visitor.GetAsync(path)).Json["value"]);
        }
        Assert.Equal(200, (await visitor.PostAsync("/cart/add", """{"product_id":"tea","quantity":2,"unit_price":"0.10"}""")).Status);
        if (name == "cart")
        {
            return new(visitor, "/cart/add", """{"product_id":"cup","quantity":3,"unit_price":"2.55"}""",
                async _ => (await visitor.GetAsync("/cart")).Json["lines"]!.AsArray().Count(line => (string?)line!["product_id"] == "cup"));
        }
        Assert.Equal("orders", name);
        return new(visitor, "/orders", null, async reply =>
        {
            var emptied = (await visitor.GetAsync("/cart")).Json["lines"]!.AsArray().Count == 0 ? 1 : 0;
            if (reply?.Location is { } at) Assert.Equal(emptied, await CountOrdersAsync(visitor, at));
            return emptied;
        });
    }

    /// <summary>Sends it, each time under the same key.</summary>
    public Task<Reply> SendAsync(Action? onContent = null) => _visitor.PostAsync(_path, _body, _key, onContent);

    /// <summary>How often it took effect.</summary>
    /// <param name="reply">The answer to it, if there was one.</param>
    /// <returns>Null if that cannot be seen without an answer.</returns>
    public Task<int?> CountEffectsAsync(Reply? reply = null) => _effects(reply);

    private static async Task<int?> CountOrdersAsync(Visitor visitor, string location)
    {
        var order = await visitor.GetAsync(location);
        Assert.True(order.Status == 200, $"The order at the Location is not there: {order}");
        var all = await visitor.GetAsync("/host/orders?id=" + location["/orders/".Length..]);
        return int.Parse(all.Body, System.Globalization.CultureInfo.InvariantCulture);
    }
}
