using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>The way to one start of one node: its connections are never used for another.</summary>
internal sealed class NodeLink(NodeAddress address, NodeHandshake handshake, ILogger log, LogBudget failures)
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    // The handler keeps connections by host and port. The name that it sees is the incarnation, which only this link resolves.
    private readonly string _prefix = $"http://n{address.Incarnation:x32}:{address.Port}";

    public NodeAddress Address => address;

    /// <summary>The path and query byte for byte: nothing is decoded or normalized.</summary>
    public Uri Uri(string pathAndQuery) => new(_prefix + pathAndQuery, Verbatim);

    /// <summary>A new connection on which the other node has proved itself.</summary>
    /// <exception cref="NodeUnreachableException">There is none, for whatever reason: what should have gone over it was not sent.</exception>
    public async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await handshake.ConnectAsync(stream, address, cancellationToken);
            return stream;
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (failures.TryTake(out var unlogged)) log.NodeUnreachable(address.Name, Reason(e), unlogged);
            throw new NodeUnreachableException(e);
        }
    }

    private static string Reason(Exception e) => e switch
    {
        NodeHandshakeException => e.Message,
        SocketException socket => socket.SocketErrorCode.ToString(),
        OperationCanceledException => "it did not answer in time",
        _ => e.GetType().Name,
    };
}
