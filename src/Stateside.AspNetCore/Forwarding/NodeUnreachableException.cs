namespace Stateside.AspNetCore.Forwarding;

/// <summary>No connection to a node could be made. Only <see cref="NodeLink"/> throws it, so it proves that nothing was sent over that connection.</summary>
internal sealed class NodeUnreachableException(Exception inner) : IOException("No connection to the node could be made.", inner);
