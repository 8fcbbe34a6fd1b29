using System.Globalization;
using System.Text;

namespace Stateside.AspNetCore.Metrics;

/// <summary>Writes metrics in the text format of Prometheus, version 0.0.4, under the names that OpenTelemetry prescribes for it.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder(4096);
        foreach (var family in families) Write(text, family);
        return text.ToString();
    }

    /// <summary>The name: letters, digits and underscores, then the unit, then <c>total</c> for a counter.</summary>
    public static string NameOf(string instrument, string? unit, MetricKind kind)
    {
        var name = Identifier(instrument);
        if (UnitOf(unit) is { } suffix && !name.EndsWith("_" + suffix, StringComparison.Ordinal)) name += "_" + suffix;
        return kind == MetricKind.Counter ? name + "_total" : name;
    }

    private static void Write(StringBuilder text, MetricFamily family)
    {
        var name = NameOf(family.Instrument.Name, family.Instrument.Unit, family.Kind);
        text.Append("# HELP ").Append(name).Append(' ').Append(EscapeHelp(family.Instrument.Description ?? "")).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(family.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Gauge => "gauge",
            _ => "histogram",
        }).Append('\n');
        foreach (var (labels, series) in family.Series.Select(s => (Labels: Labels(s.Tags), s)).OrderBy(s => s.Labels, StringComparer.Ordinal))
        {
            if (family.Kind == MetricKind.Histogram) WriteHistogram(text, name, labels, family.Bounds, series);
            else Line(text, name, labels, series.Sum);
        }
    }

    private static void WriteHistogram(StringBuilder text, string name, string labels, double[] bounds, MetricSeries series)
    {
        var counts = series.Cumulative();
        for (var i = 0; i < counts.Length; i++)
        {
            var bound = $"le=\"{(i < bounds.Length ? Number(bounds[i]) : "+Inf")}\"";
            Line(text, name + "_bucket", labels.Length == 0 ? bound : labels + "," + bound, counts[i]);
        }
        Line(text, name + "_sum", labels, series.Sum);
        Line(text, name + "_count", labels, counts[^1]);
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(IEnumerable<KeyValuePair<string, object?>> tags) =>
        string.Join(',', tags.Select(t => $"{Identifier(t.Key)}=\"{EscapeLabel(Convert.ToString(t.Value, CultureInfo.InvariantCulture) ?? "")}\""));

    private static string EscapeLabel(string value) => EscapeHelp(value).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string EscapeHelp(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Identifier(string name)
    {
        var text = new StringBuilder(name.Length + 1);
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) text.Append('_');
        foreach (var c in name) text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        return text.ToString();
    }

    /// <summary>The unit in words. An annotation in braces, such as <c>{turn}</c>, is no unit.</summary>
    private static string? UnitOf(string? unit) => unit switch
    {
        null or "" or "1" => null,
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        _ => unit.StartsWith('{') ? null : Identifier(unit),
    };

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
