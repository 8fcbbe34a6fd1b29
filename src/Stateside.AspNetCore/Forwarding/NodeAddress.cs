namespace Stateside.AspNetCore.Forwarding;

/// <summary>Where a node listens for the other nodes. Name and incarnation are proved by the handshake before anything is sent there.</summary>
/// <param name="Name">The node's name: 1 to 64 visible ASCII characters.</param>
/// <param name="Incarnation">Which start of the node: drawn anew by every process.</param>
/// <param name="Host">A host name or an address.</param>
/// <param name="Port">The port of its node port, 1 to 65535.</param>
internal sealed record NodeAddress(string Name, UInt128 Incarnation, string Host, int Port);
