using System.IO.Compression;
using Stateside.Tool.Replay;

namespace Stateside.Tool.Tests;

public sealed class OrderFileTests : IDisposable
{
    private const string Header = "InvoiceNo,StockCode,Quantity,UnitPrice\n";
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private OrderFile Read(string text, int most = int.MaxValue) => OrderFile.Read(_directory.Write("orders.csv", text), most);

    [Fact]
    public void Lines_of_one_invoice_belong_together_wherever_they_stand_and_keep_their_row_and_price_text()
    {
        var file = Read(Header + "1,A,2,2.50\n2,B,-1,3\n1,A,2,2.50\n");
        Assert.Equal(["1", "2"], file.Invoices.Select(i => i.Number));
        Assert.Equal([new(1, "A", 2, "2.50"), new(3, "A", 2, "2.50")], file.Invoices[0].Lines);
    }

    [Fact]
    public void A_limit_takes_whole_invoices_also_if_their_last_lines_come_late() =>
        Assert.Equal(2, Assert.Single(Read(Header + "1,A,2,2.50\n2,B,-1,3\n1,A,2,2.50\n", most: 1).Invoices).Lines.Count);

    [Fact]
    public void A_gzipped_file_is_known_by_its_content_not_by_its_name()
    {
        var path = _directory.Write("orders.csv", "");
        using (var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest)) zip.Write("InvoiceNo,StockCode,Quantity,UnitPrice\n1,A,2,3\n"u8);
        Assert.Single(OrderFile.Read(path, int.MaxValue).Invoices);
    }

    [Fact]
    public void A_truncated_gzip_file_is_refused()
    {
        var path = _directory.Write("orders.csv.gz", "");
        File.WriteAllBytes(path, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        Assert.Contains("broken gzip", Assert.Throws<UsageException>(() => OrderFile.Read(path, 1)).Message);
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("InvoiceNo,StockCode,Quantity\n", "no column \"UnitPrice\"")]
    [InlineData(Header, "no lines")]
    [InlineData(Header + "1,A,2\n", "record 2 has 3 fields, the header has 4")]
    [InlineData(Header + "1,A,two,1\n", "record 2: Quantity \"two\" is not a whole number")]
    [InlineData(Header + "1,A,99999999999,1\n", "is not a whole number")]
    [InlineData(Header + "1,A,2,1e5\n", "record 2: UnitPrice \"1e5\"")]
    [InlineData(Header + "1,A,2,99999999999999999999999999\n", "record 2: UnitPrice")]
    [InlineData(Header + ",A,2,1\n", "record 2 has no InvoiceNo")]
    [InlineData(Header + "1,,2,1\n", "record 2 has no StockCode")]
    [InlineData(Header + "\"1\n2\",A,2,1\n", "printable ASCII")]
    public void A_file_that_is_not_one_of_order_lines_is_refused_with_the_place(string text, string message) =>
        Assert.Contains(message, Assert.Throws<UsageException>(() => Read(text)).Message);
}
