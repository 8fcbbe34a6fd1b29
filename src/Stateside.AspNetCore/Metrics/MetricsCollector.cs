using System.Diagnostics.Metrics;
using Stateside.Diagnostics;

namespace Stateside.AspNetCore.Metrics;

/// <summary>Keeps the totals of the engine's meter for pages that are read from time to time. Made when the first such page is mapped; without one nothing is measured.</summary>
internal sealed class MetricsCollector : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly List<MetricFamily> _families = [];

    /// <param name="factory">The host's own meters are told by it from those of other hosts in the process.</param>
    public MetricsCollector(IMeterFactory? factory = null)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != Telemetry.Name || instrument.Meter.Scope != factory || MetricFamily.Of(instrument) is not { } family) return;
            lock (_lock) _families.Add(family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>All families by name, with what is observed as it is now.</summary>
    public IReadOnlyList<MetricFamily> Collect()
    {
        _listener.RecordObservableInstruments();
        lock (_lock) return [.. _families.OrderBy(f => f.Instrument.Name, StringComparer.Ordinal)];
    }

    public void Dispose() => _listener.Dispose();
}
