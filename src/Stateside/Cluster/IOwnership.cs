namespace Stateside.Cluster;

/// <summary>What this node owns, as <see cref="Places.NodePlace"/> asks.</summary>
internal interface IOwnership
{
    /// <summary>All 1,024, in order.</summary>
    IReadOnlyList<Shard> Shards { get; }

    /// <summary>Whether the lease still holds, so that what is in memory is current.</summary>
    bool HoldsLease { get; }

    /// <summary>Whether another node owns the shard, as far as this node knows. While nobody does, somebody is about to.</summary>
    bool IsElsewhere(int shard);

    /// <summary>The store has refused the epoch: another node has taken the shard over.</summary>
    void Lost(int shard, long epoch);
}
