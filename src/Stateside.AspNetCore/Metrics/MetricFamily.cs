using System.Diagnostics.Metrics;

namespace Stateside.AspNetCore.Metrics;

internal enum MetricKind
{
    /// <summary>Only grows.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>How many values fell into which bucket.</summary>
    Histogram,
}

/// <summary>One instrument with all its series.</summary>
internal sealed class MetricFamily
{
    /// <summary>Most series of one instrument. The tags of Stateside's instruments are drawn from short lists; should that ever fail, the rest is counted together.</summary>
    public const int MaxSeries = 64;

    /// <summary>The name that OpenTelemetry gives to the series of all further tags.</summary>
    public const string OverflowTag = "otel.metric.overflow";

    private readonly Lock _lock = new();
    private readonly bool _sets;
    private volatile MetricSeries[] _series = [];
    private MetricSeries? _overflow;

    private MetricFamily(Instrument instrument, MetricKind kind, bool sets)
    {
        (Instrument, Kind, _sets) = (instrument, kind, sets);
        Bounds = kind == MetricKind.Histogram ? AdvisedBounds(instrument) : [];
    }

    public Instrument Instrument { get; }

    public MetricKind Kind { get; }

    public double[] Bounds { get; }

    public IReadOnlyList<MetricSeries> Series => _series;

    /// <summary>The family of an instrument; null for a kind that is not known.</summary>
    public static MetricFamily? Of(Instrument instrument)
    {
        var type = instrument.GetType();
        type = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (type == typeof(Histogram<>)) return new(instrument, MetricKind.Histogram, sets: false);
        if (type == typeof(Counter<>)) return new(instrument, MetricKind.Counter, sets: false);
        if (type == typeof(UpDownCounter<>)) return new(instrument, MetricKind.Gauge, sets: false);
        if (type == typeof(ObservableCounter<>)) return new(instrument, MetricKind.Counter, sets: true);
        if (type == typeof(ObservableUpDownCounter<>) || type == typeof(ObservableGauge<>) || type == typeof(Gauge<>)) return new(instrument, MetricKind.Gauge, sets: true);
        return null;
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = Find(tags);
        if (Kind == MetricKind.Histogram) series.Observe(value);
        else if (_sets) series.Set(value);
        else series.Add(value);
    }

    private MetricSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        // A walk over a short array beats a dictionary here, which would need a key made of the tags at every measurement.
        foreach (var series in _series)
            if (series.Has(tags)) return series;
        lock (_lock)
        {
            foreach (var series in _series)
                if (series.Has(tags)) return series;
            if (_series.Length < MaxSeries) return Add(new MetricSeries(tags.ToArray(), Bounds));
            return _overflow ??= Add(new MetricSeries([new(OverflowTag, "true")], Bounds));
        }
    }

    private MetricSeries Add(MetricSeries series)
    {
        _series = [.. _series, series];
        return series;
    }

    /// <summary>The bounds that the instrument itself advises; without any, values are only counted and summed.</summary>
    private static double[] AdvisedBounds(Instrument instrument) => [.. (instrument as Instrument<double>)?.Advice?.HistogramBucketBoundaries ?? []];
}
