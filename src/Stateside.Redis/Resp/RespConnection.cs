using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using Stateside.Stores;

namespace Stateside.Redis.Resp;

/// <summary>
/// One connection that many callers share: commands are written one behind another without waiting for answers, and answers
/// come in the same order. Whoever finds it idle sends at once; under load what has gathered meanwhile goes out in one piece.
/// </summary>
internal sealed class RespConnection : IThreadPoolWorkItem, IAsyncDisposable
{
    /// <summary>Most commands without an answer; what comes on top is refused.</summary>
    public const int MaxOutstanding = 16 * 1024;

    /// <summary>Most bytes that wait to be sent; a single command may be larger.</summary>
    public const int MaxUnsentBytes = 64 * 1024 * 1024;

    private const int BufferBytes = 64 * 1024;

    /// <summary>A buffer that one large command has made larger is not kept.</summary>
    private const int MaxKeptBytes = 1024 * 1024;

    /// <summary>How long nothing happens before it is asked whether anybody is still there.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(15);

    private readonly Stream _stream;
    private readonly PipeReader _input;
    private readonly RespReader _replies = new(new RespLimits());
    private readonly Action<RespValue> _pushed;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly ITimer _watch;
    private readonly TaskCompletionSource<Exception> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Lock _gate = new();
    private readonly Queue<Pending> _outstanding = new();
    private ArrayBufferWriter<byte> _gathering = new(BufferBytes);
    private ArrayBufferWriter<byte> _sending = new(BufferBytes);
    private long _written;
    private long _handedOver;
    private long _lastUse;
    private bool _isFlushing;
    private Exception? _failure;

