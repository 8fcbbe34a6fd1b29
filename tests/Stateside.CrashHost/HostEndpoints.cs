using System.Text.Json.Serialization;
using Shop;
using Stateside.Testing;

namespace Stateside.CrashHost;

/// <summary>What the tests ask of the host itself, and the handlers that call the outside world.</summary>
internal static class HostEndpoints
{
    public static void MapHost(this IEndpointRouteBuilder app)
    {
        app.MapGet("/readyz", () => "ready");
        app.MapPost("/host/crash", (string point, int? occurrence, int? amount, CrashPlan plan, CrashingStore store) =>
        {
            if (Enum.TryParse<CrashStep>(point, out var step)) store.Arm(step, skip: (occurrence ?? 1) - 1);
            else plan.Arm(Enum.Parse<CrashPoint>(point), amount ?? 1);
            return TypedResults.NoContent();
        });
        app.MapPost("/host/delay", (int milliseconds, HostStore store) =>
        {
            store.Delay = TimeSpan.FromMilliseconds(milliseconds);
            return TypedResults.NoContent();
        });
        app.MapGet("/host/trips", (HostStore store) => store.Trips);
        app.MapGet("/host/orders", async (string id, HostStore store) =>
            (await store.ListAsync(StateKey.From("order", id).Group, 1000, default)).Count(key => key.Name == "order"));
        app.MapPost("/rooms/{id}", ([RouteKey("id")] State<Room> room, string text) => room.Raise(new Said(text)).Count);
        app.MapGet("/rooms/{id}/events", ([RouteKey("id")] Snapshot<Room> room) => room.WatchEvents<Room, Said, string>(said => said.Text));
        app.MapPost("/notices/{id}", Notify).CallsOutside();
        app.MapPost("/repeatable-notices/{id}", Notify).CallsOutside(safeToRepeat: true);
    }

    /// <summary>Tells the outside world first, as a payment would, and then counts.</summary>
    private static async Task<CounterView> Notify([RouteKey("id")] State<Counter> sent, Turn turn, HostSettings settings, string id)
    {
        await File.AppendAllTextAsync(settings.OutsideFile, $"{id} {turn.Id}\n");
        return new CounterView(sent.Update(c => new Counter(c.Value + 1)).Value);
    }
}

/// <summary>A folded state: how much was said in it.</summary>
internal sealed record Room(int Count) : IFold<Room, Said>
{
    public Room Apply(Said e) => new(Count + 1);
}

internal sealed record Said(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Trips))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(Room))]
[JsonSerializable(typeof(Said))]
internal sealed partial class HostJson : JsonSerializerContext;
