using System.Globalization;
using System.Text;

namespace Stateside.Tool.Bench;

/// <summary>The result as a picture: one bar for each row, as long as its ratio to bare, with a line from the least to the most.</summary>
internal static class BenchChart
{
    private const int Names = 230, Bars = 560, Margin = 16, RowHeight = 22, Head = 62, Foot = 44, Bar = 14;

    /// <summary>Draws the picture (SVG 1.1, without scripts or outside references).</summary>
    public static string Draw(BenchReport report)
    {
        var rows = report.MainRows.ToList();
        var scale = Bars / Math.Max(1, rows.Max(row => row.Ratio.Max));
        var (width, height) = (Names + Bars + 2 * Margin + 40, Head + rows.Count * RowHeight + Foot);
        var svg = new StringBuilder();
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">");
        Line($"<title>Requests per second as a part of a bare endpoint's</title>");
        Line($"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Line($"<text x=\"{Margin}\" y=\"26\" font-size=\"16\" font-weight=\"bold\" fill=\"#1f2328\">Requests per second as a part of a bare endpoint's</text>");
        Line($"<text x=\"{Margin}\" y=\"46\" fill=\"#59636e\">{rows[0].Kilobytes} KB, {rows[0].Connections} connections; median, line from least to most; server, store and load share {report.Machine.Processors} processors</text>");
        for (var tenth = 0; tenth <= 10; tenth += 2)
        {
            var x = Margin + Names + tenth / 10.0 * scale;
            Line($"<line x1=\"{x:F1}\" x2=\"{x:F1}\" y1=\"{Head}\" y2=\"{height - Foot + 4}\" stroke=\"#d1d9e0\"/>");
            Line($"<text x=\"{x:F1}\" y=\"{height - Foot + 20}\" text-anchor=\"middle\" fill=\"#59636e\">{tenth / 10.0:F1}</text>");
        }
        foreach (var (index, row) in rows.Index())
        {
            var (y, left) = (Head + index * RowHeight + (RowHeight - Bar) / 2, Margin + Names);
            Line($"<text x=\"{left - 8}\" y=\"{y + Bar - 3}\" text-anchor=\"end\" fill=\"#1f2328\">{row.Name}</text>");
            Line($"<rect x=\"{left}\" y=\"{y}\" width=\"{row.Ratio.Median * scale:F1}\" height=\"{Bar}\" fill=\"{Colour(row)}\"/>");
            Line($"<line x1=\"{left + row.Ratio.Min * scale:F1}\" x2=\"{left + row.Ratio.Max * scale:F1}\" y1=\"{y + Bar / 2}\" y2=\"{y + Bar / 2}\" stroke=\"#1f2328\"/>");
            Line($"<text x=\"{left + row.Ratio.Max * scale + 6:F1}\" y=\"{y + Bar - 3}\" fill=\"#1f2328\">{row.Ratio.Median:F2}</text>");
        }
        Line($"</svg>");
        return svg.ToString();

        // The decimal point must not depend on the language of whoever draws.
        void Line(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>What is compared with, what is ours, and what others do. Reads are darker than writes.</summary>
    private static string Colour(ReportedRow row)
    {
        var ours = BenchRow.All.FirstOrDefault(r => r.Name == row.Name)?.Server.Mode == "stateside";
        var writes = row.Name.EndsWith("-write", StringComparison.Ordinal);
        return row.Name == BenchRow.Bare.Name ? "#59636e" : ours ? writes ? "#54aeff" : "#0969da" : writes ? "#d4a72c" : "#9a6700";
    }
}
