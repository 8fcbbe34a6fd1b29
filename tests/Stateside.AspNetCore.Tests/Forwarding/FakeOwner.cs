using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>What becomes of a connection before a request can come.</summary>
internal enum Door
{
    Open,
    ShutAtOnce,
    ShutInHandshake,
    ShutBeforeSettings,
    ShutAfterSettings,
}

/// <summary>What becomes of a request. In all but the first two its handler runs, once.</summary>
internal enum Fate
{
    /// <summary>Refused by a reset that promises that nothing was done.</summary>
    Refuse,

    /// <summary>The connection goes away, and says that it will not begin this request.</summary>
    GoAwayBefore,

    /// <summary>Its head is enough for the handler: then the stream is reset, or the connection ends or is reset.</summary>
    ResetAtHead,
    EndAtHead,
    CutAtHead,

    /// <summary>The same once the body is there.</summary>
    Answer,
    End,
    Cut,

    /// <summary>The connection goes away, and says that it has begun all requests, this one too.</summary>
    GoAwayAfter,

    /// <summary>The response's head, and nothing more.</summary>
    HalfAnswer,

    /// <summary>The head of a short response, which waits for its body.</summary>
    HeadOnly,

    /// <summary>Nothing is said, until the node dies.</summary>
    Hold,
}

/// <summary>A node port frame by frame, so that it can die at each of them. It keeps its address and can come back as another start.</summary>
internal sealed partial class FakeOwner : IAsyncDisposable
{
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, byte> _sockets = new();
    private readonly Pair _pair;
    private readonly Task _accepting;
    private int _incarnation = 100;

    public FakeOwner(Pair pair)
    {
        _pair = pair;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>How often the handler of each path has run.</summary>
    public ConcurrentDictionary<string, int> Runs { get; } = new();

    public Func<Door> Doors { get; set; } = () => Door.Open;

    public Func<string, Fate> Fates { get; set; } = _ => Fate.Answer;

    public NodeAddress Address => new("fake", (UInt128)Volatile.Read(ref _incarnation), "127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>Dies, with all that it has not answered, and is there again under the same name and address.</summary>
    public void Restart()
    {
        Interlocked.Increment(ref _incarnation);
        foreach (var socket in _sockets.Keys) Close(socket, resets: true);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Restart();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        _sockets[socket] = 0;
        using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            var door = Doors();
            if (door == Door.ShutAtOnce) return;
            if (door == Door.ShutInHandshake)
            {
                await stream.ReadExactlyAsync(new byte[10]);
                return;
            }
            await _pair.Handshake("fake", Address.Incarnation).AcceptAsync(stream, stream, default);
            if (door == Door.ShutBeforeSettings) return;
            await stream.ReadExactlyAsync(new byte[24]);
            await WriteAsync(stream, Settings, 0, 0, []);
            await WriteAsync(stream, WindowUpdate, 0, 0, [0, 255, 255, 255]);
            if (door == Door.ShutAfterSettings) return;
            await ReadAsync(socket, stream);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The other side has gone, or this one was restarted.
        }
        finally
        {
            _sockets.TryRemove(socket, out _);
        }
    }

    private async Task ReadAsync(Socket socket, Stream stream)
    {
        var open = new Dictionary<int, (string Path, Fate Fate)>();
        var head = new byte[9];
        var highest = 0;
        while (true)
        {
            await stream.ReadExactlyAsync(head);
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(payload);
            var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
            if (type == Settings && (flags & 1) == 0) await WriteAsync(stream, Settings, 1, 0, []);
            if (type == Ping && (flags & 1) == 0) await WriteAsync(stream, Ping, 1, 0, payload);
            if (type == Reset) open.Remove(id);
            if (type == Headers)
            {
                // The client of .NET writes header values as they are, without Huffman's code.
                var path = PathForm().Match(Encoding.ASCII.GetString(payload)).Value;
                var fate = Fates(path);
                if (fate == Fate.Refuse) await WriteAsync(stream, Reset, 0, id, [0, 0, 0, 7]);
                else open[id] = (path, fate);
                if (fate == Fate.GoAwayBefore && (flags & 1) == 0) await PassOverBodyAsync(stream, id);
                if (fate == Fate.GoAwayBefore) await EndAsync(socket, stream, Math.Max(0, id - 2));
                if (fate is Fate.Refuse or Fate.GoAwayBefore) continue;
                highest = id;
                if (fate is Fate.ResetAtHead or Fate.EndAtHead or Fate.CutAtHead or Fate.Hold) Run(path);
                if (fate == Fate.ResetAtHead) await WriteAsync(stream, Reset, 0, id, [0, 0, 0, 2]);
                if (fate is Fate.EndAtHead or Fate.CutAtHead) Close(socket, fate == Fate.CutAtHead);
            }
            if (type is not (Headers or Data) || (flags & 1) == 0 || !open.Remove(id, out var request)) continue;
            if (request.Fate is < Fate.Answer or Fate.Hold) continue;
            Run(request.Path);
            if (request.Fate is Fate.End or Fate.Cut) Close(socket, request.Fate == Fate.Cut);
            if (request.Fate == Fate.GoAwayAfter) await EndAsync(socket, stream, highest);
            // 200, and with a length of nine.
            if (request.Fate == Fate.Answer) await WriteAsync(stream, Headers, 5, id, [0x88]);
            if (request.Fate == Fate.HalfAnswer) await WriteAsync(stream, Headers, 4, id, [0x88]);
            if (request.Fate == Fate.HeadOnly) await WriteAsync(stream, Headers, 4, id, [0x88, 0x5c, 1, (byte)'9']);
            if (request.Fate is Fate.HalfAnswer or Fate.HeadOnly) Close(socket, resets: false);
        }
    }

    /// <summary>Something of the body has been read before the connection goes away.</summary>
    private static async Task PassOverBodyAsync(Stream stream, int id)
    {
        var head = new byte[9];
        do
        {
            await stream.ReadExactlyAsync(head);
            await stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]]);
        }
        while (head[3] != Data || BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) != id);
    }

    private static async Task EndAsync(Socket socket, Stream stream, int last)
    {
        var payload = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, last);
        await WriteAsync(stream, GoAway, 0, 0, payload);
        // Closed with something unread, the connection would be reset, and what was said last might not arrive.
        socket.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(payload) > 0)
        {
        }
        throw new EndOfStreamException();
    }

    private void Run(string path) => Runs.AddOrUpdate(path, 1, (_, n) => n + 1);

    private static void Close(Socket socket, bool resets)
    {
        try
        {
            if (resets) socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (ObjectDisposedException)
        {
            // It had gone by itself.
        }
    }

    private static ValueTask WriteAsync(Stream stream, byte type, byte flags, int id, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        (frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        payload.CopyTo(frame, 9);
        return stream.WriteAsync(frame);
    }

    [GeneratedRegex("/r-[0-9]+")]
    private static partial Regex PathForm();
}
