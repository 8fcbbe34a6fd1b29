namespace Stateside.Cluster;

/// <summary>What the configuration says of the cluster.</summary>
/// <param name="Name">This node's name.</param>
/// <param name="Host">Where its node port can be reached by the others; empty: it has none and must stay alone.</param>
/// <param name="Port">The same.</param>
/// <param name="IsGateway">Whether it owns nothing and only passes requests on.</param>
/// <param name="Lease">How long a node may rely on its last sign of life.</param>
/// <param name="Agreement">A hash of what all nodes must have configured alike, 32 bytes.</param>
internal sealed record ClusterModel(string Name, string Host, int Port, bool IsGateway, TimeSpan Lease, byte[] Agreement)
{
    /// <summary>Where the node port listens; null: nowhere.</summary>
    public System.Net.IPEndPoint? Listen { get; init; }

    /// <summary>What nodes prove to each other beside the secret of the view; empty: nothing.</summary>
    public IReadOnlyList<byte[]> Secrets { get; init; } = [];

    /// <summary>Between the end of the lease for its holder and the end for all others: what clocks and waits may differ by.</summary>
    public TimeSpan Margin => Lease / 5;

    /// <summary>How often a node gives a sign of life and looks at the others.</summary>
    public TimeSpan Beat => Lease / 5;
}

/// <summary>What a node is for.</summary>
internal enum ClusterRole
{
    /// <summary>It owns its part of the shards.</summary>
    Member,

    /// <summary>It owns none, and passes each request on to the owner.</summary>
    Gateway,
}
