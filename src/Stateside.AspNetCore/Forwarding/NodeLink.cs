using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>The way to one start of one node: its connections are never used for another, nor by another link to the same start.</summary>
/// <param name="address">The node.</param>
/// <param name="number">Which of the forwarder's links it is; no two have the same.</param>
/// <param name="handshake">This node's side of the handshake.</param>
/// <param name="log">For failures.</param>
/// <param name="failures">Bounds their lines.</param>
internal sealed class NodeLink(NodeAddress address, long number, NodeHandshake handshake, ILogger log, LogBudget failures)
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    // The handler keeps connections by host and port. The name that it sees is the incarnation, which only this link resolves, and the number of the
    // link: on a connection that another link had opened a request would be sent, and this link would say that none ever stood.
    private readonly string _prefix = $"http://n{address.Incarnation:x32}-{number}:{address.Port}";
    private volatile bool _wasOpen;

    public NodeAddress Address => address;

    /// <summary>Whether a connection ever stood. If none did, nothing was ever sent.</summary>
    public bool WasOpen => _wasOpen;

    /// <summary>The path and query byte for byte: nothing is decoded or normalized.</summary>
    public Uri Uri(string pathAndQuery) => new(_prefix + pathAndQuery, Verbatim);

    public async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await handshake.ConnectAsync(stream, address, cancellationToken);
            _wasOpen = true;
            return stream;
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (failures.TryTake(out var unlogged)) log.NodeUnreachable(address.Name, Reason(e), unlogged);
            throw;
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
