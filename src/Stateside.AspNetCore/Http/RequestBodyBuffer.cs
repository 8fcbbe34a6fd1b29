using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Stateside.AspNetCore.Http;

/// <summary>The body of a request, read once into memory so that each run of the handler can read it from the start.</summary>
internal sealed class RequestBodyBuffer : IDisposable
{
    private byte[] _bytes = [];
    private int _length;
    private bool _wasRead;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Reads the whole body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="limit">Most bytes.</param>
    /// <exception cref="StatesideException">SS1012: there are more.</exception>
    /// <exception cref="BadHttpRequestException">The server refused the body: broken chunks, its own limit.</exception>
    /// <exception cref="ClientGoneException">The client went away before it had sent all of it.</exception>
    public async ValueTask ReadAsync(HttpRequest request, int limit)
    {
        if (request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return;
        if (request.ContentLength > limit) throw Errors.RequestTooLarge(limit);
        // Somebody before us has buffered the body, and perhaps read it.
        if (request.Body.CanSeek) request.Body.Position = 0;
        var reader = request.Body.CanSeek ? PipeReader.Create(request.Body, new(leaveOpen: true)) : request.BodyReader;
        _wasRead = true;
        while (true)
        {
            var result = await ReadAsync(reader, request);
            var total = _length + result.Buffer.Length;
            if (total > limit)
            {
                reader.AdvanceTo(result.Buffer.End);
                throw Errors.RequestTooLarge(limit);
            }
            Append(result.Buffer, (int)total, request.ContentLength);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return;
        }
    }

    private static async ValueTask<ReadResult> ReadAsync(PipeReader reader, HttpRequest request)
    {
        try
        {
            return await reader.ReadAsync(request.HttpContext.RequestAborted);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            // The server may say this before it cancels the request.
            throw new ClientGoneException(e);
        }
    }

    /// <summary>Whether the body was read by something before, which did not keep it: what is here is not what the client sent.</summary>
    public bool IsGone(HttpRequest request) =>
        request.ContentLength is { } announced && announced != _length
        || _length == 0 && _wasRead && request.HttpContext.Features.Get<IFormFeature>()?.Form is { Count: > 0 };

    /// <summary>Lets the next run read the body from the start.</summary>
    public void Rewind(HttpRequest request)
    {
        if (_length > 0) request.Body = new MemoryStream(_bytes, 0, _length, writable: false);
        else if (_wasRead) request.HttpContext.Features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
    }

    public void Dispose()
    {
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, _length) = ([], 0);
    }

    private void Append(ReadOnlySequence<byte> more, int total, long? announced)
    {
        if (total > _bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(total, Math.Max(_bytes.Length * 2, (int)(announced ?? 0))));
            Bytes.CopyTo(larger);
            if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        more.CopyTo(_bytes.AsSpan(_length));
        _length = total;
    }

    /// <summary>A chunked body that turned out to be empty is no body, so an optional parameter is simply absent.</summary>
    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}

/// <summary>The client reset the request while it was being read: nothing is wrong here, and nobody waits for an answer.</summary>
internal sealed class ClientGoneException(Exception inner) : OperationCanceledException("The client went away while it sent the request.", inner);
