using System.Net;
using System.Net.Sockets;

namespace Stateside.SystemTests.Support;

/// <summary>
/// A balancer without stickiness, and a bad one: each connection goes to the next server, and now and then a connection breaks
/// when the server has answered, so that what was done is done and nobody hears of it.
/// </summary>
internal sealed class CarelessProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly int[] _servers;
    private readonly double _loses;
    private readonly Task _accepting;
    private int _connections;
    private int _lost;

    /// <param name="servers">Ports on loopback.</param>
    /// <param name="loses">The part of the answers that are lost, 0 to 1.</param>
    public CarelessProxy(int[] servers, double loses)
    {
        (_servers, _loses) = (servers, loses);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Answers that were lost so far.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <summary>Connections so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token), _servers[Interlocked.Increment(ref _connections) % _servers.Length]);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, int port)
    {
        using (client)
        using (var server = new TcpClient { NoDelay = true })
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, port, _stopping.Token);
                await Task.WhenAny(CopyAsync(client, server, 0), CopyAsync(server, client, _loses));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // To the other side it is a connection that broke.
            }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, double loses)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, _stopping.Token) is > 0 and var read)
            {
                if (loses > 0 && Random.Shared.NextDouble() < loses)
                {
                    Interlocked.Increment(ref _lost);
                    return;
                }
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection ends with whichever side ended first.
        }
    }
}
