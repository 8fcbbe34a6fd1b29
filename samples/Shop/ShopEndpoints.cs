using System.Collections.Immutable;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Shop;

/// <summary>The handlers: pure functions of states and request. None of them knows where its states live.</summary>
internal static class ShopEndpoints
{
    public static void MapShop(this IEndpointRouteBuilder app)
    {
        app.MapGet("/cart", (Snapshot<Cart> cart) => CartView.Of(cart.Value));
        app.MapPost("/cart/add", AddToCart);
        app.MapDelete("/cart", (State<Cart> cart) =>
        {
            cart.Delete();
            return TypedResults.NoContent();
        });
        app.MapPost("/order", OrderOneLine);
        app.MapPost("/orders", PlaceOrder).RequireIdempotencyKey();
        app.MapGet("/orders/{id}", ([RouteKey("id")] Snapshot<Order> order) => OrderView.Of(order.Id, order.Value));
        app.MapPost("/counters/{id}", ([RouteKey("id")] State<Counter> counter, Increment? increment) =>
            new CounterView(counter.Update(c => new Counter(c.Value + (increment?.By ?? 1))).Value));
        app.MapGet("/counters/{id}", ([RouteKey("id")] Snapshot<Counter> counter) => new CounterView(counter.Value.Value));
        app.MapGet("/counters/{id}/events", ([RouteKey("id")] Snapshot<Counter> counter) => counter.Watch(c => new CounterView(c.Value)));
    }

    private static Results<Ok<CartView>, ProblemHttpResult> AddToCart(State<Cart> cart, Line line)
    {
        if (line.Fault() is { } fault) return Refuse(fault);
        if (cart.Value.IsFull) return Refuse($"A cart holds at most {Cart.MaxLines} lines.");
        return TypedResults.Ok(CartView.Of(cart.Update(c => c.Add(line))));
    }

    /// <summary>The self-contained way: everything the order needs is in the request.</summary>
    private static Results<Created<OrderView>, ProblemHttpResult> OrderOneLine([NewKey] State<Order> order, OneLineOrder request, Turn turn)
    {
        var line = new Line(request.ProductId, request.Quantity, request.UnitPrice);
        return line.Fault() is { } fault ? Refuse(fault) : Created(order, [line], turn);
    }

    /// <summary>Orders the given lines, or the cart, which it empties: both in one commit.</summary>
    private static Results<Created<OrderView>, ProblemHttpResult> PlaceOrder([NewKey] State<Order> order, State<Cart> cart, Turn turn, OrderRequest? request)
    {
        var lines = request?.Lines ?? cart.Value.Lines;
        if (lines.Length == 0) return Refuse("There is nothing to order: the cart is empty and the request has no lines.");
        if (lines.Length > Cart.MaxLines) return Refuse($"An order holds at most {Cart.MaxLines} lines.");
        if (lines.Select(l => l is null ? "A line is null." : l.Fault()).FirstOrDefault(f => f is not null) is { } fault) return Refuse(fault);
        if (request?.Lines is null) cart.Update(_ => Cart.Empty);
        return Created(order, lines, turn);
    }

    private static Created<OrderView> Created(State<Order> order, ImmutableArray<Line> lines, Turn turn)
    {
        var placed = order.Set(new Order(lines, turn.Now));
        return TypedResults.Created($"/orders/{order.Id}", OrderView.Of(order.Id, placed));
    }

    private static ProblemHttpResult Refuse(string detail) => TypedResults.Problem(detail, statusCode: 400, title: "The request is not valid");
}
