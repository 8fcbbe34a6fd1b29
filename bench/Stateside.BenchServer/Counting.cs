using System.Diagnostics.Metrics;

namespace Stateside.BenchServer;

/// <summary>
/// Counts trips where they are made. It begins with the first <c>GET /counts</c>, so that what is timed before that is not slowed down by it.
/// </summary>
internal static class Counting
{
    private static MeterListener? s_listener;
    private static long s_trips;
    private static long s_reruns;

    /// <summary>One trip of a handler that is written by hand; those of Stateside are told by its own metrics.</summary>
    public static void Trip()
    {
        if (Volatile.Read(ref s_listener) is not null) Interlocked.Increment(ref s_trips);
    }

    public static void Map(WebApplication app) => app.MapGet("/counts", () =>
    {
        if (s_listener is null) Listen();
        return new Counts(Interlocked.Read(ref s_trips), Interlocked.Read(ref s_reruns));
    });

    private static void Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name is "stateside.store.duration" or "stateside.turn.reruns") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref s_trips));
        listener.SetMeasurementEventCallback<long>((_, runs, _, _) => Interlocked.Add(ref s_reruns, runs));
        listener.Start();
        Volatile.Write(ref s_listener, listener);
    }
}
