using Microsoft.AspNetCore.Http;

namespace Stateside.AspNetCore.Idempotency;

/// <summary>Which requests have receipts, and which responses are kept in them (docs/idempotency.md).</summary>
internal static class ReceiptPolicy
{
    /// <summary>The methods that repeat themselves safely need no receipt; on them the header is ignored.</summary>
    public static bool IsHonoured(string method) => HttpMethods.IsPost(method) || HttpMethods.IsPatch(method);

    /// <summary>The methods that ask for nothing to be done (RFC 9110, section 9.2.1).</summary>
    public static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method);

    /// <summary>
    /// Whether the response of a turn that changed nothing is kept. A success and an answer that the handler decided are. What
    /// says "not like this" (400, 413, 415), "not you" (401, 403) or "not now" (408, 425, 429, 5xx) is not, so that the
    /// client may correct itself and come again with the same key.
    /// </summary>
    public static bool IsKept(int status) => status is >= 200 and < 500 and not (400 or 401 or 403 or 408 or 413 or 415 or 425 or 429);
}
