using System.Buffers;
using System.IO.Pipelines;

namespace Stateside.AspNetCore.Http;

/// <summary>The content of a response that is held back: a pooled buffer that is a pipe and a stream, with a limit.</summary>
internal sealed class ResponseBuffer(BufferedResponse response, int limit) : PipeWriter, IDisposable
{
    private const int FirstSize = 4096;
    private const int MostAskedPerByte = 3;
    private byte[] _buffer = [];
    private int _length;

    /// <summary>Set when the handler wrote more than fits, so that the run fails even if it swallowed the exception.</summary>
    public StatesideException? Refusal { get; private set; }

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public override bool CanGetUnflushedBytes => true;

    /// <summary>Always 0: writers that flush when much is pending have no reason to.</summary>
    public override long UnflushedBytes => 0;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _buffer.Length - _length);
        _length += bytes;
        if (_length > limit) ThrowTooLarge();
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_length);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limit - _length) ThrowTooLarge();
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Starts the response, as the first flush does on a server: middleware asks whether it has started before it adds a page of its own.</summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        return response.HasStarted ? new(default(FlushResult)) : StartAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        Append(source.Span);
        return FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() { }

    public override void Complete(Exception? exception = null) { }

    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = ([], 0);
    }

    private async ValueTask<FlushResult> StartAsync(CancellationToken cancellationToken)
    {
        await response.StartAsync(cancellationToken);
        return default;
    }

    private void Reserve(int more)
    {
        if (_buffer.Length - _length >= more) return;
        // A JSON writer asks for three bytes for each character it has, and then uses one: only what is written counts against the limit.
        if (more > (long)(limit - _length) * MostAskedPerByte + FirstSize) ThrowTooLarge();
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(FirstSize, Math.Max(_buffer.Length * 2L, (long)_length + more))));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void ThrowTooLarge()
    {
        throw Refusal = Errors.ResponseTooLarge(limit);
    }
}
