using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Stateside.BenchServer;

public sealed record Line(string ProductId, int Quantity, string UnitPrice);

/// <summary>The cart that every server reads and writes: about 1 KB of JSON, the same in store, session and response.</summary>
public sealed record Cart(ImmutableArray<Line> Lines)
{
    private const int LineCount = 18;

    public static Cart Full { get; } = new([.. Enumerable.Range(0, LineCount).Select(i => new Line($"{21700 + i * 37}A", i % 9 + 1, $"{i}.95"))]);

    /// <summary>An equally large cart in which every line has changed.</summary>
    public Cart Next() => new([.. Lines.Select(line => line with { Quantity = line.Quantity % 9 + 1 })]);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Cart))]
internal sealed partial class BenchJson : JsonSerializerContext;
