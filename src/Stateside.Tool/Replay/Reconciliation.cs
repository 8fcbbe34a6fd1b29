namespace Stateside.Tool.Replay;

/// <summary>Lines, quantity and value of something: a whole file, an invoice, a stock code.</summary>
internal readonly record struct Totals(long Lines, long Quantity, decimal Value)
{
    public static Totals operator +(Totals a, Totals b) => new(a.Lines + b.Lines, a.Quantity + b.Quantity, a.Value + b.Value);

    public static Totals operator -(Totals a, Totals b) => new(a.Lines - b.Lines, a.Quantity - b.Quantity, a.Value - b.Value);
}

/// <summary>Something that the shop and the file do not agree on.</summary>
/// <param name="Subject">Which invoice or stock code.</param>
/// <param name="Delta">Found less expected; zero throughout if only the lines differ.</param>
/// <param name="Why">In words.</param>
internal sealed record Difference(string Subject, Totals Delta, string Why);

/// <summary>
/// Compares what the shop answers with the file, exactly: the lines of each invoice as a multiset (equal lines are
/// different lines), and from them every total. Safe for many threads.
/// </summary>
internal sealed class Reconciliation
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (Totals Expected, Totals Found)> _products = [];
    private readonly List<Difference> _invoices = [];

    public Totals Expected { get; private set; }

    public Totals Found { get; private set; }

    /// <summary>Invoices in the file.</summary>
    public int ExpectedInvoices { get; private set; }

    /// <summary>Invoices for which the shop has an order.</summary>
    public int FoundInvoices { get; private set; }

    /// <summary>Invoices whose order is missing or differs, the worst first.</summary>
    public IReadOnlyList<Difference> InvoiceDifferences => Worst(_invoices);

    /// <summary>Stock codes of which the shop has another number of lines, quantity or value than the file, the worst first.</summary>
    public IReadOnlyList<Difference> ProductDifferences => Worst(_products.Where(p => p.Value.Expected != p.Value.Found)
        .Select(p => new Difference(p.Key, p.Value.Found - p.Value.Expected, "the totals of the stock code differ")));

    public int ExpectedProducts => _products.Count(p => p.Value.Expected.Lines > 0);

    public int FoundProducts => _products.Count(p => p.Value.Found.Lines > 0);

    /// <summary>Whether nothing differs.</summary>
    public bool Holds => _invoices.Count == 0 && Expected == Found && _products.All(p => p.Value.Expected == p.Value.Found);

    /// <summary>Takes in one invoice. <paramref name="order"/> null: the shop has none, for the reason in <paramref name="missing"/>.</summary>
    public void Add(Invoice invoice, AnsweredOrder? order, string? missing)
    {
        var expected = invoice.Lines.Select(l => (l.Product, Quantity: (long)l.Quantity, Price: (decimal?)l.Price)).Order().ToList();
        var found = (order?.Lines ?? []).Select(l => (Product: l.ProductId ?? "", l.Quantity, Price: l.UnitPrice)).Order().ToList();
        var (should, has) = (Sum(expected), Sum(found));
        var why = order is null ? missing ?? "there is no order" : Compare(expected, found, order, has);
        lock (_lock)
        {
            ExpectedInvoices++;
            if (order is not null) FoundInvoices++;
            Expected += should;
            Found += has;
            foreach (var line in expected) Count(line.Product, Sum([line]), default);
            foreach (var line in found) Count(line.Product, default, Sum([line]));
            if (why is not null) _invoices.Add(new Difference(invoice.Number, has - should, why));
        }
    }

    private static string? Compare(List<(string Product, long Quantity, decimal? Price)> expected, List<(string Product, long Quantity, decimal? Price)> found, AnsweredOrder order, Totals has)
    {
        if (!expected.SequenceEqual(found))
        {
            var missing = Without(expected, found);
            var extra = Without(found, expected);
            return $"{missing.Count} lines missing{Example(missing)}, {extra.Count} too many{Example(extra)}";
        }

        if (order.Quantity != has.Quantity) return $"the order says quantity {order.Quantity}, its lines add up to {has.Quantity}";
        return order.Value == has.Value ? null : $"the order says value {order.Value}, its lines add up to {has.Value}";
    }

    /// <summary>The elements of <paramref name="all"/> that are left when each of <paramref name="others"/> takes away one equal to it.</summary>
    private static List<(string Product, long Quantity, decimal? Price)> Without(List<(string, long, decimal?)> all, List<(string, long, decimal?)> others)
    {
        var counts = others.GroupBy(l => l).ToDictionary(g => g.Key, g => g.Count());
        return all.Where(line => !counts.TryGetValue(line, out var left) || (counts[line] = left - 1) < 0).ToList();
    }

    private static string Example(List<(string Product, long Quantity, decimal? Price)> lines) =>
        lines.Count == 0 ? "" : $" ({lines[0].Quantity} × {lines[0].Product} at {lines[0].Price?.ToString() ?? "no price"})";

    private static Totals Sum(List<(string Product, long Quantity, decimal? Price)> lines)
    {
        var (quantity, value) = (0L, 0m);
        foreach (var line in lines) (quantity, value) = (quantity + line.Quantity, value + line.Quantity * (line.Price ?? 0));
        return new Totals(lines.Count, quantity, value);
    }

    private void Count(string product, Totals expected, Totals found)
    {
        var known = _products.GetValueOrDefault(product);
        _products[product] = (known.Expected + expected, known.Found + found);
    }

    private static List<Difference> Worst(IEnumerable<Difference> differences) =>
        differences.OrderByDescending(d => Math.Abs(d.Delta.Value)).ThenByDescending(d => Math.Abs(d.Delta.Quantity)).ThenBy(d => d.Subject, StringComparer.Ordinal).ToList();
}
