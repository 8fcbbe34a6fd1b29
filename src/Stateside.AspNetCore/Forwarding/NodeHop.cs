namespace Stateside.AspNetCore.Forwarding;

/// <summary>Present on requests that came over the node port, and only there.</summary>
internal interface INodeHop
{
    /// <summary>The node that sent the request, proved by the handshake.</summary>
    string PeerName { get; }

    /// <summary>Which start of that node.</summary>
    UInt128 PeerIncarnation { get; }

    /// <summary>How many nodes the request has left: 1 if the first node that took it sent it here; 0 if it is the node's own.</summary>
    int Hops { get; }

    /// <summary>The version of the shard map by which it was sent here.</summary>
    long View { get; }

    /// <summary>Whether it was sent to a node before that has not answered, so that it may have been applied already.</summary>
    bool IsAgain { get; }
}

/// <inheritdoc cref="INodeHop"/>
internal sealed record NodeHop(string PeerName, UInt128 PeerIncarnation, int Hops, long View, bool IsAgain) : INodeHop;

/// <summary>Who is at the other end of a connection of the node port.</summary>
internal sealed record NodePeer(string Name, UInt128 Incarnation);