    /// <param name="stream">The connected stream; disposed with this.</param>
    /// <param name="timeout">Longest time to wait for an answer: after that the connection is given up, since the other side may be gone without a word.</param>
    /// <param name="pushed">Gets what the server sends unasked. Called on the reading thread: it returns at once and throws nothing.</param>
    /// <param name="time">The clock.</param>
    public RespConnection(Stream stream, TimeSpan timeout, Action<RespValue> pushed, TimeProvider time)
    {
        (_stream, _timeout, _pushed, _time) = (stream, timeout, pushed, time);
        _input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: BufferBytes, minimumReadSize: 4096, leaveOpen: true));
        _lastUse = time.GetTimestamp();
        var period = TimeSpan.FromMilliseconds(Math.Clamp(timeout.TotalMilliseconds / 4, 10, 1000));
        _watch = time.CreateTimer(static me => ((RespConnection)me!).Watch(), this, period, period);
        _ = ReadAsync();
    }

    /// <summary>Ends, with its cause, when the connection is lost or disposed.</summary>
    public Task<Exception> Closed => _closed.Task;

    /// <summary>Whether commands can be sent.</summary>
    public bool IsOpen => Volatile.Read(ref _failure) is null;

    /// <summary>Sends one command. A caller that is cancelled no longer waits; the command is not taken back.</summary>
    /// <exception cref="RedisException">The answer did not come. An error that the server answered is a value, not an exception.</exception>
    public ValueTask<RespValue> SendAsync(RespCommand command, CancellationToken cancellationToken)
    {
        return EnqueueAsync(new Pending(1), new ReadOnlySpan<RespCommand>(in command), cancellationToken);
    }

    /// <summary>Sends several commands with nobody's between them; the answer's items are theirs.</summary>
    /// <exception cref="RedisException">The answers did not come.</exception>
    public ValueTask<RespValue> SendAsync(ReadOnlySpan<RespCommand> commands, CancellationToken cancellationToken)
    {
        return EnqueueAsync(new Pending(commands.Length), commands, cancellationToken);
    }

    /// <summary>Gives the connection up.</summary>
    public void Close(Exception cause) => Fail(cause);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Fail(new ObjectDisposedException(nameof(RespConnection)));
        await _watch.DisposeAsync();
    }

    /// <summary>Sends what has gathered: on a thread of the pool, by which time others have added theirs.</summary>
    void IThreadPoolWorkItem.Execute() => _ = FlushAsync(once: false);

    private ValueTask<RespValue> EnqueueAsync(Pending pending, ReadOnlySpan<RespCommand> commands, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isFirst, isFlusher;
        lock (_gate)
        {
            if (_failure is { } failure) throw Lost(failure, Applied.No);
            if (_outstanding.Count >= MaxOutstanding || _gathering.WrittenCount >= MaxUnsentBytes)
                throw new RedisException("Too many commands wait for Redis to answer. It is overloaded, or too slow for this load.", Applied.No);
            isFirst = _outstanding.Count == 0;
            isFlusher = !_isFlushing;
            _isFlushing = true;
            (pending.Offset, pending.SentAt) = (_written, _lastUse = _time.GetTimestamp());
            var before = _gathering.WrittenCount;
            foreach (ref readonly var command in commands) command.WriteTo(_gathering);
            _written += _gathering.WrittenCount - before;
            if (cancellationToken.CanBeCanceled) pending.EndWith(cancellationToken);
            _outstanding.Enqueue(pending);
        }
        if (isFlusher && isFirst) _ = FlushAsync(once: true);
        else if (isFlusher) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return new(pending.Task);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the writing ends the connection, and every caller hears of it.")]
    private async Task FlushAsync(bool once)
    {
        try
        {
            while (true)
            {
                ArrayBufferWriter<byte> sending;
                lock (_gate)
                {
                    if (_gathering.WrittenCount == 0 || _failure is not null)
                    {
                        _isFlushing = false;
                        return;
                    }
                    (_gathering, _sending) = (_sending, _gathering);
                    sending = _sending;
                    _handedOver = _written;
                }
                await _stream.WriteAsync(sending.WrittenMemory);
                if (sending.Capacity <= MaxKeptBytes) sending.ResetWrittenCount();
                else
                    lock (_gate) _sending = new ArrayBufferWriter<byte>(BufferBytes);
                if (!once) continue;
                // A caller sends its own command; those of others that have come meanwhile are for the pool.
                lock (_gate)
                {
                    _isFlushing = _gathering.WrittenCount > 0;
                    if (!_isFlushing) return;
                }
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the reading ends the connection, and every caller hears of it.")]
    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var buffer = read.Buffer;
                while (_replies.TryRead(ref buffer, out var reply)) Deliver(reply);
                if (read.IsCompleted) throw new EndOfStreamException("the server closed it");
                _input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
        await _input.CompleteAsync();
    }

    private void Deliver(RespValue reply)
    {
        if (reply.Kind == RespKind.Push)
        {
            _pushed(reply);
            return;
        }
        Pending pending;
        lock (_gate)
        {
            if (!_outstanding.TryPeek(out pending!)) throw new RespProtocolException("An answer that nobody asked for.");
            if (!pending.Take(reply)) return;
            _outstanding.Dequeue();
        }
        pending.Complete();
    }

    private void Watch()
    {
        bool isOverdue, isIdle;
        lock (_gate)
        {
            isOverdue = _outstanding.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.SentAt) > _timeout;
            isIdle = _outstanding.Count == 0 && _time.GetElapsedTime(_lastUse) > s_idle;
        }
        if (isOverdue) Fail(new TimeoutException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no answer for {_timeout.TotalSeconds:0.##} s")));
        else if (isIdle) _ = PingAsync();
    }

    private async Task PingAsync()
    {
        try
        {
            await SendAsync(RespCommand.Of("PING"), default);
        }
        catch (RedisException)
        {
            // Whoever waits for Closed hears of it.
        }
    }

    private void Fail(Exception cause)
    {
        Pending[] lost;
        long handedOver;
        lock (_gate)
        {
            if (_failure is not null) return;
            Volatile.Write(ref _failure, cause);
            handedOver = _handedOver;
            lost = [.. _outstanding];
            _outstanding.Clear();
        }
        _watch.Dispose();
        _stream.Dispose();
        foreach (var pending in lost) pending.Fail(Lost(cause, pending.Offset < handedOver ? Applied.Unknown : Applied.No));
        _closed.TrySetResult(cause);
    }

    private static RedisException Lost(Exception cause, Applied applied) => new($"The connection to Redis was lost ({Reason(cause)}). It is opened again by itself.", applied, cause);

    /// <summary>What ended a connection, in a few words and without anything that was sent over it.</summary>
    public static string Reason(Exception cause) => cause switch
    {
        SocketException e => e.SocketErrorCode.ToString(),
        IOException { InnerException: SocketException e } => e.SocketErrorCode.ToString(),
        RespProtocolException or TimeoutException or EndOfStreamException => cause.Message,
        ObjectDisposedException => "it was closed",
        _ => cause.GetType().Name,
    };

    /// <summary>A caller that waits, for one answer or for several.</summary>
    private sealed class Pending(int answers) : TaskCompletionSource<RespValue>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        private readonly RespValue[]? _many = answers == 1 ? null : new RespValue[answers];
        private RespValue _one;
        private int _filled;
        private CancellationTokenRegistration _cancellation;

        /// <summary>Where its bytes begin among all that were ever written.</summary>
        public long Offset { get; set; }

        public long SentAt { get; set; }

        /// <summary>Keeps an answer; true if it was the last.</summary>
        public bool Take(RespValue answer)
        {
            if (_many is null)
            {
                _one = answer;
                return true;
            }
            _many[_filled++] = answer;
            return _filled == _many.Length;
        }

        /// <summary>
        /// A caller that is cancelled no longer waits; the answer, when it comes, is dropped. The same object both waits and is
        /// cancelled, because a second task for the waiting alone was a part of each read that could be measured. Called before
        /// the answer can come.
        /// </summary>
        public void EndWith(CancellationToken cancellationToken)
        {
            _cancellation = cancellationToken.UnsafeRegister(static (me, token) => ((Pending)me!).TrySetCanceled(token), this);
        }

        public void Complete()
        {
            TrySetResult(_many is null ? _one : RespValue.Of(RespKind.Array, _many));
            _cancellation.Unregister();
        }

        public void Fail(Exception e)
        {
            TrySetException(e);
            // Whoever was cancelled does not look any more.
            _ = Task.Exception;
            _cancellation.Unregister();
        }
    }
}
