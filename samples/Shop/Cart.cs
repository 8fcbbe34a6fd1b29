using System.Collections.Immutable;

namespace Shop;

/// <summary>One line of a cart or an order. Lines are never merged: two equal lines are two lines. A quantity may be negative (a return).</summary>
public sealed record Line(string ProductId, int Quantity, decimal? UnitPrice = null)
{
    /// <summary>Most characters of a product's id.</summary>
    public const int MaxProductId = 64;

    /// <summary>The highest price, and with a minus the lowest.</summary>
    public const decimal MaxPrice = 1_000_000_000;

    /// <summary>What is wrong with the line, or null.</summary>
    public string? Fault() =>
        string.IsNullOrWhiteSpace(ProductId) ? "product_id is missing."
        : ProductId.Length > MaxProductId ? $"product_id may have at most {MaxProductId} characters."
        : Quantity == 0 ? "quantity must not be 0."
        : UnitPrice is > MaxPrice or < -MaxPrice ? $"unit_price is beyond {MaxPrice}."
        : null;
}

/// <summary>A visitor's cart.</summary>
public sealed record Cart(ImmutableArray<Line> Lines)
{
    /// <summary>Most lines in one cart.</summary>
    public const int MaxLines = 2_000;

    public static Cart Empty { get; } = new([]);

    public Cart Add(Line line) => new(Lines.Add(line));

    public bool IsFull => Lines.Length >= MaxLines;
}

/// <summary>An order as it was placed.</summary>
public sealed record Order(ImmutableArray<Line> Lines, DateTimeOffset PlacedAt);

/// <summary>Something that many count at once.</summary>
public sealed record Counter(long Value)
{
    public static Counter Zero { get; } = new(0);
}
