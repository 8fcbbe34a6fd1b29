using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What a simulation runs. The seed decides all else.</summary>
internal sealed record SimulationOptions
{
    /// <summary>What a seed runs unless somebody says otherwise.</summary>
    public static SimulationOptions For(ulong seed) => (seed % 8) switch
    {
        0 or 4 => new() { Software = setting => new StoreNode(setting), Gateways = 0, NotesLife = seed % 3 == 0 ? s_notesLife : null },
        // What a checkpoint may lose is a matter of who dies when, so there nothing keeps the store from being reached.
        5 => new() { Durability = NodeDurability.Checkpoint, Kinds = ["Crash", "Drain", "Join", "Leave", "Roll", "SetClock", "SlowNetwork", "CutFromClients"] },
        _ => new() { NotesLife = seed % 3 == 0 ? s_notesLife : null },
    };

    private static readonly TimeSpan s_notesLife = TimeSpan.FromSeconds(2);

    /// <summary>What runs on each node.</summary>
    public Func<NodeSetting, INodeSoftware> Software { get; init; } = setting => new ClusterNode(setting);

    /// <summary>How many nodes are there at the beginning; 1 or more.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>How many there can be once others have joined.</summary>
    public int MostNodes { get; init; } = 5;

    /// <summary>How many nodes there are beside them that own nothing and pass everything on.</summary>
    public int Gateways { get; init; } = 1;

    /// <summary>What an acknowledged write of a ledger survives where it lives on a node.</summary>
    public NodeDurability Durability { get; init; } = NodeDurability.Commit;

    /// <summary>After how long the notes expire that nobody reads or writes; null: never.</summary>
    public TimeSpan? NotesLife { get; init; }

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
