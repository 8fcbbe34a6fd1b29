using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>How a request asks for a connection of its own, if it does.</summary>
internal enum TunnelKind
{
    None,

    /// <summary>A WebSocket as the upgrade of an HTTP/1.1 connection.</summary>
    Upgrade,

    /// <summary>A WebSocket as extended CONNECT of HTTP/2.</summary>
    Connect,
}

/// <summary>The client's request as the next node gets it.</summary>
internal sealed class NodeRequest : HttpRequestMessage
{
    private NodeRequest(NodeLink link) => Link = link;

    public NodeLink Link { get; }

    public ForwardedBody? Body => Content as ForwardedBody;

    public TunnelKind Tunnel { get; private init; }

    /// <summary>Whether its head was written for a connection. If it was not, no node has seen it.</summary>
    public bool IsBegun { get; set; }

    public static NodeRequest From(HttpContext context, NodeLink link, int hops, long view)
    {
        var request = context.Request;
        var tunnel = TunnelOf(context);
        var arrival = context.Features.Get<Arrival>() ?? new Arrival(context);
        var message = new NodeRequest(link)
        {
            Tunnel = tunnel,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Method = tunnel == TunnelKind.None ? HttpMethod.Parse(request.Method) : HttpMethod.Connect,
        };
        if (tunnel != TunnelKind.None) message.Headers.Protocol = "websocket";
        else if (request.ContentLength is not null || context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false }) message.Content = new ForwardedBody(request);

        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        message.RequestUri = link.Uri(PathOf(target));
        message.CopyHeaders(request);
        arrival.AddTo(message);
        if (!target.StartsWith('/')) message.Headers.TryAddWithoutValidation(HopHeaders.Target, target);
        var line = new HopLine(hops, view, tunnel == TunnelKind.Upgrade, arrival.Client, arrival.Scheme, arrival.Host);
        message.Headers.TryAddWithoutValidation(HopHeaders.Hop, line.ToString());
        return message;
    }

    public void Add(string name, StringValues values)
    {
        if (values.Count == 1)
        {
            AddOne(name, values[0]);
            return;
        }
        foreach (var value in values) AddOne(name, value);
    }

    private void CopyHeaders(HttpRequest request)
    {
        var named = HopHeaders.Named(request.Headers.Connection);
        foreach (var (name, values) in request.Headers)
        {
            // The host travels in the hop's line, the length with the body, and what a proxy in front added as it arrived.
            if (HopHeaders.IsHopByHop(name) || Arrival.Keeps(name) || named?.Contains(name) == true) continue;
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) continue;
            if (name[0] == ':') continue;
            Add(name, values);
        }
        if (request.Headers.TE.ToString().Contains("trailers", StringComparison.OrdinalIgnoreCase)) Headers.TryAddWithoutValidation("TE", "trailers");
        // Then the body waits until the owner asks for it, and only then is the client told to send it.
        if (Content is not null && request.Headers.Expect.ToString().Equals("100-continue", StringComparison.OrdinalIgnoreCase)) Headers.ExpectContinue = true;
    }

    private void AddOne(string name, string? value)
    {
        if (Headers.TryAddWithoutValidation(name, value)) return;
        // A header about a body, on a request that has none, still needs one to stand on.
        Content ??= new ByteArrayContent([]);
        Content.Headers.TryAddWithoutValidation(name, value);
    }

    private static TunnelKind TunnelOf(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" }) return TunnelKind.Connect;
        return context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && HttpMethods.IsGet(context.Request.Method)
            && context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase) ? TunnelKind.Upgrade : TunnelKind.None;
    }

    /// <summary>Path and query of a request target in any of its forms.</summary>
    private static string PathOf(string target)
    {
        if (target.StartsWith('/')) return target;
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0) return "/";
        path += authority + 3;
        return target[path] == '/' ? target[path..] : "/" + target[path..];
    }
}
