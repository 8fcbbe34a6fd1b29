using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Stateside.Stores.Tests.Remote;

/// <summary>The client of <see cref="RemoteServer"/>: one connection for all, opened again when it is lost.</summary>
internal sealed class RemoteStore(EndPoint server) : IStore
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMilliseconds(400);

    private readonly SemaphoreSlim _connecting = new(1);
    private readonly CancellationTokenSource _closed = new();
    private volatile Connection? _connection;
    private IStoreWatcher? _watcher;

    public ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) => AskAsync(async s => await s.OpenAsync(default) with { Durability = Durability.Process }, isCommit: false);

    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) => AskAsync(async s => await s.LoadAsync(request, default), isCommit: false);

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => AskAsync(async s => await s.CommitAsync(commit, default), isCommit: true);

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) => AskAsync(async s => await s.ListAsync(group, limit, default), isCommit: false);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        AskAsync(async s => await s.ReadJournalAsync(key, after, limit, default), isCommit: false);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) => AskAsync(async s => await s.FindDueAsync(limit, default), isCommit: false);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) => AskAsync(async s => await s.CleanUpAsync(limit, default), isCommit: false);

    public void Watch(IStoreWatcher watcher)
    {
        _watcher = watcher;
        _ = StayConnectedAsync(watcher);
    }

    public ValueTask DisposeAsync()
    {
        _closed.Cancel();
        _connection?.Dispose();
        return default;
    }

    private async ValueTask<T> AskAsync<T>(Func<IStore, Task<T>> verb, bool isCommit)
    {
        var connection = await ConnectAsync();
        var (number, frame) = RemoteServer.Request(async store =>
        {
            try
            {
                return await verb(store);
            }
            catch (StoreException e)
            {
                return e;
            }
        });
        var answer = new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Waiting[number] = answer;
        try
        {
            await connection.SendAsync(frame);
            return await answer.Task.WaitAsync(s_timeout) is var found and not StoreException ? (T)found! : throw (StoreException)answer.Task.Result!;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or TimeoutException)
        {
            connection.Dispose();
            throw new StoreException("The server did not answer.", isCommit ? Applied.Unknown : Applied.No, e);
        }
    }

    private async Task<Connection> ConnectAsync()
    {
        await _connecting.WaitAsync();
        try
        {
            if (_connection is { IsOpen: true } open) return open;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(server, _closed.Token).AsTask().WaitAsync(s_timeout);
            return _connection = new Connection(socket, key => _watcher?.Changed(key));
        }
        catch (Exception e) when (e is SocketException or TimeoutException or OperationCanceledException)
        {
            throw new StoreException("The server cannot be reached.", Applied.No, e);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task StayConnectedAsync(IStoreWatcher watcher)
    {
        var known = _connection;
        while (!_closed.IsCancellationRequested)
        {
            try
            {
                await LoadAsync(new LoadRequest([]), default);
                if (known != _connection) watcher.AnyChanged();
                known = _connection;
            }
            catch (StoreException)
            {
                // Away: it is tried again.
            }
            await Task.Delay(20);
        }
    }

    private sealed class Connection : IDisposable
    {
        private readonly Socket _socket;
        private readonly SemaphoreSlim _sending = new(1);

        public Connection(Socket socket, Action<StateKey> changed)
        {
            _socket = socket;
            _ = ReadAsync(changed);
        }

        public ConcurrentDictionary<long, TaskCompletionSource<object?>> Waiting { get; } = [];

        public bool IsOpen { get; private set; } = true;

        public async Task SendAsync(byte[] frame)
        {
            await _sending.WaitAsync();
            try
            {
                await _socket.SendAsync(frame);
            }
            finally
            {
                _sending.Release();
            }
            if (!IsOpen) throw new IOException("The connection is closed.");
        }

        public void Dispose()
        {
            IsOpen = false;
            _socket.Dispose();
        }

        private async Task ReadAsync(Action<StateKey> changed)
        {
            try
            {
                using var stream = new NetworkStream(_socket, ownsSocket: true);
                for (var frame = new byte[RemoteServer.FrameSize]; ;)
                {
                    await stream.ReadExactlyAsync(frame);
                    var number = BinaryPrimitives.ReadInt64BigEndian(frame.AsSpan(RemoteServer.FrameSize - 8));
                    var answer = RemoteServer.Answer(number);
                    if (number < 0) changed((StateKey)answer!);
                    else if (Waiting.TryRemove(number, out var waiting)) waiting.SetResult(answer);
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
            {
                IsOpen = false;
                foreach (var waiting in Waiting.Values) waiting.TrySetException(new IOException("The connection is closed.", e));
            }
        }
    }
}
