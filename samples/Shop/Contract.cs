using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Shop;

/// <summary>The body of <c>POST /order</c>.</summary>
public sealed record OneLineOrder(string? UserId, string ProductId, int Quantity, decimal? UnitPrice = null);

/// <summary>The body of <c>POST /orders</c>; without lines the session's cart is ordered.</summary>
public sealed record OrderRequest(ImmutableArray<Line>? Lines = null);

/// <summary>The body of <c>POST /counters/{id}</c>.</summary>
public sealed record Increment(long By = 1);

public sealed record CartView(ImmutableArray<Line> Lines, long Quantity)
{
    public static CartView Of(Cart cart) => new(cart.Lines, cart.Lines.Sum(l => (long)l.Quantity));
}

public sealed record OrderView(string Id, ImmutableArray<Line> Lines, long Quantity, decimal Value)
{
    public static OrderView Of(string id, Order order) => new(
        id, order.Lines, order.Lines.Sum(l => (long)l.Quantity), order.Lines.Sum(l => l.Quantity * (l.UnitPrice ?? 0)));
}

public sealed record CounterView(long Value);

/// <summary>The JSON of the HTTP contract, and of the stored states: snake_case, money as decimal strings. One context for both would let a change of the one unread the other, so there are two.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(MoneyJson)])]
[JsonSerializable(typeof(CartView))]
[JsonSerializable(typeof(OrderView))]
[JsonSerializable(typeof(CounterView))]
[JsonSerializable(typeof(About))]
[JsonSerializable(typeof(Line))]
[JsonSerializable(typeof(OneLineOrder))]
[JsonSerializable(typeof(OrderRequest))]
[JsonSerializable(typeof(Increment))]
internal sealed partial class HttpJson : JsonSerializerContext
{
    /// <summary>Gives ASP.NET Core's own options the policies of this context, which it would otherwise put its own over.</summary>
    public static void Use(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new MoneyJson());
        options.TypeInfoResolverChain.Insert(0, Default);
    }
}

/// <summary>The JSON of what is stored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(MoneyJson)])]
[JsonSerializable(typeof(Cart))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(Counter))]
internal sealed partial class ShopJson : JsonSerializerContext;

/// <summary>Money as a decimal string, <c>"2.55"</c>: a JSON number is a float to most readers, and floats drift.</summary>
internal sealed class MoneyJson : JsonConverter<decimal>
{
    private const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;

    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && decimal.TryParse(reader.GetString(), Style, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new JsonException("Money is a decimal in a string, such as \"2.55\".");

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Tells OpenAPI what this converter makes of a decimal.</summary>
    public static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type != typeof(decimal) && type != typeof(decimal?)) return Task.CompletedTask;
        (schema.Type, schema.Format, schema.Pattern) = (type == typeof(decimal) ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null, "decimal", @"^-?\d*\.?\d+$");
        return Task.CompletedTask;
    }
}
