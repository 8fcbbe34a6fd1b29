namespace Stateside.Places;

/// <summary>What an acknowledged change of a state in place Node survives.</summary>
internal enum NodeDurability
{
    /// <summary>What the store survives: the reply waits for the commit.</summary>
    Commit,

    /// <summary>The loss of the node, but for the last moments: changes are written at intervals, and at a clean stop.</summary>
    Checkpoint,

    /// <summary>Nothing: it is in memory only, and gone when the shard moves or the state is idle.</summary>
    None,
}
