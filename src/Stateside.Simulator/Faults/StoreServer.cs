using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// The one store that all nodes share: a <see cref="MemoryStore"/> that never forgets, behind faults. Each node has its own
/// <see cref="StoreHandle"/> to it.
/// </summary>
/// <param name="world">What everything runs in.</param>
/// <param name="time">The store's clock.</param>
/// <param name="damage">Breaks the store on purpose, to see that the checks find it.</param>
internal sealed class StoreServer(World world, SimClock time, Func<IStore, IStore>? damage)
{
    private readonly List<StoreHandle> _watching = [];

    public SimClock Clock => time;

    /// <summary>What the handles reach. It answers at once, so that each verb is atomic.</summary>
    public IStore Inner { get; } = damage?.Invoke(new MemoryStore(time)) ?? new MemoryStore(time);

    /// <summary>Above 0: it takes no calls, and those on their way to it break off.</summary>
    public int Outages { get; set; }

    /// <summary>How likely the answer to a call is lost after the store has done it.</summary>
    public double LostAnswers { get; set; }

    /// <summary>How likely a call never arrives.</summary>
    public double LostRequests { get; set; }

    /// <summary>How likely a call is done only after the caller has been told that the connection broke.</summary>
    public double LateCalls { get; set; }

    /// <summary>How much longer than usual every call takes.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>Loads and commits that have come, and bytes of rows that the loads have brought.</summary>
    public (long Loads, long Commits, long Bytes) Load { get; private set; }

    public void CountLoad(LoadResult result) => Load = Load with { Loads = Load.Loads + 1, Bytes = Load.Bytes + result.Rows.Sum(r => (long)r.Body.Length) };

    public void CountCommit() => Load = Load with { Commits = Load.Commits + 1 };

    public void Watch(StoreHandle handle) => _watching.Add(handle);

    /// <summary>Tells the handles that watch of what a commit has changed.</summary>
    public void Tell(Commit commit)
    {
        foreach (var row in commit.Rows)
        {
            if (row.Change is not (RowChange.Put or RowChange.Delete)) continue;
            foreach (var handle in _watching) handle.Tell(row.Key);
        }
    }

    /// <summary>What becomes of a call, decided when it is sent.</summary>
    public StoreFate Draw(int node)
    {
        if (Outages > 0) return StoreFate.Refused;
        if (world.Links.IsCut(node, world.Links.Store)) return StoreFate.RequestLost;
        if (world.Random.Chance(world.Links.Loss)) return world.Random.Chance(0.5) ? StoreFate.RequestLost : StoreFate.AnswerLost;
        if (world.Random.Chance(LostRequests)) return StoreFate.RequestLost;
        if (world.Random.Chance(LostAnswers)) return StoreFate.AnswerLost;
        return world.Random.Chance(LateCalls) ? StoreFate.Late : StoreFate.Answered;
    }

    /// <summary>The time one way takes. Slow periods that come together do not make it endless.</summary>
    public TimeSpan Way() => world.Random.Span(0.1, 2) * Math.Min(Slowness, Links.MostSlowness);
}

/// <summary>What becomes of one call to the store.</summary>
internal enum StoreFate
{
    Answered,

    /// <summary>The store is away, and says so before anything is sent.</summary>
    Refused,

    /// <summary>It never arrives, and the caller is told that the connection broke.</summary>
    RequestLost,

    /// <summary>It is done, and the caller is told that the connection broke.</summary>
    AnswerLost,

    /// <summary>The caller is told that the connection broke, and then it is done.</summary>
    Late,
}
