// The shop as most tutorials write it: the cart in ASP.NET Core's session, the session and the orders in this process's
// memory. It is here for comparison, so it is written as well as that way allows. What it cannot do: carts and orders
// are gone when the process ends, a second process would not see them, two requests of one session at the same moment
// can overwrite each other's change, and a request that is sent again is done again.
using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stateside.Samples;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddDistributedMemoryCache();
builder.Services.AddSession(options =>
{
    options.IdleTimeout = TimeSpan.FromMinutes(20);
    options.Cookie.HttpOnly = true;
    options.Cookie.IsEssential = true;
});
builder.Services.ConfigureHttpJsonOptions(options =>
{
    options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
    options.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
});
var app = builder.Build();
StopWithParent.Watch(app.Lifetime);
app.UseSession();

var orders = new ConcurrentDictionary<string, Order>();
var counters = new ConcurrentDictionary<string, long>();

app.MapGet("/cart", (HttpContext http) => http.Session.GetCart());

app.MapPost("/cart/add", (HttpContext http, Line line) =>
{
    var cart = http.Session.GetCart();
    cart.Lines.Add(line);
    http.Session.SetCart(cart);
    return cart;
});

app.MapDelete("/cart", (HttpContext http) =>
{
    http.Session.Remove("cart");
    return Results.NoContent();
});

app.MapPost("/orders", (HttpContext http, OrderRequest? request) =>
{
    if (request?.Lines is { } lines) return Place(lines);
    var cart = http.Session.GetCart();
    http.Session.Remove("cart");
    return Place(cart.Lines);
});

app.MapGet("/orders/{id}", (string id) => orders.TryGetValue(id, out var order) ? Results.Ok(order) : Results.NotFound());

app.MapPost("/order", (SingleOrder request) => Place([new Line(request.ProductId, request.Quantity, request.UnitPrice)]));

app.MapPost("/counters/{id}", (string id, CounterStep? step) =>
    new Counter(counters.AddOrUpdate(id, _ => step?.By ?? 1, (_, value) => value + (step?.By ?? 1))));

app.MapGet("/counters/{id}", (string id) => new Counter(counters.GetValueOrDefault(id)));

app.MapGet("/healthz", () => "ok");
app.MapGet("/readyz", () => "ok");

app.Run();

IResult Place(List<Line> lines)
{
    var order = new Order(Guid.NewGuid().ToString("N"), lines);
    orders[order.Id] = order;
    return Results.Created($"/orders/{order.Id}", order);
}

internal sealed record Line(
    string ProductId, int Quantity,
    [property: JsonNumberHandling(JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString)] decimal? UnitPrice = null);

internal sealed record Cart(List<Line> Lines)
{
    public int Quantity => Lines.Sum(line => line.Quantity);
}

internal sealed record Order(string Id, List<Line> Lines)
{
    public int Quantity => Lines.Sum(line => line.Quantity);

    [JsonNumberHandling(JsonNumberHandling.WriteAsString)]
    public decimal Value => Lines.Sum(line => line.Quantity * (line.UnitPrice ?? 0));
}

internal sealed record OrderRequest(List<Line>? Lines);

internal sealed record SingleOrder(
    string UserId, string ProductId, int Quantity,
    [property: JsonNumberHandling(JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString)] decimal? UnitPrice = null);

internal sealed record CounterStep(long By = 1);

internal sealed record Counter(long Value);

internal static class CartInSession
{
    public static Cart GetCart(this ISession session) =>
        session.GetString("cart") is { } json ? JsonSerializer.Deserialize<Cart>(json)! : new Cart([]);

    public static void SetCart(this ISession session, Cart cart) => session.SetString("cart", JsonSerializer.Serialize(cart));
}
