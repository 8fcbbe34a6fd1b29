namespace Stateside.CrashHost;

/// <summary>Sends the first half of a reply's content and then nothing more: the client that has got it kills the process.</summary>
internal static class HalfReply
{
    public static Task InvokeAsync(HttpContext context, RequestDelegate next, CrashPlan plan)
    {
        if (!context.Request.Path.StartsWithSegments("/host") && plan.Take(CrashPoint.HalfReply))
            context.Response.Body = new Half(context.Response.Body);
        return next(context);
    }

    private sealed class Half(Stream whole) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await whole.WriteAsync(buffer[..(buffer.Length / 2)], cancellationToken);
            await whole.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() { }
        public override Task FlushAsync(CancellationToken cancellationToken) => whole.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
