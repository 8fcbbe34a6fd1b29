using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// The response of one run, held back until the commit: its own status, headers, callbacks and content, on top of what
/// stood in the real response before the turn. Nothing of a run that is discarded leaves.
/// </summary>
internal sealed class BufferedResponse : IHttpResponseFeature, IHttpResponseBodyFeature, IDisposable
{
    private readonly ResponseBuffer _content;
    private readonly HeaderDictionary _headers = [];
    private List<(Func<object, Task> Callback, object State)>? _onStarting;
    private List<(Func<object, Task> Callback, object State)>? _onCompleted;
    private Stream? _stream;
    private bool _streamingRefused;
    private int _statusCode;
    private string? _reasonPhrase;

    public BufferedResponse(IHttpResponseFeature before, int limit)
    {
        (_content, _statusCode, _reasonPhrase) = (new ResponseBuffer(limit), before.StatusCode, before.ReasonPhrase);
        foreach (var header in before.Headers) _headers[header.Key] = header.Value;
    }

    /// <summary>What the response may not do, if the handler tried; kept here because a handler may swallow the exception.</summary>
    public StatesideException? Refusal => _streamingRefused ? Errors.StreamingRefused() : _content.Refusal;

    public ReadOnlyMemory<byte> Content => _content.Written;

    public bool HasStarted { get; private set; }

    public int StatusCode
    {
        get => _statusCode;
        set => _statusCode = HasStarted ? throw AlreadyStarted() : value;
    }

    public string? ReasonPhrase
    {
        get => _reasonPhrase;
        set => _reasonPhrase = HasStarted ? throw AlreadyStarted() : value;
    }

    public IHeaderDictionary Headers
    {
        get => _headers;
        set => throw new NotSupportedException("The headers of a response are changed, not replaced.");
    }

    /// <summary>The content as a stream. Setting it is how older middleware wraps a response; the wrapper is used for this run.</summary>
    public Stream Body
    {
        get => Stream;
        set => _stream = value;
    }

    public Stream Stream => _stream ??= _content.AsStream(leaveOpen: true);

    public PipeWriter Writer => _content;

    public void OnStarting(Func<object, Task> callback, object state)
    {
        if (HasStarted) throw AlreadyStarted();
        (_onStarting ??= []).Add((callback, state));
    }

    public void OnCompleted(Func<object, Task> callback, object state) => (_onCompleted ??= []).Add((callback, state));

    public void DisableBuffering()
    {
        _streamingRefused = true;
        throw Errors.StreamingRefused();
    }

    /// <summary>Runs the callbacks that set last headers, latest first, as a server does before the first byte.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (HasStarted) return;
        while (_onStarting is { Count: > 0 } callbacks)
        {
            var (callback, state) = callbacks[^1];
            callbacks.RemoveAt(callbacks.Count - 1);
            await callback(state);
        }
        HasStarted = true;
    }

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        await StartAsync(cancellationToken);
        await SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);
    }

    public Task CompleteAsync() => StartAsync();

    /// <summary>Sends the response. Called once, after the commit.</summary>
    /// <param name="context">The request, with the server's own response in place again.</param>
    /// <param name="addLast">Adds headers that only the commit could decide.</param>
    public async Task SendAsync(HttpContext context, Action addLast)
    {
        var response = context.Response;
        response.StatusCode = _statusCode;
        context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = _reasonPhrase;
        response.Headers.Clear();
        foreach (var header in _headers) response.Headers[header.Key] = header.Value;
        addLast();
        foreach (var (callback, state) in _onCompleted ?? []) response.OnCompleted(callback, state);
        if (_content.Written.Length == 0) return;
        response.ContentLength ??= _content.Written.Length;
        await response.BodyWriter.WriteAsync(_content.Written, context.RequestAborted);
    }

    /// <summary>Lets go of what a discarded run registered for disposal; its other callbacks never run, because its response never was.</summary>
    public async ValueTask DiscardAsync()
    {
        foreach (var (_, state) in _onCompleted ?? [])
        {
            if (state is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else (state as IDisposable)?.Dispose();
        }
        Dispose();
    }

    public void Dispose() => _content.Dispose();

    private static InvalidOperationException AlreadyStarted() => new("The response has already started.");
}
