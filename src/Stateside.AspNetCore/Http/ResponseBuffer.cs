using System.Buffers;
using System.IO.Pipelines;

namespace Stateside.AspNetCore.Http;

/// <summary>The content of a response that is held back: a pooled buffer that is a pipe and a stream, with a limit.</summary>
internal sealed class ResponseBuffer(int limit) : PipeWriter, IDisposable
{
    private const int FirstSize = 4096;
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

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limit - _length) ThrowTooLarge();
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Forgets what was written, so that a response can begin anew.</summary>
    public void Clear() => _length = 0;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<FlushResult>(cancellationToken) : new(default(FlushResult));

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

    private void Reserve(int more)
    {
        if (_buffer.Length - _length >= more) return;
        if (more > limit - _length + FirstSize) ThrowTooLarge();
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, Math.Max(_buffer.Length * 2, _length + more)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void ThrowTooLarge()
    {
        throw Refusal = Errors.ResponseTooLarge(limit);
    }
}
