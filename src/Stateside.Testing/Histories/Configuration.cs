namespace Stateside.Testing.Histories;

/// <summary>How far a search came on one way: what is placed, the state after it, and the step that led here.</summary>
/// <param name="parent">The configuration before that step; null at the start.</param>
/// <param name="low">All that returned before this number is placed, and this one is not.</param>
/// <param name="slots">Of those that overlap the return of number <paramref name="low"/>, the ones that are placed.</param>
/// <param name="state">The state.</param>
internal sealed class Configuration<TState>(Configuration<TState>? parent, int low, SlotSet slots, TState state)
{
    public Configuration<TState>? Parent => parent;

    public int Low => low;

    public SlotSet Slots => slots;

    public TState State => state;

    /// <summary>What was placed last: the number of one that returned, or -1 - the number of an open one.</summary>
    public int Step { get; init; }

    /// <summary>How many that returned are placed.</summary>
    public int Placed { get; init; }

    /// <summary>The open operations that are placed, ascending.</summary>
    public int[] Used { get; init; } = [];

    public bool IsAfterOpen => parent is not null && Step < 0;
}

/// <summary>Two configurations are equal that can go on alike, had they used the same open operations.</summary>
internal sealed class ConfigurationComparer<TState>(IEqualityComparer<TState> states) : IEqualityComparer<Configuration<TState>>
{
    public bool Equals(Configuration<TState>? x, Configuration<TState>? y) => x!.Low == y!.Low && x.Slots.Equals(y.Slots) && states.Equals(x.State, y.State);

    public int GetHashCode(Configuration<TState> one) => HashCode.Combine(one.Low, one.Slots, one.State is null ? 0 : states.GetHashCode(one.State));
}

/// <summary>The configurations that have been reached, each with the sets of open operations that it cost.</summary>
/// <remarks>What cost more of them than before can do nothing that it could not do before: only the cheapest ways are kept and tried.</remarks>
internal sealed class Visited<TState>(IEqualityComparer<TState> states)
{
    private readonly Dictionary<Configuration<TState>, List<int[]>?> _visited = new(new ConfigurationComparer<TState>(states));

    /// <summary>How many ways have been remembered.</summary>
    public int Count { get; private set; }

    public IEnumerable<Configuration<TState>> Configurations => _visited.Keys;

    /// <summary>Remembers a way to a configuration; false if it was reached as cheaply before.</summary>
    public bool Add(Configuration<TState> configuration)
    {
        var used = configuration.Used;
        if (_visited.TryGetValue(configuration, out var ways))
        {
            // Without a list it was reached for nothing.
            if (ways is null || ways.Exists(way => IsSubset(way, used))) return false;
            ways.RemoveAll(way => IsSubset(used, way));
        }
        if (used.Length == 0) _visited[configuration] = null;
        else if (ways is null) _visited[configuration] = [used];
        else ways.Add(used);
        Count++;
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
