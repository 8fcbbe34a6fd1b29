using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>The body of the client's request on its way to another node: never held, never ahead of what the other node takes.</summary>
internal sealed class ForwardedBody : HttpContent
{
    private const int BufferSize = 32 * 1024;
    private readonly Stream _source;
    private Task _pump = Task.CompletedTask;
    private bool _isConsumed;
    private volatile bool _isClosed;

    public ForwardedBody(HttpRequest request)
    {
        _source = request.Body;
        if (_source.CanSeek) _source.Position = 0;
        Headers.ContentLength = request.ContentLength;
    }

    /// <summary>Whether the body can be sent again from its start.</summary>
    public bool CanRepeat => !_isConsumed || _source.CanSeek;

    /// <summary>Whether the client's body was passed on to its end.</summary>
    public bool IsWhole => _isConsumed && _pump.IsCompletedSuccessfully;

    /// <summary>What the client's side threw: a body too large, or broken framing.</summary>
    public BadHttpRequestException? Refusal { get; private set; }

    /// <summary>Waits until nobody reads the client's body any more; the exchange's token must have been cancelled.</summary>
    public Task CloseAsync()
    {
        _isClosed = true;
        return EndedAsync(_pump);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Headers.ContentLength ?? 0;
        return false;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <summary>Called again by the handler for a request that a closing connection has not begun.</summary>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _pump = PumpAfterAsync(_pump, stream, cancellationToken);

    private async Task PumpAfterAsync(Task previous, Stream target, CancellationToken cancellationToken)
    {
        await EndedAsync(previous);
        // The head has left by now, so that a handler may run on it: what became of this request is not known.
        if (!CanRepeat) throw new IOException("The request's body is spent.");
        if (_isConsumed) _source.Position = 0;
        ObjectDisposedException.ThrowIf(_isClosed, this);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Headers.ContentLength ?? BufferSize, BufferSize));
        try
        {
            await PumpAsync(target, buffer, cancellationToken);
        }
        catch (BadHttpRequestException e)
        {
            Refusal = e;
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task EndedAsync(Task pump)
    {
        try
        {
            await pump;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // Whoever waits for the response has been told.
        }
    }

    private async Task PumpAsync(Stream target, byte[] buffer, CancellationToken cancellationToken)
    {
        var left = Headers.ContentLength ?? long.MaxValue;
        // Also a read that is cancelled leaves the client's body where nobody can begin again.
        _isConsumed = true;
        while (await _source.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            await target.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            // The end of the body flushes by itself: a small body leaves together with its end.
            if ((left -= count) > 0) await target.FlushAsync(cancellationToken);
        }
    }
}
