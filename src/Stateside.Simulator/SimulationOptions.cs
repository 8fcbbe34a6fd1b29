using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What a simulation runs. The seed decides all else.</summary>
internal sealed record SimulationOptions
{
    /// <summary>What a seed runs unless somebody says otherwise.</summary>
    public static SimulationOptions For(ulong seed) => seed % 4 == 0 ? new() { Software = setting => new StoreNode(setting) } : new();

    /// <summary>What runs on each node.</summary>
    public Func<NodeSetting, INodeSoftware> Software { get; init; } = setting => new ClusterNode(setting);

    /// <summary>How many nodes are there at the beginning; 1 or more.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>How many there can be once others have joined.</summary>
    public int MostNodes { get; init; } = 5;

    public int Clients { get; init; } = 10;

    public int Keys { get; init; } = 6;

    /// <summary>How long clients work while faults come and go.</summary>
    public TimeSpan Faults { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How long after the last fault every key must serve again through every node.</summary>
    public TimeSpan Recovery { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>The mean pause of a client between two operations, in milliseconds.</summary>
    public double MeanPause { get; init; } = 300;

    /// <summary>How many of ten operations read.</summary>
    public int Reads { get; init; } = 3;

    /// <summary>The only faults there are, by their names in <see cref="Nemesis"/>; null: all.</summary>
    public IReadOnlyList<string>? Kinds { get; init; }

    /// <summary>Most by which the clock of a node runs too fast or too slow, in millionths: a bad quartz is off by a tenth of the default.</summary>
    public int MostDrift { get; init; } = 1_000;

    /// <summary>Breaks the store that all share, on purpose.</summary>
    public Func<IStore, IStore>? DamageStore { get; init; }

    /// <summary>Breaks each node's client of the store, on purpose.</summary>
    public Func<IStore, IStore>? DamageHandle { get; init; }
}
