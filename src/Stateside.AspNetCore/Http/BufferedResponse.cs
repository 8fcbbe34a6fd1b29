using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// The response of one run, held back until the commit: its own status, headers, callbacks and content, on top of what
/// stood in the real response before the turn. Nothing of a run that is discarded leaves.
/// </summary>
internal sealed class BufferedResponse
    : IHttpResponseFeature, IHttpResponseBodyFeature, IHttpUpgradeFeature, IHttpExtendedConnectFeature, IHttpWebSocketFeature, IDisposable
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> ValueCharacters = SearchValues.Create(['\t', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)]);

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
        (_content, _statusCode, _reasonPhrase) = (new ResponseBuffer(this, limit), before.StatusCode, before.ReasonPhrase);
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

    /// <summary>Whether the request asks for another protocol; asking for it is refused, and not hidden, so that the reason is told.</summary>
    public bool IsUpgradableRequest { get; init; }

    /// <summary>The server's own, for what the request asks.</summary>
    public IHttpExtendedConnectFeature? Connect { private get; init; }

    /// <summary>That of the middleware for WebSockets, for what the request asks.</summary>
    public IHttpWebSocketFeature? WebSocket { private get; init; }

    bool IHttpExtendedConnectFeature.IsExtendedConnect => Connect?.IsExtendedConnect ?? false;

    string? IHttpExtendedConnectFeature.Protocol => Connect?.Protocol;

    bool IHttpWebSocketFeature.IsWebSocketRequest => WebSocket?.IsWebSocketRequest ?? false;

    public Stream Stream => _stream ??= _content.AsStream(leaveOpen: true);

    public PipeWriter Writer => _content;

    public void OnStarting(Func<object, Task> callback, object state)
    {
        if (HasStarted) throw AlreadyStarted();
        (_onStarting ??= []).Add((callback, state));
    }

    public void OnCompleted(Func<object, Task> callback, object state) => (_onCompleted ??= []).Add((callback, state));

    public void DisableBuffering() => throw RefuseStreaming();

    public Task<Stream> UpgradeAsync() => throw RefuseStreaming();

    public ValueTask<Stream> AcceptAsync() => throw RefuseStreaming();

    public Task<WebSocket> AcceptAsync(WebSocketAcceptContext context) => throw RefuseStreaming();

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
        (HasStarted, _headers.IsReadOnly) = (true, true);
    }

    /// <summary>Adds a header that the turn knows, after the handler's own have been closed.</summary>
    public void AddHeader(string name, string value)
    {
        _headers.IsReadOnly = false;
        _headers[name] = value;
    }

    /// <summary>Refuses what a server would refuse only when it sends, which here would be after the commit.</summary>
    /// <exception cref="InvalidOperationException">A header holds what would break the line, there is content where none may be, or not as much as was announced.</exception>
    public void Check(string method)
    {
        foreach (var (name, values) in _headers)
        {
            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameCharacters)) throw new InvalidOperationException("The name of a response header holds a character that is not allowed.");
            foreach (var value in values)
                if (value.AsSpan().ContainsAnyExcept(ValueCharacters)) throw new InvalidOperationException($"The response header {name} holds a control or non-ASCII character.");
        }
        var length = _content.Written.Length;
        var isBodyless = _statusCode is < 200 or StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified;
        if (length > 0 && isBodyless)
            throw new InvalidOperationException($"A response with status {_statusCode} can have no content.");
        if (!isBodyless && !HttpMethods.IsHead(method) && _headers.ContentLength is { } announced && announced != length)
            throw new InvalidOperationException($"The response announces a Content-Length of {announced}, and has {length} bytes.");
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
        _onCompleted = null;
        if (_content.Written.Length == 0) return;
        response.ContentLength ??= _content.Written.Length;
        await response.BodyWriter.WriteAsync(_content.Written, context.RequestAborted);
    }

    /// <summary>Lets go of what a run that is not sent registered for disposal; its other callbacks never run, because its response never was.</summary>
    public async ValueTask DiscardAsync()
    {
        var registered = _onCompleted ?? [];
        _onCompleted = null;
        foreach (var (_, state) in registered)
        {
            if (state is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else (state as IDisposable)?.Dispose();
        }
        Dispose();
    }

    public void Dispose() => _content.Dispose();

    private StatesideException RefuseStreaming()
    {
        _streamingRefused = true;
        return Errors.StreamingRefused();
    }

    private static InvalidOperationException AlreadyStarted() => new("The response has already started.");
}
