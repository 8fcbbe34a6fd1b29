using Microsoft.AspNetCore.Http;
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
            if (problem.HttpContext.RequestServices.GetService<RunScope>() is not { IsEntered: true } scope) return;
            var status = problem.ProblemDetails.Status ?? problem.HttpContext.Response.StatusCode;
            problem.ProblemDetails.Extensions.TryAdd("applied", status < 500 && scope.HasChanges ? "yes" : "no");
        };
    }
}
