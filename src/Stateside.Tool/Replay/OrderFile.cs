using System.Globalization;
using System.IO.Compression;

namespace Stateside.Tool.Replay;

/// <summary>One order line of the file.</summary>
/// <param name="Row">Its number in the file, from 1 without the header: what its <c>Idempotency-Key</c> is made of.</param>
/// <param name="Product">The stock code.</param>
/// <param name="Quantity">How many; negative when goods came back.</param>
/// <param name="UnitPrice">The price of one, as it stands in the file.</param>
internal readonly record struct OrderLine(int Row, string Product, int Quantity, string UnitPrice)
{
    /// <summary>The price as a number: what "2.5" and "2.50" have in common.</summary>
    public decimal Price => decimal.Parse(UnitPrice, CultureInfo.InvariantCulture);
}

/// <summary>All lines of one invoice, in the order of the file, wherever they stand in it.</summary>
internal sealed record Invoice(string Number, List<OrderLine> Lines);

/// <summary>
/// The invoices of a file of the form of UCI's "Online Retail". All of it is held in memory, because the lines of one
/// invoice may be far apart and are needed again for the comparison: about 40 bytes a line, since codes and prices are
/// few and kept once.
/// </summary>
internal sealed class OrderFile
{
    private const int MaxLines = 20_000_000;

    /// <summary>So far from the end of <see cref="decimal"/> that no sum over any file can overflow.</summary>
    public const decimal MaxPrice = 1_000_000_000;

    private const NumberStyles Integer = NumberStyles.AllowLeadingSign;
    private const NumberStyles Price = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;

    private static readonly string[] s_columns = ["InvoiceNo", "StockCode", "Quantity", "UnitPrice"];

    private OrderFile(IReadOnlyList<Invoice> invoices) => Invoices = invoices;

    /// <summary>In the order in which they begin in the file.</summary>
    public IReadOnlyList<Invoice> Invoices { get; }

    /// <summary>Reads a file, gzipped or not, up to <paramref name="maxInvoices"/> invoices.</summary>
    /// <exception cref="UsageException">It cannot be read, or is not of this form.</exception>
    public static OrderFile Read(string path, int maxInvoices)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var unpacked = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
            using var text = new StreamReader(unpacked);
            return new OrderFile(ReadInvoices(new CsvReader(text), maxInvoices));
        }
        catch (FormatException e)
        {
            throw new UsageException($"{path}: {e.Message}.");
        }
        catch (InvalidDataException)
        {
            throw new UsageException($"{path} is a broken gzip file. Fetch it again.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read ({e.Message})");
        }
    }

    private static bool IsGzip(FileStream file)
    {
        Span<byte> magic = stackalloc byte[2];
        var read = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        file.Position = 0;
        return read == 2 && magic is [0x1F, 0x8B];
    }

    private static List<Invoice> ReadInvoices(CsvReader csv, int maxInvoices)
    {
        var fields = new List<string>();
        var columns = csv.Read(fields) ? Columns(fields) : throw new FormatException("it is empty");
        var width = fields.Count;
        var known = new Dictionary<string, string>();
        var byNumber = new Dictionary<string, Invoice>();
        var invoices = new List<Invoice>();
        for (var row = 1; csv.Read(fields); row++)
        {
            if (fields is [""]) continue;
            if (row > MaxLines) throw new FormatException($"it has more than {MaxLines} lines");
            if (fields.Count != width) throw new FormatException($"record {csv.Record} has {fields.Count} fields, the header has {width}");
            if (!byNumber.TryGetValue(fields[columns[0]], out var invoice))
            {
                // Later lines may still belong to an invoice that has begun, so the rest of the file is read all the same.
                if (invoices.Count == maxInvoices) continue;
                invoice = new Invoice(Number(fields[columns[0]], csv), []);
                byNumber.Add(invoice.Number, invoice);
                invoices.Add(invoice);
            }

            invoice.Lines.Add(new OrderLine(row, Once(Required(fields[columns[1]], 1, csv)), Quantity(fields[columns[2]], csv), Once(PriceText(fields[columns[3]], csv))));
        }

        return invoices.Count > 0 ? invoices : throw new FormatException("it has a header and no lines");

        string Once(string text) => known.TryGetValue(text, out var first) ? first : known[text] = text;
    }

    private static int[] Columns(List<string> header) => Array.ConvertAll(s_columns, name =>
        header.FindIndex(h => h.Trim('\uFEFF', ' ').Equals(name, StringComparison.OrdinalIgnoreCase)) is >= 0 and var index
            ? index
            : throw new FormatException($"its header has no column \"{name}\"; needed are {string.Join(", ", s_columns)}"));

    // The number travels as an Idempotency-Key, so it has to be what a header can hold.
    private static string Number(string text, CsvReader csv) =>
        Required(text, 0, csv) is { Length: <= 200 } number && !number.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? number
            : throw new FormatException($"record {csv.Record}: InvoiceNo is longer than 200 characters or holds others than printable ASCII");

    private static string Required(string text, int column, CsvReader csv) =>
        text.Length > 0 ? text : throw new FormatException($"record {csv.Record} has no {s_columns[column]}");

    private static int Quantity(string text, CsvReader csv) =>
        int.TryParse(text, Integer, CultureInfo.InvariantCulture, out var quantity)
            ? quantity
            : throw new FormatException($"record {csv.Record}: Quantity \"{text}\" is not a whole number");

    private static string PriceText(string text, CsvReader csv) =>
        decimal.TryParse(text, Price, CultureInfo.InvariantCulture, out var price) && Math.Abs(price) <= MaxPrice
            ? text
            : throw new FormatException($"record {csv.Record}: UnitPrice \"{text}\" is not a decimal number within ±{MaxPrice:0}");
}
