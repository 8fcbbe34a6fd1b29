using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Stateside.Stores;

namespace Stateside.Redis.Resp;

/// <summary>
/// One primary, and the connection to it, which is kept open as long as this is in use: opened again at once when it is lost,
/// and after growing pauses while the server is away. With several addresses it is the one of them that is a primary now.
/// </summary>
internal sealed class RedisNode : IAsyncDisposable
{
    /// <summary>How long a caller waits for a connection that is being opened. While the last try has failed it does not wait at all.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private const int FirstPauseMilliseconds = 20;
    private const int LongestPauseMilliseconds = 1000;

    private readonly RedisUrl _url;
    private readonly IReadOnlyList<RedisEndpoint> _addresses;
    private readonly RedisClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource<RespConnection> _opening = NewOpening();
    private volatile RespConnection? _connection;
    private RedisException? _failure;
    private Task? _keeping;

    public RedisNode(RedisClient client, RedisUrl url, IReadOnlyList<RedisEndpoint> addresses, TimeProvider time, ILogger log)
    {
        (_client, _url, _addresses, _time, _log) = (client, url, addresses, time, log);
        Endpoint = addresses[0];
    }

    /// <summary>The address that it was last connected to, or would be tried first.</summary>
    public RedisEndpoint Endpoint { get; private set; }

    public bool IsResp3 { get; private set; }

    public bool IsConnected => _connection is { IsOpen: true };

    /// <summary>The open connection. Waits a moment for one that is just being opened.</summary>
    /// <exception cref="RedisException">There is none; nothing was sent.</exception>
    public ValueTask<RespConnection> GetAsync(CancellationToken cancellationToken) =>
        _connection is { IsOpen: true } open ? new(open) : WaitAsync(cancellationToken);

    /// <summary>Gives up the connection to a server that turned out to be no primary any more, so that the primary is looked for.</summary>
    public void Distrust(RespConnection connection)
    {
        if (_addresses.Count > 1) connection.Close(new IOException("it is no primary any more"));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_connection is { } open) await open.DisposeAsync();
        if (_keeping is { } keeping) await keeping;
        _opening.TrySetException(Away("it was closed", null));
        _ = _opening.Task.Exception;
        _stopping.Dispose();
    }

    private async ValueTask<RespConnection> WaitAsync(CancellationToken cancellationToken)
    {
        Task<RespConnection> opening;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested) throw Away("it was closed", null);
            _keeping ??= KeepOpenAsync();
            if (_failure is { } failure) throw new RedisException(failure.Message, Applied.No, failure.InnerException) { IsAnswer = failure.IsAnswer };
            opening = _opening.Task;
        }
        try
        {
            return await opening.WaitAsync(s_patience, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw Away("it is being connected to", e);
        }
    }

    private RedisException Away(string reason, Exception? inner) => new($"Redis at {Endpoint} cannot be reached: {reason}.", Applied.No, inner);

    /// <summary>Opens the connection again whenever it is lost, until this is disposed.</summary>
    private async Task KeepOpenAsync()
    {
        // Not on the caller's time, who holds the lock.
        await Task.Yield();
        for (var failures = 0; !_stopping.IsCancellationRequested;)
        {
            if (await TryOpenAsync(failures) is { } connection)
            {
                failures = 0;
                Publish(connection);
                var cause = await connection.Closed;
                Forget();
                await connection.DisposeAsync();
                if (!_stopping.IsCancellationRequested) _log.Lost(Endpoint, RespConnection.Reason(cause));
                continue;
            }
            var most = Math.Min(FirstPauseMilliseconds << Math.Min(failures++, 10), LongestPauseMilliseconds);
            await PauseAsync(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(most / 2, most + 1)));
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps a connection from being opened is told to those who wait, and tried again.")]
    private async Task<RespConnection?> TryOpenAsync(int failures)
    {
        try
        {
            return await OpenAnyAsync();
        }
        catch (Exception e)
        {
            if (_stopping.IsCancellationRequested) return null;
            var failure = e as RedisException ?? Away(RespConnection.Reason(e), e);
            TaskCompletionSource<RespConnection> waiting;
            lock (_gate)
            {
                // Said once for each outage, and not at the first try: whoever starts hears of that one by an exception.
                if (failures == 1) _log.CannotConnect(Endpoint, RespConnection.Reason(failure.InnerException ?? failure));
                _failure = failure;
                (waiting, _opening) = (_opening, NewOpening());
            }
            waiting.TrySetException(failure);
            // Perhaps nobody waits.
            _ = waiting.Task.Exception;
            return null;
        }
    }

    private async Task<RespConnection> OpenAnyAsync()
    {
        RedisException? failure = null;
        foreach (var address in _addresses)
        {
            try
            {
                var (connection, isResp3) = await RespDialer.OpenAsync(address, _url, _client.Tracks, _client.Push, _time, _stopping.Token);
                if (_addresses.Count > 1 && !await IsPrimaryAsync(connection))
                {
                    await connection.DisposeAsync();
                    failure = new RedisException("READONLY None of the servers in the URL is a primary.", Applied.No) { IsAnswer = true };
                    continue;
                }
                (Endpoint, IsResp3) = (address, isResp3);
                return connection;
            }
            catch (RedisException e)
            {
                failure ??= e;
            }
        }
        throw failure!;
    }

    private async Task<bool> IsPrimaryAsync(RespConnection connection)
    {
        var role = await connection.SendAsync(RespCommand.Of("ROLE"), _stopping.Token);
        // A server that hides its role is taken as it is; it says READONLY if it must.
        return role.IsError || role.Items is [var name, ..] && name.Bytes.Span.SequenceEqual("master"u8);
    }

    private void Publish(RespConnection connection)
    {
        TaskCompletionSource<RespConnection> waiting;
        lock (_gate)
        {
            (_connection, _failure) = (connection, null);
            waiting = _opening;
        }
        _log.Connected(Endpoint, IsResp3 ? 3 : 2);
        waiting.TrySetResult(connection);
        _client.TellReconnected();
    }

    private void Forget()
    {
        lock (_gate) (_connection, _opening) = (null, NewOpening());
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _time, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }

    private static TaskCompletionSource<RespConnection> NewOpening() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
