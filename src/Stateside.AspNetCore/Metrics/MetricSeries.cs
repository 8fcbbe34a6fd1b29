namespace Stateside.AspNetCore.Metrics;

/// <summary>The measurements of one instrument under one set of tags. Recording takes no lock and allocates nothing.</summary>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] tags, double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public IReadOnlyList<KeyValuePair<string, object?>> Tags => tags;

    /// <summary>The total of a counter, the value of a gauge, or the sum of a histogram.</summary>
    public double Sum => Volatile.Read(ref _sum);

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> others)
    {
        if (others.Length != tags.Length) return false;
        for (var i = 0; i < tags.Length; i++)
            if (others[i].Key != tags[i].Key || !Equals(others[i].Value, tags[i].Value)) return false;
        return true;
    }

    public void Add(double value)
    {
        var seen = Volatile.Read(ref _sum);
        while (true)
        {
            var found = Interlocked.CompareExchange(ref _sum, seen + value, seen);
            if (found.Equals(seen)) return;
            seen = found;
        }
    }

    public void Set(double value) => Volatile.Write(ref _sum, value);

    /// <summary>Counts a value into its bucket: the first whose bound is not below it.</summary>
    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        Interlocked.Increment(ref _counts[bucket]);
        Add(value);
    }

    /// <summary>How many values are at or below each bound, and last how many there are; read once, so that a page is consistent in itself.</summary>
    public long[] Cumulative()
    {
        var counts = new long[_counts.Length];
        var total = 0L;
        for (var i = 0; i < counts.Length; i++) counts[i] = total += Volatile.Read(ref _counts[i]);
        return counts;
    }
}
