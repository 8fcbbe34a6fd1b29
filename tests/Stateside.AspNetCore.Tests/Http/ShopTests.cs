using Shop;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>The sample shop as it stands, in first and in third runs.</summary>
public class ShopTests
{
    private static readonly Func<AppSetup> Setup = () => new()
    {
        Declare = s => s
            .AddState("cart", ShopJson.Default.Cart, empty: Cart.Empty)
            .AddState("order", ShopJson.Default.Order, needs: Needs.Current)
            .AddState("counter", ShopJson.Default.Counter, empty: Counter.Zero),
        Build = b =>
        {
            b.Services.ConfigureHttpJsonOptions(http => HttpJson.Use(http.SerializerOptions));
            b.Services.AddProblemDetails();
        },
        Before = a => { a.UseExceptionHandler(); a.UseStatusCodePages(); },
    };

    /// <summary>A visit: every endpoint, every refusal.</summary>
    private static async Task<List<string>> VisitAsync(TestApp app, Action beforeEach)
    {
        var seen = new List<string>();
        async Task<Reply> See(Task<Reply> reply)
        {
            var got = await reply;
            seen.Add(got.Comparable());
            beforeEach();
            return got;
        }
        var cookie = ("Cookie", (await See(app.PostAsync("/cart/add", """{"product_id":"xyz","quantity":2,"unit_price":"2.55"}"""))).Cookie!);
        await See(app.PostAsync("/cart/add", """{"product_id":"xyz","quantity":-1}""", cookie));
        await See(app.PostAsync("/cart/add", """{"product_id":"","quantity":1}""", cookie));
        await See(app.PostAsync("/cart/add", """{"product_id":"x","quantity":0}""", cookie));
        await See(app.PostAsync("/cart/add", """{"product_id":"x","quantity":1,"unit_price":2.5}""", cookie));
        await See(app.PostAsync("/cart/add", "{", cookie));
        await See(app.GetAsync("/cart", cookie));
        await See(app.PostAsync("/orders", cookie));
        var order = await See(app.PostAsync("/orders", ("Idempotency-Key", "invoice-1"), cookie));
        await See(app.PostAsync("/orders", ("Idempotency-Key", "invoice-1"), cookie));
        await See(app.GetAsync(order["Location"]!));
        await See(app.GetAsync("/cart", cookie));
        await See(app.PostAsync("/orders", """{"lines":[{"product_id":"a","quantity":1,"unit_price":"1.10"},{"product_id":"a","quantity":1,"unit_price":"1.10"}]}""", ("Idempotency-Key", "invoice-2"), cookie));
        await See(app.PostAsync("/orders", """{"lines":[]}""", ("Idempotency-Key", "invoice-3"), cookie));
        await See(app.PostAsync("/orders", """{"lines":[null]}""", ("Idempotency-Key", "invoice-4"), cookie));
        await See(app.SendAsync(HttpMethod.Delete, "/cart", null, cookie));
        await See(app.PostAsync("/order", """{"user_id":"123","product_id":"xyz","quantity":2}"""));
        await See(app.PostAsync("/counters/hits"));
        await See(app.PostAsync("/counters/hits", """{"by":5}""", ("Idempotency-Key", "k")));
        await See(app.PostAsync("/counters/hits", """{"by":5}""", ("Idempotency-Key", "k")));
        await See(app.GetAsync("/counters/hits"));
        await See(app.GetAsync("/counters/none"));
        await See(app.GetAsync("/orders/none"));
        return seen;
    }

    [Fact]
    public async Task Every_endpoint_of_the_shop_answers_after_conflicts_as_in_a_first_run()
    {
        await using var calm = await TestApp.StartAsync(a => a.MapShop(), Setup());
        var first = await VisitAsync(calm, () => { });
        await using var busy = await TestApp.StartAsync(a => a.MapShop(), Setup());
        var third = await VisitAsync(busy, () => busy.Store.Conflicts = 2);
        Assert.Equal(string.Join("\n====\n", first), string.Join("\n====\n", third));
        Assert.True(busy.Store.Commits > calm.Store.Commits);
    }

    [Fact]
    public async Task The_contract_of_the_shop_holds()
    {
        await using var app = await TestApp.StartAsync(a => a.MapShop(), Setup());
        var seen = await VisitAsync(app, () => { });
        Assert.EndsWith("""{"lines":[{"product_id":"xyz","quantity":2,"unit_price":"2.55"}],"quantity":2}""", seen[0], StringComparison.Ordinal);
        Assert.StartsWith("400", seen[2], StringComparison.Ordinal);
        Assert.StartsWith("400", seen[4], StringComparison.Ordinal);
        Assert.EndsWith("\"quantity\":1}", seen[6], StringComparison.Ordinal);
        Assert.Contains("SS1002", seen[7], StringComparison.Ordinal);
        Assert.Contains("\"quantity\":1,\"value\":\"5.10\"}", seen[8], StringComparison.Ordinal);
        Assert.Contains("Idempotent-Replayed: true", seen[9], StringComparison.Ordinal);
        Assert.EndsWith("{\"lines\":[],\"quantity\":0}", seen[11], StringComparison.Ordinal);
        Assert.Contains("\"quantity\":2,\"value\":\"2.20\"}", seen[12], StringComparison.Ordinal);
        Assert.StartsWith("204", seen[15], StringComparison.Ordinal);
        Assert.DoesNotContain("Set-Cookie", seen[16], StringComparison.Ordinal);
        Assert.EndsWith("{\"value\":6}", seen[20], StringComparison.Ordinal);
        Assert.EndsWith("{\"value\":0}", seen[21], StringComparison.Ordinal);
        Assert.Contains("SS1009", seen[22], StringComparison.Ordinal);
    }
}
