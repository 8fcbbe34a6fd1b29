using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Stateside.Diagnostics;

/// <summary>The meters and traces of the engine, under the names that docs/telemetry.md explains. Durations are in seconds, as OpenTelemetry asks.</summary>
internal sealed class Telemetry : IDisposable
{
    public const string Name = "Stateside";

    /// <summary>Exporters take buckets made for milliseconds if none are advised; turns take from a tenth of one to seconds.</summary>
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private readonly Meter _meter;
    private readonly TimeProvider _time;
    private readonly Histogram<double> _trips;
    private readonly Histogram<double> _turns;
    private readonly Histogram<double> _forwards;

    public Telemetry(TimeProvider time, IMeterFactory? factory = null)
    {
        _time = time;
        _meter = factory?.Create(Name) ?? new Meter(Name);
        Source = new ActivitySource(Name);
        _turns = _meter.CreateHistogram<double>("stateside.turn.duration", "s", "Turns from the request to the commit, by outcome.", null, Buckets);
        _trips = _meter.CreateHistogram<double>("stateside.store.duration", "s", "Trips to the store, by verb.", null, Buckets);
        _forwards = _meter.CreateHistogram<double>("stateside.forward.duration", "s", "Requests that were passed on to the node which owns their states, by what became of it.", null, Buckets);
        ReRuns = _meter.CreateCounter<long>("stateside.turn.reruns", "{run}", "Runs of a handler that lost to another turn and were repeated.");
        Replays = _meter.CreateCounter<long>("stateside.receipt.replays", "{response}", "Responses that were answered from a receipt.");
        Resolved = _meter.CreateCounter<long>("stateside.commit.resolved", "{commit}", "Commits whose answer was lost and was looked up.");
        Adopted = _meter.CreateCounter<long>("stateside.state.adopted", "{state}", "States that the store took over from a client (MigrateFrom).");
        CacheHits = _meter.CreateCounter<long>("stateside.cache.hits", "{row}", "Rows that were found in the near cache.");
        CacheMisses = _meter.CreateCounter<long>("stateside.cache.misses", "{row}", "Rows that were looked for in the near cache and had to be loaded.");
        CacheInvalidations = _meter.CreateCounter<long>("stateside.cache.invalidations", "{row}", "Rows that were dropped because the store told of a change.");
        CacheEvictions = _meter.CreateCounter<long>("stateside.cache.evictions", "{row}", "Rows that were dropped to make room for others.");
    }

    public ActivitySource Source { get; }

    public Counter<long> ReRuns { get; }

    public Counter<long> Replays { get; }

    public Counter<long> Resolved { get; }

    public Counter<long> Adopted { get; }

    public Counter<long> CacheHits { get; }

    public Counter<long> CacheMisses { get; }

    public Counter<long> CacheInvalidations { get; }

    public Counter<long> CacheEvictions { get; }

    public void WatchCache(Func<long> bytes) =>
        _meter.CreateObservableUpDownCounter("stateside.cache.size", bytes, "By", "What the near cache holds.");

    public void WatchNode(Cluster.ClusterAgent? cluster, Places.NodePlace? node)
    {
        _meter.CreateObservableUpDownCounter("stateside.node.shards", () => cluster?.OwnedCount ?? 0, "{shard}", "Shards that this node owns.");
        _meter.CreateObservableUpDownCounter("stateside.node.groups", () => node?.Groups ?? 0, "{group}", "Groups whose states are in this node's memory.");
        _meter.CreateObservableUpDownCounter("stateside.node.handoff.last", () => cluster?.LastHandOff.TotalSeconds ?? 0, "s", "How long the last planned hand-off of shards took, from its seal to the view that passes it on.");
        _meter.CreateObservableUpDownCounter("stateside.node.memory", () => node?.Bytes ?? 0, "By", "What they take, about.");
    }

    public void Watch(Func<int> turns) =>
        _meter.CreateObservableUpDownCounter("stateside.turn.active", turns, "{turn}", "Turns on their way, those that wait included.");

    public void WatchWatchers(Func<int> watchers) =>
        _meter.CreateObservableUpDownCounter("stateside.watcher.active", watchers, "{watcher}", "Those who watch a state: event streams, and IStates.WatchAsync.");

    public long Start() => _time.GetTimestamp();

    public void Trip(string verb, long started)
    {
        if (_trips.Enabled) _trips.Record(_time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("stateside.verb", verb));
    }

    /// <param name="outcome"><c>Answered</c>, <c>Misdirected</c>, <c>NotSent</c> or <c>Lost</c>.</param>
    /// <param name="started">From <see cref="Start"/>.</param>
    public void Forward(string outcome, long started)
    {
        if (_forwards.Enabled) _forwards.Record(_time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("stateside.outcome", outcome));
    }

    /// <param name="outcome"><c>done</c>, <c>replayed</c>, <c>error</c>, or the code of the error.</param>
    /// <param name="started">From <see cref="Start"/>.</param>
    public void Turn(string outcome, long started)
    {
        if (_turns.Enabled) _turns.Record(_time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("stateside.outcome", outcome));
    }

    public void Dispose()
    {
        _meter.Dispose();
        Source.Dispose();
    }
}
