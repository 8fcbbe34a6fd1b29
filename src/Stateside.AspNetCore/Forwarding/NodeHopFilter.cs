using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Stateside.AspNetCore.Http;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>
/// The very first middleware. It shows the application a request of another node as that node got it, and takes from all other requests
/// what only a node may say.
/// </summary>
internal sealed class NodeHopFilter(ILoggerFactory logs) : IStartupFilter
{
    /// <summary>A request that has left more nodes than this is going in circles.</summary>
    private const int MaxHops = 3;
    private readonly ILogger _log = logs.CreateLogger("Stateside.NodePort");

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(pipeline => context => InvokeAsync(context, pipeline));
        next(app);
    };

    private Task InvokeAsync(HttpContext context, RequestDelegate pipeline)
    {
        // The handshake has put the peer on the connection, where no request can.
        if (context.Features.Get<NodePeer>() is not { } peer)
        {
            HopHeaders.Strip(context.Request.Headers);
        }
        else
        {
            if (!TryRestore(context, peer, out var hops))
            {
                _log.BadHop(peer.Name);
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return Task.CompletedTask;
            }
            if (hops > MaxHops) return Problems.WriteAsync(context, Errors.ForwardLoop());
        }
        context.Features.Set(new Arrival(context));
        return pipeline(context);
    }

    private static bool TryRestore(HttpContext context, NodePeer peer, out int hops)
    {
        hops = 0;
        var request = context.Request;
        if (request.Headers[HopHeaders.Hop] is not [var text])
        {
            context.Features.Set<INodeHop>(new NodeHop(peer.Name, peer.Incarnation, 0, 0, IsAgain: false));
            return true;
        }
        if (text is null || !HopLine.TryParse(text, out var line)) return false;
        (context.Connection.RemoteIpAddress, context.Connection.RemotePort) = (line.Client?.Address, line.Client?.Port ?? 0);
        request.Scheme = line.Scheme;
        request.Host = new HostString(line.Host);
        if (request.Headers[HopHeaders.Target] is [{ } target])
        {
            var feature = context.Features.GetRequiredFeature<IHttpRequestFeature>();
            feature.RawTarget = target;
            if (target == "*") (feature.Path, feature.QueryString) = ("", "");
        }
        if (request.Headers[HopHeaders.Certificate] is [{ } certificate] && !HopCertificate.TryInstall(context, certificate)) return false;
        HopHeaders.Strip(request.Headers);
        if (line.Kind == HopKind.Upgrade) HopUpgrade.Install(context);
        context.Features.Set<INodeHop>(new NodeHop(peer.Name, peer.Incarnation, hops = line.Hops, line.View, line.Kind == HopKind.Again));
        return true;
    }

    /// <summary>
    /// Shows the application the upgrade of an HTTP/1.1 connection that its client asked for, where the nodes between themselves have an
    /// extended CONNECT: its routes for GET match, and it accepts as ever.
    /// </summary>
    private sealed class HopUpgrade(HttpContext context, IHttpExtendedConnectFeature connect) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public static void Install(HttpContext context)
        {
            if (context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true } connect) return;
            context.Features.Set<IHttpExtendedConnectFeature>(null);
            context.Features.Set<IHttpUpgradeFeature>(new HopUpgrade(context, connect));
            context.Request.Method = HttpMethods.Get;
            context.Request.Headers.Connection = "Upgrade";
            context.Request.Headers.Upgrade = connect.Protocol;
        }

        public async Task<Stream> UpgradeAsync()
        {
            var response = context.Response;
            response.StatusCode = (int)HttpStatusCode.OK;
            response.Headers.Remove("Connection");
            response.Headers.Remove("Upgrade");
            response.Headers[HopHeaders.Upgraded] = "1";
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
            return await connect.AcceptAsync();
        }
    }
}
