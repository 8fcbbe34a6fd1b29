using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Carries one HTTP request whole to another node's port and relays the answer. Whom to ask, and when again, others decide.</summary>
internal sealed class HttpForwarder : IAsyncDisposable
{
    /// <summary>HTTP/2's REFUSED_STREAM: the other side promises that it did nothing.</summary>
    private const long RefusedStream = 7;
    private readonly NodeHandshake _handshake;
    private readonly HttpMessageInvoker _invoker;
    private readonly ILogger _log;
    private readonly LogBudget _failures;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<UInt128, NodeLink> _links = new();

    /// <param name="handshake">This node's side of every handshake.</param>
    /// <param name="application">The application's Kestrel options: headers travel in the encodings that it reads and writes them in.</param>
    /// <param name="logs">For failures.</param>
    /// <param name="time">For everything that is bounded here.</param>
    /// <param name="connectWithin">How long a connection may take with its handshake before its requests are called not sent. Default 2 s.</param>
    public HttpForwarder(NodeHandshake handshake, KestrelServerOptions application, ILoggerFactory logs, TimeProvider time, TimeSpan? connectWithin = null)
    {
        (_handshake, _time, _failures) = (handshake, time, new LogBudget(time));
        _log = logs.CreateLogger("Stateside.Forwarder");
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = static async (context, cancellationToken) => await ((NodeRequest)context.InitialRequestMessage).Link.ConnectAsync(cancellationToken),
            ConnectTimeout = connectWithin ?? TimeSpan.FromSeconds(2),
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 128,
            // The client sends its body when the owner asks for it, however late that is; an owner that does not want it answers.
            Expect100ContinueTimeout = Timeout.InfiniteTimeSpan,
            // There is no total time-out, so a stream whose other end is gone without a word must be found out.
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            RequestHeaderEncodingSelector = (name, request) => EncodingOf(name, (NodeRequest)request, application),
            ResponseHeaderEncodingSelector = (name, _) => application.ResponseHeaderEncodingSelector(name),
        }, disposeHandler: true);
    }

    /// <summary>
    /// Sends the request to a node and relays the response. Request and response stream, with each side's back-pressure; the end of either
    /// side ends the other. If what came of a request is <see cref="ForwardResult.NotSent"/>, <see cref="ForwardResult.Misdirected"/> or
    /// <see cref="ForwardResult.Lost"/>, nothing of the response has been touched.
    /// </summary>
    /// <param name="context">The request. Its status and headers are the owner's when this returns "answered".</param>
    /// <param name="to">The node.</param>
    /// <param name="hops">What <see cref="INodeHop.Hops"/> will say there: one more than here, so 1 on the first node.</param>
    /// <param name="view">What <see cref="INodeHop.View"/> will say there.</param>
    /// <param name="isAgain">What <see cref="INodeHop.IsAgain"/> will say there.</param>
    /// <param name="cancellationToken">Ends the exchange, whenever it is cancelled. A client that goes away ends it in any case.</param>
    /// <exception cref="Microsoft.AspNetCore.Http.BadHttpRequestException">The client's body is too large or broken; the server answers that.</exception>
    /// <exception cref="StatesideException">SS4001: this process is at its end and sends nothing any more.</exception>
    public async Task<ForwardOutcome> SendAsync(HttpContext context, NodeAddress to, int hops, long view, bool isAgain, CancellationToken cancellationToken)
    {
        using var exchange = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, cancellationToken);
        using var request = NodeRequest.From(context, LinkTo(to), hops, view, isAgain);
        HttpResponseMessage? response = null;
        var isWhole = false;
        try
        {
            response = await _invoker.SendAsync(request, exchange.Token);
            if (response.StatusCode == HttpStatusCode.MisdirectedRequest && ViewOf(response) is { } newer) return new(ForwardResult.Misdirected, newer, CanRepeat(request));
            if (request.Tunnel == TunnelKind.None || !await TunnelRelay.TryRunAsync(context, request.Tunnel, response, _time, exchange.Token))
            {
                await ResponseRelay.RunAsync(context, response, exchange.Token);
                isWhole = request.Body is null or { IsWhole: true };
            }
            return new(ForwardResult.Answered, 0, false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or SocketException)
        {
            _log.ExchangeBroken(to.Name, e);
            // A cut response must not look like a whole one.
            if (response is not null && (context.Response.HasStarted || request.Tunnel != TunnelKind.None)) return Cut(context);
            if (request.Body?.Refusal is { } refusal) ExceptionDispatchInfo.Throw(refusal);
            return new(IsUnsent(e, request) ? ForwardResult.NotSent : ForwardResult.Lost, 0, CanRepeat(request));
        }
        catch (ObjectDisposedException) when (!request.IsBegun)
        {
            throw Errors.NotOwner();
        }
        finally
        {
            // Whatever goes on yet is to end. After a whole exchange nothing does, and cancelling would cost each request a thread of the pool.
            if (!isWhole) await exchange.CancelAsync();
            response?.Dispose();
            if (request.Body is { } body) await body.CloseAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        return default;
    }

    private static ForwardOutcome Cut(HttpContext context)
    {
        context.Abort();
        return new(ForwardResult.Answered, 0, false);
    }

    private static bool CanRepeat(NodeRequest request) => request.Body is null or { CanRepeat: true };

    private static long? ViewOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues(HopHeaders.View, out var values) && long.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var view) ? view : null;

    /// <summary>Asked for each header of a request when it is written for a connection, and not before.</summary>
    private static Encoding EncodingOf(string name, NodeRequest request, KestrelServerOptions application)
    {
        request.IsBegun = true;
        return application.RequestHeaderEncodingSelector(name) ?? Encoding.UTF8;
    }

    /// <summary>
    /// Whether it is proved that no handler has seen the request, or can yet: its head was never written, or no connection stood for its last
    /// attempt (the handler makes another only after the owner has promised that it did not begin the one before), or the owner refused it
    /// with that promise. Whatever else a broken exchange looks like proves nothing.
    /// </summary>
    private static bool IsUnsent(Exception e, NodeRequest request)
    {
        if (!request.IsBegun) return true;
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is NodeUnreachableException or HttpProtocolException { ErrorCode: RefusedStream }) return true;
        }
        return false;
    }

    private NodeLink LinkTo(NodeAddress to)
    {
        if (_links.TryGetValue(to.Incarnation, out var link) && link.Address == to) return link;
        foreach (var (incarnation, old) in _links)
        {
            // An earlier start of the same node does not come back. Whoever still asks for it makes its link anew.
            if (old.Address.Name == to.Name) _links.TryRemove(incarnation, out _);
        }
        // Requests that come at once may each make one: connections belong to the incarnation, and not to a link.
        return _links[to.Incarnation] = new NodeLink(to, _handshake, _log, _failures);
    }
}
