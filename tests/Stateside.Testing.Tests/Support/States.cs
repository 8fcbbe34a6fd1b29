using System.Text.Json.Serialization;

namespace Stateside.Testing.Tests.Support;

public sealed record Cart(int Quantity);

public sealed record Order(int Quantity, DateTimeOffset PlacedAt);

public sealed record Counter(int Value);

public sealed record Profile(string Name);

/// <summary>A state as it should not be: its value can be changed in place.</summary>
public sealed record Basket(List<string> Items);

[JsonSerializable(typeof(Cart)), JsonSerializable(typeof(Order)), JsonSerializable(typeof(Counter)), JsonSerializable(typeof(Profile)), JsonSerializable(typeof(Basket))]
internal sealed partial class AppJson : JsonSerializerContext;
