using System.Globalization;
using System.Text;

namespace Stateside.Tool.Bench;

/// <summary>The table of the README, which no hand has to copy: it stands between two marks, and a run replaces what is there.</summary>
internal static class BenchMarkdown
{
    public const string Begin = "<!-- bench -->";
    public const string End = "<!-- /bench -->";

    /// <summary>The table, with one line below it that says what was measured on.</summary>
    public static string Table(BenchReport report)
    {
        var text = new StringBuilder();
        Line($"| | requests/s | of bare (spread) | p50 / p99 | server CPU | trips to the store | bytes |");
        Line($"|---|--:|--:|--:|--:|--:|--:|");
        var rows = report.MainRows.ToList();
        foreach (var row in rows)
            Line($"| {row.Name} | {row.RequestsPerSecond.Median:N0} | {row.Ratio.Median:F2} ({row.Ratio.Min:F2}–{row.Ratio.Max:F2}) | {row.P50Microseconds / 1000:F2} / {row.P99Microseconds / 1000:F1} ms | {row.CpuMicrosecondsPerRequest.Median:F0} µs | {Trips(row)} | {row.RequestBytes + row.ResponseBytes:N0} |");
        Line($"");
        Line($"`./stateside bench --readme`: a cart of {rows[0].Kilobytes} KB, {rows[0].Connections} connections, {report.Options.Repetitions} × {report.Options.Seconds} s; {report.Machine.Processor}, {report.Machine.Processors} processors, shared by server, store and load; the bare runs lie {report.BareSpread * 100:F0} % apart.");
        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        static string Trips(ReportedRow row) => row.TripsPerRequest?.ToString("F1", CultureInfo.InvariantCulture) ?? "–";
    }

    /// <summary>Puts a table between the marks of a page.</summary>
    /// <returns>The page, or null if it does not have both marks.</returns>
    public static string? Insert(string page, string table)
    {
        var begin = page.IndexOf(Begin, StringComparison.Ordinal);
        var end = begin < 0 ? -1 : page.IndexOf(End, begin, StringComparison.Ordinal);
        return end < 0 ? null : string.Concat(page.AsSpan(0, begin + Begin.Length), "\n", table, page.AsSpan(end));
    }

    /// <summary>Puts a table into the README and the pages of docs/ that have the marks.</summary>
    /// <returns>The pages that were changed, as paths from the root.</returns>
    public static IEnumerable<string> InsertIntoPages(string root, string table)
    {
        foreach (var page in Directory.GetFiles(Path.Combine(root, "docs"), "*.md").Prepend(Path.Combine(root, "README.md")))
        {
            if (Insert(File.ReadAllText(page), table) is not { } text) continue;
            File.WriteAllText(page, text);
            yield return Path.GetRelativePath(root, page);
        }
    }
}
