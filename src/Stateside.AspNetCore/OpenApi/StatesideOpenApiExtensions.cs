using Microsoft.AspNetCore.OpenApi;
using Stateside.AspNetCore.OpenApi;

namespace Stateside;

/// <summary>Adds what Stateside does for an endpoint to its description in OpenAPI.</summary>
public static class StatesideOpenApiExtensions
{
    /// <summary>
    /// Describes the headers <c>Idempotency-Key</c>, <c>If-Match</c>, <c>If-None-Match</c>, <c>ETag</c> and <c>Idempotent-Replayed</c>, and the problems that
    /// a turn may be answered with: <c>services.AddOpenApi(options => options.AddStateside())</c>. States themselves are no inputs and are not described.
    /// </summary>
    public static OpenApiOptions AddStateside(this OpenApiOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.AddOperationTransformer<TurnOperation>();
    }
}
