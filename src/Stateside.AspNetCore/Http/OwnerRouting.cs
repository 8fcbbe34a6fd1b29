using System.Globalization;
using Microsoft.AspNetCore.Http;
using Stateside.AspNetCore.Endpoints;
using Stateside.AspNetCore.Forwarding;
using Stateside.AspNetCore.Idempotency;
using Stateside.Cluster;
using Stateside.Diagnostics;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// Hop 2 over HTTP: sends a request to the node that owns its states, and runs it here if that is this one. What another node has
/// sent here is never sent on: if this node is not the owner after all, it says so (421), with the number of the view that it knows.
/// </summary>
internal sealed class OwnerRouting(HttpForwarder forwarder, Telemetry telemetry)
{
    /// <summary>Most times that a turn which has come too late for its shard is routed again.</summary>
    private const int MostAttempts = 5;

    /// <summary>Runs the turn here, or lets another node answer.</summary>
    /// <returns>The turn's outcome; null if another node has answered, or is to be asked by whoever sent the request here.</returns>
    /// <exception cref="StatesideException">The turn was refused, or no node could be reached.</exception>
    public async ValueTask<TurnOutcome?> RunAsync(HttpContext context, HttpTurn turn, StatesideRuntime runtime)
    {
        var hop = context.Features.Get<INodeHop>();
        var sent = new Sent { MayBeApplied = hop is { IsAgain: true } };
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var home = await turn.FindHomeAsync();
                var isElsewhere = hop is not null ? await IsMisdirectedAsync(context, runtime, home, hop)
                    : !runtime.Router!.IsHere(home) && await TryForwardAsync(context, turn, runtime, home, sent);
                if (isElsewhere) return null;
                try
                {
                    return await runtime.RunAsync(turn);
                }
                catch (StatesideException e) when (IsElsewhere(e) && !context.Response.HasStarted)
                {
                    if (hop is not null)
                    {
                        Misdirect(context, runtime);
                        return null;
                    }
                    if (attempt == MostAttempts) throw;
                    await turn.RestoreAsync();
                }
            }
        }
        catch (StatesideException e) when (sent.MayBeApplied && Router.LeavesOpen(e))
        {
            throw Errors.ForwardLost();
        }
    }

    /// <summary>What is known of a request that is sent to other nodes.</summary>
    private sealed class Sent
    {
        /// <summary>Whether a node that it was sent to has not answered. Where its method is safe there is nothing to apply.</summary>
        public bool MayBeApplied { get; set; }
    }

    private static bool IsElsewhere(StatesideException e) => e.Kind == Errors.ElsewhereKind || e.Kind == Errors.FencedKind || e.Kind == Errors.WatchEndedKind;

    private ValueTask<bool> TryForwardAsync(HttpContext context, HttpTurn turn, StatesideRuntime runtime, Group? home, Sent sent) =>
        runtime.Router!.TryForwardAsync(home, turn.IsRepeatable, 0, (owner, view) => SendAsync(context, turn, runtime.Cluster!, owner, view, sent), context.RequestAborted);

    private async ValueTask<ForwardAttempt> SendAsync(HttpContext context, HttpTurn turn, ClusterAgent cluster, Member owner, long view, Sent sent)
    {
        var life = cluster.LifeOf(owner);
        if (life.IsCancellationRequested) return new ForwardAttempt(Forwarded.NotSent, 0, CanRepeat: true);
        turn.RewindBody();
        var started = telemetry.Start();
        var outcome = await forwarder.SendAsync(context, new NodeAddress(owner.Name, owner.Incarnation, owner.Host, owner.Port), 1, view, sent.MayBeApplied, life);
        sent.MayBeApplied |= outcome.Result == ForwardResult.Lost && !ReceiptPolicy.IsSafe(context.Request.Method);
        telemetry.Forward(outcome.Result.ToString(), started);
        var result = outcome.Result switch
        {
            ForwardResult.Answered => Forwarded.Answered,
            ForwardResult.Misdirected => Forwarded.Misdirected,
            ForwardResult.NotSent => Forwarded.NotSent,
            _ => Forwarded.Lost,
        };
        return new ForwardAttempt(result, outcome.View, outcome.CanRepeat || turn.HasBody);
    }

    private static async ValueTask<bool> IsMisdirectedAsync(HttpContext context, StatesideRuntime runtime, Group? home, INodeHop hop)
    {
        var cluster = runtime.Cluster!;
        try
        {
            var view = await cluster.RefreshAsync(hop.View, context.RequestAborted);
            if (home is null ? view.Has(cluster.Self) : view.Owner(home.Value.Shard) is not { } owner || owner.Is(cluster.Self)) return false;
        }
        catch (StoreException)
        {
            // What this node knows may be old; the turn will find out.
            return false;
        }
        Misdirect(context, runtime);
        return true;
    }

    private static void Misdirect(HttpContext context, StatesideRuntime runtime)
    {
        context.Response.Clear();
        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        context.Response.Headers[HopHeaders.View] = (runtime.Cluster!.View?.Number ?? 0).ToString(CultureInfo.InvariantCulture);
    }
}
