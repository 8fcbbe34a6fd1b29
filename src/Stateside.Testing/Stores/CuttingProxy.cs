using System.Net;
using System.Net.Sockets;

namespace Stateside.Testing.Stores;

/// <summary>What a <see cref="CuttingProxy"/> does to the next bytes.</summary>
public enum ProxyCut
{
    /// <summary>Nothing: all bytes pass.</summary>
    None,

    /// <summary>The next bytes to the server do not reach it, and the connection is closed.</summary>
    BeforeRequest,

    /// <summary>Only the first of the next bytes to the server reach it, and the connection is closed.</summary>
    DuringRequest,

    /// <summary>The next bytes to the server reach it, and the connection is closed at once.</summary>
    AfterRequest,

    /// <summary>The server answers, its answer is lost, and the connection is closed.</summary>
    Answer,

    /// <summary>The server answers, its answers are lost, and the connection stays.</summary>
    SilentAnswer,

    /// <summary>Nothing passes on any connection, old or new, in either direction, until <see cref="CuttingProxy.Pass"/>.</summary>
    BlackHole,
}

/// <summary>Stands on loopback between a store and its server and breaks connections on demand: what a network does, when a test wants it.</summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _lock = new();
    private readonly HashSet<Link> _links = [];
    private readonly EndPoint _server;
    private readonly Task _accepting;
    private TaskCompletionSource _reached = NewSignal();
    private TaskCompletionSource _open = NewSignal();
    private ProxyCut _cut;
    private int _bytes;

    /// <summary>Starts to listen on a free port.</summary>
    /// <param name="server">Where the connections lead.</param>
    public CuttingProxy(EndPoint server)
    {
        _server = server ?? throw new ArgumentNullException(nameof(server));
        _open.SetResult();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public EndPoint Address => _listener.LocalEndpoint;

    /// <summary>Ends when the cut that was armed last has been made.</summary>
    public Task Reached
    {
        get
        {
            lock (_lock) return _reached.Task;
        }
    }

    /// <summary>Makes one cut at the next bytes that it fits; a black hole begins at once. A cut that was armed before and not made is dropped.</summary>
    /// <param name="cut">Which.</param>
    /// <param name="bytes">How many of the next bytes pass (<see cref="ProxyCut.DuringRequest"/>).</param>
    public void Arm(ProxyCut cut, int bytes = 0)
    {
        lock (_lock)
        {
            (_cut, _bytes, _reached) = (cut, bytes, NewSignal());
            if (cut == ProxyCut.BlackHole && _open.Task.IsCompleted) _open = NewSignal();
            if (cut == ProxyCut.BlackHole) _reached.TrySetResult();
        }
    }

    /// <summary>Lets everything pass again. What a black hole held back goes on its way, as a network does that sends again.</summary>
    public void Pass()
    {
        lock (_lock)
        {
            _cut = ProxyCut.None;
            _open.TrySetResult();
        }
    }

    /// <summary>Closes every connection that is open now.</summary>
    public void CutAll()
    {
        Link[] links;
        lock (_lock) links = [.. _links];
        foreach (var link in links) link.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        Pass();
        CutAll();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener was stopped.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var link = new Link(client);
        lock (_lock) _links.Add(link);
        try
        {
            await OpenGate();
            await link.Server.ConnectAsync(_server);
            await Task.WhenAny(UpAsync(link), DownAsync(link));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One of the two ends is gone, so the other goes too.
        }
        lock (_lock) _links.Remove(link);
    }

    private async Task UpAsync(Link link)
    {
        var buffer = new byte[16 * 1024];
        while (await ReadAsync(link.Client, buffer) is > 0 and var read)
        {
            await OpenGate();
            var cut = Take(ProxyCut.BeforeRequest, ProxyCut.DuringRequest, ProxyCut.AfterRequest);
            var pass = cut switch { ProxyCut.BeforeRequest => 0, ProxyCut.DuringRequest => Math.Min(_bytes, read), _ => read };
            if (!await WriteAsync(link.Server, buffer.AsMemory(0, pass)) || cut != ProxyCut.None) return;
        }
    }

    private async Task DownAsync(Link link)
    {
        var buffer = new byte[16 * 1024];
        var isSilent = false;
        while (await ReadAsync(link.Server, buffer) is > 0 and var read)
        {
            await OpenGate();
            var cut = Take(ProxyCut.Answer, ProxyCut.SilentAnswer);
            if (cut == ProxyCut.Answer) return;
            isSilent |= cut == ProxyCut.SilentAnswer;
            if (!isSilent && !await WriteAsync(link.Client, buffer.AsMemory(0, read))) return;
        }
    }

    /// <summary>The cut that is armed, if it is one of these; it is made once.</summary>
    private ProxyCut Take(params ReadOnlySpan<ProxyCut> fitting)
    {
        lock (_lock)
        {
            if (!fitting.Contains(_cut)) return ProxyCut.None;
            var cut = _cut;
            _cut = ProxyCut.None;
            _reached.TrySetResult();
            return cut;
        }
    }

    private Task OpenGate()
    {
        lock (_lock) return _open.Task;
    }

    private static async Task<int> ReadAsync(Socket from, Memory<byte> buffer)
    {
        try
        {
            return await from.ReceiveAsync(buffer);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private static async Task<bool> WriteAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await to.SendAsync(bytes)..];
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Link : IDisposable
    {
        public Link(Socket client)
        {
            Client = client;
            Client.NoDelay = Server.NoDelay = true;
        }

        public Socket Client { get; }

        public Socket Server { get; } = new(SocketType.Stream, ProtocolType.Tcp);

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
