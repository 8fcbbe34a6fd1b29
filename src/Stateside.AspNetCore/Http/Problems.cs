using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Stateside.AspNetCore.Http;

/// <summary>Writes refusals as problem details (RFC 9457), each with <c>code</c> and a top-level <c>applied</c>.</summary>
internal static class Problems
{
    public static async Task WriteAsync(HttpContext context, StatesideException e)
    {
        var response = context.Response;
        response.StatusCode = e.Kind.Status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        response.Headers.Remove("ETag");
        if (e.RetryAfter is { } after)
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var body = Body(e);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }

    private static ReadOnlyMemory<byte> Body(StatesideException e)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", e.Kind.Type);
            json.WriteString("title", e.Kind.Title);
            json.WriteNumber("status", e.Kind.Status);
            json.WriteString("detail", e.Detail);
            json.WriteString("code", e.Code);
            json.WriteString("applied", e.Applied switch { Stores.Applied.No => "no", Stores.Applied.Yes => "yes", _ => "unknown" });
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }
}
