using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stateside.Cluster;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Where this node listens for the other nodes.</summary>
/// <param name="Address">The address to listen on.</param>
/// <param name="Port">The port; 0: any free one.</param>
internal sealed record NodePortSettings(IPAddress Address, int Port);

/// <summary>
/// The application's server and, beside it, the node port: a second Kestrel that speaks HTTP/2 to authenticated nodes only and runs their
/// requests through the same pipeline. It is a server of its own because an endpoint in the application's Kestrel options would make
/// Kestrel ignore the application's URLs.
/// </summary>
internal sealed class NodePortServer : IServer, INodePort
{
    /// <summary>Most connections that have not proved themselves yet; more are closed at once.</summary>
    private const int MaxUnproved = 256;
    private readonly IServer _inner;
    private readonly NodeHandshake _handshake;
    private readonly KestrelServer _nodes;
    private readonly ILogger _log;
    private readonly LogBudget _refusals;
    private ListenOptions? _listen;
    private int _unproved;
    private volatile bool _isStarted;

    public NodePortServer(IServer inner, NodePortSettings settings, NodeHandshake handshake, KestrelServerOptions application, IServiceProvider services, ILoggerFactory logs, TimeProvider time)
    {
        (_inner, _handshake, _refusals) = (inner, handshake, new LogBudget(time));
        _log = logs.CreateLogger("Stateside.NodePort");
        var options = NodeOptions(application);
        options.ApplicationServices = services;
        options.Listen(settings.Address, settings.Port, listen =>
        {
            _listen = listen;
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(Authenticate);
        });
        _nodes = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs), logs);
    }

    /// <summary>The application's own server.</summary>
    public IServer Inner => _inner;

    /// <summary>The features of the application's own server: its addresses do not name the node port.</summary>
    public IFeatureCollection Features => _inner.Features;

    /// <summary>The port that nodes connect to.</summary>
    /// <exception cref="InvalidOperationException">The host has started, and not this server: another was put in its place.</exception>
    public int Port => _isStarted ? _listen!.IPEndPoint!.Port : throw new InvalidOperationException(
        "Stateside:Cluster:Listen asks for a node port, which stands beside the application's server; but the host runs another server, one that was chosen after AddStateside, as a test server is. Choose the server before, or leave Cluster:Listen out.");

    /// <inheritdoc/>
    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken) where TContext : notnull
    {
        await _inner.StartAsync(application, cancellationToken);
        await _nodes.StartAsync(application, cancellationToken);
        _isStarted = true;
        _log.NodePortOpen(_listen!.EndPoint);
    }

    /// <summary>Stops taking requests of clients first, then those of nodes: a request that is under way here may still need an answer from there.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _inner.StopAsync(cancellationToken);
        }
        finally
        {
            await _nodes.StopAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _nodes.Dispose();
        _inner.Dispose();
    }

    /// <summary>
    /// The application's limits where a request could meet them, but never tighter than the node that sent it: it has enforced its own, and
    /// Kestrel ends the connection, with all its requests, over headers that are too large or a client that is too slow.
    /// </summary>
    private static KestrelServerOptions NodeOptions(KestrelServerOptions application)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowSynchronousIO = application.AllowSynchronousIO,
            RequestHeaderEncodingSelector = application.RequestHeaderEncodingSelector,
            ResponseHeaderEncodingSelector = application.ResponseHeaderEncodingSelector,
        };
        var limits = options.Limits;
        limits.MaxRequestBodySize = application.Limits.MaxRequestBodySize;
        limits.MaxResponseBufferSize = application.Limits.MaxResponseBufferSize;
        limits.MaxRequestLineSize = Math.Max(application.Limits.MaxRequestLineSize, 64 * 1024);
        limits.MaxRequestHeadersTotalSize = Math.Max(application.Limits.MaxRequestHeadersTotalSize, 128 * 1024) + (16 * 1024);
        limits.MaxRequestHeaderCount = Math.Max(application.Limits.MaxRequestHeaderCount, 1000) + 10;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        // There is no limit of time on a request, so a node that is gone without a word, or reads nothing any more, must be found out.
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(5);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        limits.Http2.MaxStreamsPerConnection = 4096;
        limits.Http2.MaxRequestHeaderFieldSize = limits.MaxRequestHeadersTotalSize;
        limits.Http2.InitialStreamWindowSize = 256 * 1024;
        // So wide that only 128 handlers that do not read their bodies could hold up the other requests of the connection.
        limits.Http2.InitialConnectionWindowSize = 128 * limits.Http2.InitialStreamWindowSize;
        return options;
    }

    private ConnectionDelegate Authenticate(ConnectionDelegate next) => async connection =>
    {
        var peer = await AcceptAsync(connection);
        if (peer is null)
        {
            connection.Abort();
            return;
        }
        connection.Features.Set(peer);
        await next(connection);
    };

    private async Task<NodePeer?> AcceptAsync(ConnectionContext connection)
    {
        try
        {
            if (Interlocked.Increment(ref _unproved) > MaxUnproved) throw new NodeHandshakeException("too many connections that have not proved themselves");
            return await _handshake.AcceptAsync(connection.Transport.Input.AsStream(leaveOpen: true), connection.Transport.Output.AsStream(leaveOpen: true), connection.ConnectionClosed);
        }
        catch (NodeHandshakeException e)
        {
            if (_refusals.TryTake(out var unlogged)) _log.PeerRefused(connection.RemoteEndPoint, e.Message, unlogged);
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _unproved);
        }
    }
}
