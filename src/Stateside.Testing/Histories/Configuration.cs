namespace Stateside.Testing.Histories;

/// <summary>How far a search is: all that returned before number <paramref name="Low"/> is placed, that one is not, and of those that overlap it the ones in <paramref name="Slots"/> are.</summary>
internal readonly record struct Configuration<TState>(int Low, ulong[] Slots, TState State);

internal sealed class ConfigurationComparer<TState>(IEqualityComparer<TState> states) : IEqualityComparer<Configuration<TState>>
{
    public bool Equals(Configuration<TState> x, Configuration<TState> y) => x.Low == y.Low && x.Slots.AsSpan().SequenceEqual(y.Slots) && states.Equals(x.State, y.State);

    public int GetHashCode(Configuration<TState> configuration)
    {
        var hash = new HashCode();
        hash.Add(configuration.Low);
        foreach (var word in configuration.Slots) hash.Add(word);
        hash.Add(configuration.State is null ? 0 : states.GetHashCode(configuration.State));
        return hash.ToHashCode();
    }
}

/// <summary>The configurations that have been reached, each with the sets of open operations that it cost.</summary>
/// <remarks>What cost more of them than before can do nothing that it could not do before: only the cheapest ways are kept and tried.</remarks>
internal sealed class Visited<TState>(IEqualityComparer<TState> states)
{
    private readonly Dictionary<Configuration<TState>, List<int[]>?> _visited = new(new ConfigurationComparer<TState>(states));

    public int Count { get; private set; }

    public IEnumerable<Configuration<TState>> Configurations => _visited.Keys;

    /// <summary>Remembers a way to a configuration; false if it was reached as cheaply before.</summary>
    /// <param name="configuration">The configuration; its set is copied.</param>
    /// <param name="used">The open operations that were placed, ascending.</param>
    public bool Add(Configuration<TState> configuration, int[] used)
    {
        if (_visited.TryGetValue(configuration, out var ways))
        {
            // Without a list it was reached for nothing.
            if (ways is null || ways.Exists(way => IsSubset(way, used))) return false;
            if (used.Length > 0) Count += 1 - ways.RemoveAll(way => IsSubset(used, way));
        }
        else Count++;
        if (used.Length > 0 && ways is not null) ways.Add(used);
        else _visited[configuration with { Slots = [.. configuration.Slots] }] = used.Length > 0 ? [used] : null;
        return true;
    }

    private static bool IsSubset(int[] small, int[] large)
    {
        if (small.Length > large.Length) return false;
        var at = 0;
        foreach (var one in small)
        {
            while (at < large.Length && large[at] < one) at++;
            if (at == large.Length || large[at++] != one) return false;
        }
        return true;
    }
}
