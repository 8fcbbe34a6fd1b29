using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Stateside.AspNetCore.Endpoints;
using Stateside.AspNetCore.Idempotency;
using Stateside.States;

namespace Stateside.AspNetCore.OpenApi;

/// <summary>Describes the headers and problems of an operation that is a turn. What the application has described itself is left as it is.</summary>
internal sealed class TurnOperation(StateRegistry registry) : IOpenApiOperationTransformer
{
    private const string ProblemSchema = "StatesideProblem";
    private const string ProblemMedia = "application/problem+json";

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (PlanOf(context.Description.ActionDescriptor) is not { } plan) return Task.CompletedTask;
        var honoursKey = plan.Receipt is not null || plan.Writes && ReceiptPolicy.IsHonoured(context.Description.HttpMethod ?? "");
        var tagged = plan.TaggedIndex >= 0 ? plan.Parameters[plan.TaggedIndex] : null;
        var comparesTag = tagged is { Source: not KeySource.New };

        // Minimal APIs describe a route value only if a parameter binds it, and a path with an undescribed value is not valid OpenAPI.
        foreach (var route in plan.Parameters.Where(p => p.Source == KeySource.Route)) Add(operation, RouteValue(route.RouteName));
        if (honoursKey) Add(operation, IdempotencyKey(isRequired: plan.Receipt is not null));
        if (comparesTag && plan.Writes)
            Add(operation, Tag("If-Match", "The request is done only if the state is still at this version, else it is answered 412."));
        if (comparesTag && !plan.Writes)
        {
            Add(operation, Tag("If-None-Match", "A version that the client holds; if the state is still at it, the answer is 304 without content."));
            Responses(operation).TryAdd("304", new OpenApiResponse { Description = "The state is still at the version that the client holds" });
        }
        foreach (var response in Responses(operation).Where(r => r.Key.StartsWith('2')).Select(r => r.Value).OfType<OpenApiResponse>())
        {
            if (tagged is not null) Add(response, "ETag", "The version of the state; send it in If-Match with the next change.");
            if (honoursKey) Add(response, "Idempotent-Replayed", "true, if this is the recorded response of an earlier request with the same Idempotency-Key.");
        }
        foreach (var (status, description) in Problems(plan, honoursKey, comparesTag)) AddProblem(operation, context, status, description);
        return Task.CompletedTask;
    }

    private EndpointPlan? PlanOf(ActionDescriptor action)
    {
        IEnumerable<object> metadata = action.EndpointMetadata;
        // The endpoint of a controller's action carries the action itself, its description does not.
        if (action is ControllerActionDescriptor) metadata = metadata.Append(action);
        return EndpointPlan.Of(new Endpoint(null, new EndpointMetadataCollection(metadata), action.DisplayName), registry);
    }

    private static IEnumerable<(int Status, string Description)> Problems(EndpointPlan plan, bool honoursKey, bool comparesTag)
    {
        if (honoursKey) yield return (400, "The request or its Idempotency-Key is not valid, or a session is required first");
        else if (plan.Parameters.Any(p => p.Source == KeySource.Route)) yield return (400, "The id is not valid");
        if (plan.NeedsUser) yield return (401, "A signed-in user is required");
        if (plan.Parameters.Any(p => p.Source != KeySource.New && p.Definition is { HasEmpty: false })) yield return (404, "There is no such state");
        if (honoursKey) yield return (409, "Other requests were faster, or the first request with this Idempotency-Key has not ended");
        else if (plan.Writes) yield return (409, "Other requests were faster");
        if (comparesTag && plan.Writes) yield return (412, "The state is not at the version that If-Match names");
        if (honoursKey) yield return (422, "The Idempotency-Key was used for another request");
        yield return (503, "The store does not answer, or too many requests are waiting");
    }

    private static OpenApiParameter IdempotencyKey(bool isRequired) => new()
    {
        Name = IdempotencyKeyHeader.Name,
        In = ParameterLocation.Header,
        Required = isRequired,
        Description = "Made up by the client for one operation, for example a UUID, and sent again with every retry of it. The operation is done once, and every retry gets the response of the first.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = IdempotencyKeyHeader.MaxKeyLength },
    };

    private static OpenApiParameter RouteValue(string name) => new()
    {
        Name = name,
        In = ParameterLocation.Path,
        Required = true,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = KeyText.MaxBytes },
    };

    private static OpenApiParameter Tag(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = Text() };

    private static void Add(OpenApiOperation operation, OpenApiParameter parameter)
    {
        operation.Parameters ??= [];
        if (!operation.Parameters.Any(p => p.In == parameter.In && string.Equals(p.Name, parameter.Name, StringComparison.OrdinalIgnoreCase)))
            operation.Parameters.Add(parameter);
    }

    private static void Add(OpenApiResponse response, string header, string description) =>
        (response.Headers ??= new Dictionary<string, IOpenApiHeader>()).TryAdd(header, new OpenApiHeader { Description = description, Schema = Text() });

    private static void AddProblem(OpenApiOperation operation, OpenApiOperationTransformerContext context, int status, string description)
    {
        var responses = Responses(operation);
        var key = status.ToString(CultureInfo.InvariantCulture);
        if (!responses.ContainsKey(key)) responses[key] = new OpenApiResponse { Description = description };
        if (responses[key] is not OpenApiResponse response) return;
        response.Content ??= new Dictionary<string, OpenApiMediaType>();
        if (response.Content.ContainsKey(ProblemMedia)) return;
        context.Document!.AddComponent(ProblemSchema, Problem());
        response.Content[ProblemMedia] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(ProblemSchema, context.Document) };
    }

    private static OpenApiResponses Responses(OpenApiOperation operation) => operation.Responses ??= [];

    private static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "A refusal or failure (RFC 9457).",
        // An application's own problems of the same status have no code.
        Required = new HashSet<string> { "title", "status", "applied" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("urn:stateside:problem: and the name of the problem."),
            ["title"] = Text(null),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
            ["detail"] = Text("What went wrong and what to do."),
            ["code"] = Text("SS and four digits: stable, each with a page of its own. Absent from the problems of the application itself."),
            ["applied"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Enum = ["no", "yes", "unknown"],
                Description = "Whether the request took effect. After no it can be sent again, after unknown only with the same Idempotency-Key.",
            },
        },
    };

    private static OpenApiSchema Text(string? description = null) => new() { Type = JsonSchemaType.String, Description = description };
}
