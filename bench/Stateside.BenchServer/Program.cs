// One server under measurement, chosen by --mode, so that each runs alone. All answer GET /cart with the session's cart
// and POST /cart with the cart after every line has changed; all but "bare" keep it in, or under, a cookie.
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Stateside.BenchServer;
using Stateside.Postgres;
using Stateside.Redis;
using Stateside.Samples;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.ConfigureHttpJsonOptions(http => http.SerializerOptions.TypeInfoResolverChain.Insert(0, BenchJson.Default));
if (builder.Configuration["lines"] is { } lines) Cart.Full = Cart.OfLines(int.Parse(lines, CultureInfo.InvariantCulture));

var app = builder.Configuration["mode"] switch
{
    "bare" => Bare(),
    "stateside" => Stateside(),
    "session" => Session(),
    "data-protection-cookie" => InCookie.Build(builder),
    "redis-by-hand" => await RedisByHand.BuildAsync(builder),
    "postgres-by-hand" => await PostgresByHand.BuildAsync(builder),
    var other => throw new InvalidOperationException($"--mode {other} is none of bare, stateside, session, data-protection-cookie, redis-by-hand, postgres-by-hand."),
};
Counting.Map(app);
StopWithParent.Watch(app.Lifetime);
app.Run();

// Kestrel and JSON, nothing else: what every other server is compared with.
WebApplication Bare()
{
    var app = builder.Build();
    app.MapGet("/cart", () => Cart.Full);
    return app;
}

WebApplication Stateside()
{
    builder.AddStateside().AddStore<RedisStoreProvider>().AddStore<PostgresStoreProvider>()
        .AddState("cart", BenchJson.Default.Cart, empty: Cart.Full).AddState("counter", BenchJson.Default.Counter, empty: new Counter(0));
    var app = builder.Build();
    app.UseStateside();
    app.MapGet("/cart", (Snapshot<Cart> cart) => cart.Value);
    app.MapPost("/cart", (State<Cart> cart) => cart.Update(c => c.Next()));
    app.MapGet("/counters/{id}", ([RouteKey("id")] Snapshot<Counter> counter) => counter.Value);
    app.MapPost("/counters/{id}", ([RouteKey("id")] State<Counter> counter) => counter.Update(c => new Counter(c.Value + 1)));
    app.MapPost("/counters/{id}/add", ([RouteKey("id")] State<Counter> counter, Counter more) => counter.Update(c => new Counter(c.Value + more.Value)));
    Resident.Map(app);
    return app;
}

// ASP.NET Core's session, as its documentation writes it. The keys of its cookie stay in memory, as the session does.
WebApplication Session()
{
    builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
    builder.Services.AddDistributedMemoryCache();
    builder.Services.AddSession();
    var app = builder.Build();
    app.UseSession();
    app.MapGet("/cart", (HttpContext http) => Read(http.Session));
    app.MapPost("/cart", (HttpContext http) =>
    {
        var cart = Read(http.Session).Next();
        http.Session.Set("cart", JsonSerializer.SerializeToUtf8Bytes(cart, BenchJson.Default.Cart));
        return cart;
    });
    return app;

    static Cart Read(ISession session) =>
        session.Get("cart") is { } json ? JsonSerializer.Deserialize(json, BenchJson.Default.Cart)! : Cart.Full;
}
