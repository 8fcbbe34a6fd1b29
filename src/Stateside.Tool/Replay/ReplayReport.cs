using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Tool.Replay;

/// <summary>A number that the file gives, and what the shop gives for it. Texts, because value is an exact decimal.</summary>
internal sealed record ReportedTotal(string Expected, string Found, string Difference)
{
    public static ReportedTotal Of(decimal expected, decimal found) => new(Exact(expected), Exact(found), Exact(found - expected));

    /// <summary>Without the zeros at the end that sums of decimals gather.</summary>
    public static string Exact(decimal value) => value.ToString("0.############################", CultureInfo.InvariantCulture);
}

internal sealed record ReportedTotals(ReportedTotal Lines, ReportedTotal Quantity, ReportedTotal Value, ReportedTotal Invoices, ReportedTotal StockCodes);

internal sealed record ReportedDifference(string Kind, string Subject, long Lines, long Quantity, string Value, string Why)
{
    public static ReportedDifference Of(string kind, Difference difference) =>
        new(kind, difference.Subject, difference.Delta.Lines, difference.Delta.Quantity, ReportedTotal.Exact(difference.Delta.Value), difference.Why);
}

/// <summary>The result of a replay: the contract of <c>replay --json</c> (docs/tool.md), and what the tables show.</summary>
internal sealed record ReplayReport(
    bool Holds, string File, string Url, ReportedTotals Totals, int InvoicesThatDiffer, int StockCodesThatDiffer, int CartsNotEmpty, int CartsTooLarge, int Faults,
    double Seconds, double LinesPerSecond, long Requests, double RequestsPerSecond, int ResentAtOnce, int ResentLater, long Retries,
    IReadOnlyList<ReportedDifference> Worst, IReadOnlyList<string> FirstFaults)
{
    private const int MostShown = 10;

    public static ReplayReport Of(string file, Uri url, ReplayRun run, long requests, long retries, TimeSpan played)
    {
        var r = run.Reconciliation;
        var (invoices, products) = (r.InvoiceDifferences, r.ProductDifferences);
        var totals = new ReportedTotals(
            ReportedTotal.Of(r.Expected.Lines, r.Found.Lines), ReportedTotal.Of(r.Expected.Quantity, r.Found.Quantity), ReportedTotal.Of(r.Expected.Value, r.Found.Value),
            ReportedTotal.Of(r.ExpectedInvoices, r.FoundInvoices), ReportedTotal.Of(r.ExpectedProducts, r.FoundProducts));
        return new ReplayReport(
            run.Holds, file, url.ToString(), totals, invoices.Count, products.Count, run.CartsNotEmpty, run.CartsTooLarge, run.FaultCount,
            Math.Round(played.TotalSeconds, 1), Math.Round(r.Expected.Lines / played.TotalSeconds), requests, Math.Round(requests / played.TotalSeconds),
            run.ResentAtOnce, run.ResentLater, retries,
            [.. invoices.Take(MostShown).Select(d => ReportedDifference.Of("invoice", d)), .. products.Take(MostShown).Select(d => ReportedDifference.Of("stock_code", d))],
            run.Faults);
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, ReportJson.Default.ReplayReport));

    /// <summary>Writes it for a person.</summary>
    public void Write(Surroundings surroundings)
    {
        var output = surroundings.Out;
        output.WriteLine($"{Requests:N0} requests in {Seconds:N1} s ({RequestsPerSecond:N0}/s, {LinesPerSecond:N0} order lines/s); "
            + $"sent twice: {ResentAtOnce:N0} at once, {ResentLater:N0} later; retries: {Retries:N0}");
        if (CartsTooLarge > 0) output.WriteLine($"carts too large for the client to carry: {CartsTooLarge:N0}; their orders were sent with their lines instead");
        Tables.Write(surroundings, ["total", ">expected", ">found", ">difference"],
        [
            Row("lines", Totals.Lines), Row("quantity", Totals.Quantity), Row("value", Totals.Value), Row("invoices", Totals.Invoices), Row("stock codes", Totals.StockCodes),
            ["invoices that differ", "0", $"{InvoicesThatDiffer:N0}", $"{InvoicesThatDiffer:N0}"],
            ["stock codes that differ", "0", $"{StockCodesThatDiffer:N0}", $"{StockCodesThatDiffer:N0}"],
            ["carts not empty after their order", "0", $"{CartsNotEmpty:N0}", $"{CartsNotEmpty:N0}"],
            ["wrong or unequal answers", "0", $"{Faults:N0}", $"{Faults:N0}"],
        ]);
        if (Worst.Count > 0)
        {
            output.WriteLine("the worst differences (found less expected):");
            Tables.Write(surroundings, ["what", "which", ">lines", ">quantity", ">value", "why"],
                Worst.Select(d => (string[])[d.Kind.Replace('_', ' '), d.Subject, $"{d.Lines:N0}", $"{d.Quantity:N0}", d.Value, d.Why]));
        }

        foreach (var fault in FirstFaults) output.WriteLine($"wrong answer: {fault}");
        output.WriteLine(Holds ? "holds: every total is equal" : "DOES NOT HOLD");
    }

    private static string[] Row(string name, ReportedTotal total) => [name, Grouped(total.Expected), Grouped(total.Found), Grouped(total.Difference)];

    private static string Grouped(string number) =>
        decimal.Parse(number, CultureInfo.InvariantCulture).ToString("#,0.############################", CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ReplayReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
