using System.Security.Cryptography;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Experiments;

/// <summary>The <c>Idempotency-Key</c> of a step.</summary>
internal static class Keys
{
    private static readonly string[] s_names = ["Idempotency-Key", "X-Idempotency-Key"];

    /// <summary>The header's name, or null where the step has none.</summary>
    public static string? Name(Step step) =>
        step.Headers.Where(h => s_names.Contains(h.Key, StringComparer.OrdinalIgnoreCase)).Select(h => h.Key).FirstOrDefault();

    /// <summary>Another key, so that it is another request; null where the step has none.</summary>
    public static SendChange? Another(Step step) =>
        Name(step) is { } name ? new SendChange { HeadersSet = new Dictionary<string, string?> { [name] = RandomNumberGenerator.GetHexString(32, lowercase: true) } } : null;
}
