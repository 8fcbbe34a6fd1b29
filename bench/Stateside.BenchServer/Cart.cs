using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Stateside.BenchServer;

public sealed record Line(string ProductId, int Quantity, string UnitPrice);

/// <summary>The cart that every server reads and writes: the same JSON in store, session, cookie and response.</summary>
public sealed record Cart(ImmutableArray<Line> Lines)
{
    /// <summary>About 1 KB, unless <c>--lines</c> says otherwise; set once, before anything is served.</summary>
    public static Cart Full { get; set; } = OfLines(18);

    public static Cart OfLines(int count) => new([.. Enumerable.Range(0, count).Select(i => new Line($"{21700 + i * 37}A", i % 9 + 1, $"{i}.95"))]);

    /// <summary>An equally large cart in which every line has changed.</summary>
    public Cart Next() => new([.. Lines.Select(line => line with { Quantity = line.Quantity % 9 + 1 })]);
}

/// <summary>What a server has counted since it began.</summary>
/// <param name="Trips">Round trips to its store.</param>
/// <param name="Reruns">Runs of a handler that lost to another turn.</param>
public sealed record Counts(long Trips, long Reruns);

/// <summary>What this process holds.</summary>
/// <param name="Heap">Bytes of objects that are in use, after full collections.</param>
/// <param name="Resident">Bytes of the process's memory, as the system counts it.</param>
/// <param name="Json">Bytes of all counters that were made here, as JSON.</param>
public sealed record Held(long Heap, long Resident, long Json);

/// <summary>What all clients change at once under <c>--hot</c>.</summary>
public sealed record Counter(long Value);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Cart))]
[JsonSerializable(typeof(Counter))]
[JsonSerializable(typeof(Counts))]
[JsonSerializable(typeof(Held))]
internal sealed partial class BenchJson : JsonSerializerContext;
