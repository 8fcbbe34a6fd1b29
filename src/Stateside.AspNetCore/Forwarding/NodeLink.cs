using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>The way to one start of one node. Its connections are used by no other link, so it knows whether anything can have been sent on it.</summary>
internal sealed class NodeLink(NodeAddress address, NodeHandshake handshake, ILogger log, LogBudget failures)
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static long s_links;

    // The handler keeps connections by host and port. The name that it sees is this link's own, also beside another link to the same start.
    private readonly string _prefix = $"http://n{address.Incarnation:x32}-{Interlocked.Increment(ref s_links)}:{address.Port}";
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
