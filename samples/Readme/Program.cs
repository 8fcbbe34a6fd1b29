using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Stateside;

var builder = WebApplication.CreateBuilder(args);
builder.AddStateside()
    .AddState("cart", ShopJson.Default.Cart, empty: new Cart([]))
    .AddState("order", ShopJson.Default.Order, needs: Needs.Durable | Needs.Current);
var app = builder.Build();
app.UseStateside();

app.MapGet("/cart", (Snapshot<Cart> cart) => cart.Value);
app.MapPost("/cart/add", (State<Cart> cart, Line line) => cart.Update(c => new Cart(c.Lines.Add(line))));
app.MapPost("/orders", ([NewKey] State<Order> order, State<Cart> cart, Turn turn) =>
{
    order.Set(new Order(cart.Value.Lines, turn.Now));
    cart.Delete();
    return TypedResults.Created($"/orders/{order.Id}", order.Value);
}).RequireIdempotencyKey();
app.MapGet("/orders/{id}", ([RouteKey("id")] Snapshot<Order> order) => order.Value);
app.Run();

record Line(string ProductId, int Quantity);
record Cart(ImmutableArray<Line> Lines);
record Order(ImmutableArray<Line> Lines, DateTimeOffset PlacedAt);
[JsonSerializable(typeof(Cart)), JsonSerializable(typeof(Order))]
partial class ShopJson : JsonSerializerContext;
