using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Stateside.AspNetCore.Carriers;
using Stateside.AspNetCore.Diagnostics;
using Stateside.AspNetCore.Endpoints;
using Stateside.AspNetCore.Idempotency;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// The data path of a request (ARCHITECTURE.md): 1 which states does the endpoint take; 2 the router, where a node owns
/// them; 3 load, 5 places and 6 commit in the engine's <see cref="TurnRunner"/>, with 4, the run of the endpoint, in
/// <see cref="HttpTurn"/>. Then, and only then, the response leaves.
/// </summary>
internal sealed class StatesideMiddleware(RequestDelegate next, EndpointPlans plans, StatesideRuntimeHolder holder, OwnerRouting routing, ILogger<StatesideMiddleware> log)
{
    /// <summary>What ASP.NET Core's authorization leaves behind, so that a replay is known to have been authorized.</summary>
    private const string AuthorizationMark = "__AuthorizationMiddlewareWithEndpointInvoked";

    public Task InvokeAsync(HttpContext context)
    {
        var endpoint = context.GetEndpoint();
        return endpoint is not null && plans.Of(endpoint) is { } plan ? RunAsync(context, plan) : next(context);
    }

    private async Task RunAsync(HttpContext context, EndpointPlan plan)
    {
        try
        {
            CheckOrder(context, plan);
            var runtime = holder.Runtime;
            await using var turn = new HttpTurn(context, plan, runtime, next);
            var isRouted = runtime.Cluster is { } cluster && (plan.IsOnNode || cluster.IsGateway);
            var outcome = isRouted ? await routing.RunAsync(context, turn, runtime) : await runtime.RunAsync(turn);
            if (outcome is { } done) await SendAsync(context, turn, done);
            if (turn.Stream is { } stream && outcome is not null) await stream.RunAsync(context, log, plan.Route);
        }
        catch (StatesideException e) when (!context.Response.HasStarted)
        {
            if (e.Kind.Status < 500 || e.Kind == Errors.OverloadedKind) log.Refused(e.Code, context.Request.Method, plan.Route, e.Applied);
            else log.Failed(e.Code, context.Request.Method, plan.Route, e.Applied, e.InnerException);
            if (e.Leaving.Count > 0) new ClientCarrier(context, holder.Runtime.Model).Write(e.Leaving);
            await Problems.WriteAsync(context, e);
        }
        catch (OperationCanceledException e) when (e is ClientGoneException || context.RequestAborted.IsCancellationRequested)
        {
            log.ClientGone(context.Request.Method, plan.Route);
        }
    }

    private static async Task SendAsync(HttpContext context, HttpTurn turn, TurnOutcome outcome)
    {
        if (outcome.Replay is { } receipt)
        {
            turn.WriteCarried(outcome.Again ?? [], null);
            await ReplayAsync(context, receipt);
        }
        else if (outcome.Run is null)
        {
            turn.WriteCarried([], outcome.BegunSession);
            await Problems.WriteAsync(context, Errors.SessionRequired());
        }
        else if (turn.Response is { } response)
        {
            await response.SendAsync(context, () => turn.WriteCarried(outcome.Run.Leaving, outcome.BegunSession));
        }
    }

    /// <summary>Answers from the receipt: status, content and the headers that belong to them; never a cookie.</summary>
    private static async Task ReplayAsync(HttpContext context, ReceiptRow receipt)
    {
        var response = context.Response;
        var (status, content) = ReceiptBody.Read(receipt.Body, response.Headers);
        if (status == ReceiptBody.NotKept) throw Errors.ResponseNotKept();
        response.StatusCode = status;
        response.Headers["Idempotent-Replayed"] = "true";
        if (!content.IsEmpty)
        {
            response.ContentLength = content.Length;
            await response.BodyWriter.WriteAsync(content, context.RequestAborted);
        }
    }

    /// <summary>A replay must not skip who the caller is and what the caller may do.</summary>
    private static void CheckOrder(HttpContext context, EndpointPlan plan)
    {
        if (plan.RequiresAuthorization && !context.Items.ContainsKey(AuthorizationMark))
            throw new InvalidOperationException("SS2011 app.UseStateside() stands before app.UseAuthorization(), so a replay would skip authorization. Call it after (docs/errors/SS2011.md).");
        if (plan.NeedsUser && context.Features.Get<IAuthenticationFeature>() is null)
            throw new InvalidOperationException("SS2011 app.UseStateside() stands before app.UseAuthentication(), so no user is known. Call it after (docs/errors/SS2011.md).");
    }
}
