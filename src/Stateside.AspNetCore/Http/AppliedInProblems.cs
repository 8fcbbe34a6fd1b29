using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Binding;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// Adds <c>applied</c> to the problem details that ASP.NET Core and the handlers write in a turn, so that every refusal says it.
/// A failure (5xx) discards what the run changed; any other answer commits it, and if that commit fails this answer never leaves.
/// </summary>
internal sealed class AppliedInProblems : IPostConfigureOptions<ProblemDetailsOptions>
{
    public void PostConfigure(string? name, ProblemDetailsOptions options)
    {
        var own = options.CustomizeProblemDetails;
        options.CustomizeProblemDetails = problem =>
        {
            own?.Invoke(problem);
            var status = problem.ProblemDetails.Status ?? problem.HttpContext.Response.StatusCode;
            if (problem.HttpContext.RequestServices.GetService<RunScope>() is { IsEntered: true } scope)
                problem.ProblemDetails.Extensions.TryAdd("applied", status < 500 && scope.HasChanges ? "yes" : "no");
            else if (IsRefusedByRouting(problem.HttpContext, status))
                problem.ProblemDetails.Extensions.TryAdd("applied", "no");
        };
    }

    /// <summary>A method or a media type that no endpoint takes: routing answers by an endpoint of its own, which has no route.</summary>
    private static bool IsRefusedByRouting(HttpContext context, int status) =>
        status is StatusCodes.Status405MethodNotAllowed or StatusCodes.Status415UnsupportedMediaType && context.GetEndpoint() is { } and not RouteEndpoint;
}
