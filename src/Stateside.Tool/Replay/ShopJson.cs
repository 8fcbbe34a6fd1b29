using System.Text.Json.Serialization;

namespace Stateside.Tool.Replay;

/// <summary>The body of <c>POST /cart/add</c>.</summary>
internal sealed record AddBody(string ProductId, int Quantity, string UnitPrice);

/// <summary>The body of <c>POST /orders</c> for an order that names its lines.</summary>
internal sealed record OrderBody(List<AddBody> Lines);

/// <summary>A line of an order or of a cart as the shop answers it.</summary>
internal sealed record AnsweredLine(string? ProductId, long Quantity, decimal? UnitPrice);

/// <summary>An order as the shop answers it; a cart is one without id and value.</summary>
internal sealed record AnsweredOrder(List<AnsweredLine>? Lines, long? Quantity, decimal? Value);

/// <summary>What the replay reads of a problem document (RFC 9457).</summary>
internal sealed record Problem(string? Type, string? Title, string? Detail, string? Applied);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(AddBody))]
[JsonSerializable(typeof(OrderBody))]
[JsonSerializable(typeof(AnsweredOrder))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ShopJson : JsonSerializerContext;
