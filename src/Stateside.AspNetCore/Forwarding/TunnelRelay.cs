using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>A WebSocket between a client and the owner, byte for byte: its frames, and so its close, are theirs.</summary>
internal static class TunnelRelay
{
    /// <summary>How long the owner may still speak after the client has ended its side in order.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs the tunnel to its end.</summary>
    /// <returns>False if the owner did not accept: its response is an ordinary one.</returns>
    public static async Task<bool> TryRunAsync(HttpContext context, TunnelKind kind, HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        var isAccepted = kind == TunnelKind.Connect ? response.IsSuccessStatusCode : response.Headers.NonValidated.Contains(HopHeaders.Upgraded);
        if (!isAccepted) return false;
        ResponseRelay.CopyHeaders(response, context.Response.Headers);
        context.Response.Headers.Remove(HopHeaders.Upgraded);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        using var node = await response.Content.ReadAsStreamAsync(cancellationToken);
        var client = await AcceptAsync(context, kind, response.StatusCode);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var up = PumpAsync(client, node, end.Token);
        var down = PumpAsync(node, client, end.Token);
        if (await Task.WhenAny(up, down) == up && up.IsCompletedSuccessfully) await WaitAsync(down, time, cancellationToken);
        var isCut = down.IsFaulted;
        await end.CancelAsync();
        // Without this the other node would go on waiting for the client.
        if (!down.IsCompletedSuccessfully) response.Dispose();
        await IgnoreAsync(up);
        await IgnoreAsync(down);
        if (isCut) context.Abort();
        return true;
    }

    private static async Task<Stream> AcceptAsync(HttpContext context, TunnelKind kind, HttpStatusCode status)
    {
        if (kind == TunnelKind.Connect)
        {
            context.Response.StatusCode = (int)status;
            return await context.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
        }
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.Connection = "Upgrade";
        return await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }

    private static async Task PumpAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        while (await from.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            await to.FlushAsync(cancellationToken);
        }
    }

    private static async Task WaitAsync(Task down, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await down.WaitAsync(Grace, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or IOException or HttpRequestException or OperationCanceledException)
        {
            // Then it ends now.
        }
    }

    private static async Task IgnoreAsync(Task pump)
    {
        try
        {
            await pump;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One end is gone; the other learns of it by the end of its stream.
        }
    }
}
