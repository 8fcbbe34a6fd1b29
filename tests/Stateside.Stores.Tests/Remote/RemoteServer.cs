using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Remote;

/// <summary>
/// A server of one store in memory, on a real socket, so that the suite's cuts, kills and pauses can themselves be tested. What travels
/// is the number of a request, in a frame as long as a real one; the request itself is looked up, for both ends are in one process.
/// </summary>
internal sealed class RemoteServer : IServerControl, IStoreWatcher, IAsyncDisposable
{
    public const int FrameSize = 600;

    private static readonly ConcurrentDictionary<long, Func<IStore, Task<object?>>> s_requests = [];
    private static readonly ConcurrentDictionary<long, object?> s_answers = [];
    private static long s_last;

    private readonly MemoryStore _data;
    private readonly HashSet<Socket> _connections = [];
    private readonly IPEndPoint _address;
    private TcpListener _listener;
    private TaskCompletionSource _running = new();

    public RemoteServer(MemoryStore data)
    {
        _data = data;
        _data.Watch(this);
        _listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        _address = (IPEndPoint)_listener.LocalEndpoint;
        _running.SetResult();
    }

    public EndPoint Address => _address;

    /// <summary>Puts a request where the server finds it, and answers the frame that names it.</summary>
    public static (long Number, byte[] Frame) Request(Func<IStore, Task<object?>> request)
    {
        var number = Interlocked.Increment(ref s_last);
        s_requests[number] = request;
        return (number, Frame(number));
    }

    /// <summary>What a frame from the server names: the answer to a request, or the key that changed.</summary>
    public static object? Answer(long number) => s_answers.TryRemove(number, out var answer) ? answer : null;

    public Task KillAsync()
    {
        _listener.Stop();
        lock (_connections)
        {
            foreach (var connection in _connections) connection.Dispose();
            _connections.Clear();
        }
        return Task.CompletedTask;
    }

    public Task RestartAsync()
    {
        _listener = Listen(_address);
        return Task.CompletedTask;
    }

    public Task PauseAsync()
    {
        _running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Task.CompletedTask;
    }

    public Task ContinueAsync()
    {
        _running.TrySetResult();
        return Task.CompletedTask;
    }

    public void Changed(StateKey key)
    {
        var number = Interlocked.Increment(ref s_last);
        lock (_connections)
            foreach (var connection in _connections)
            {
                s_answers[-number] = key;
                _ = SendAsync(connection, Frame(-number));
                number = Interlocked.Increment(ref s_last);
            }
    }

    public void AnyChanged() => throw new NotSupportedException();

    public async ValueTask DisposeAsync() => await KillAsync();

    private static byte[] Frame(long number)
    {
        var frame = new byte[FrameSize];
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(FrameSize - 8), number);
        return frame;
    }

    private TcpListener Listen(IPEndPoint address)
    {
        var listener = new TcpListener(address);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Start();
        _ = AcceptAsync(listener);
        return listener;
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        connection.NoDelay = true;
        lock (_connections) _connections.Add(connection);
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            for (var frame = new byte[FrameSize]; ;)
            {
                await stream.ReadExactlyAsync(frame);
                await _running.Task;
                var number = BinaryPrimitives.ReadInt64BigEndian(frame.AsSpan(FrameSize - 8));
                if (!connection.Connected || !s_requests.TryRemove(number, out var request)) return;
                s_answers[number] = await request(_data);
                await SendAsync(connection, Frame(number));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // The client is gone.
        }
        lock (_connections) _connections.Remove(connection);
    }

    private static async Task SendAsync(Socket connection, byte[] frame)
    {
        try
        {
            await connection.SendAsync(frame);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client is gone.
        }
    }
}
