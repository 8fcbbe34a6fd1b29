using Microsoft.AspNetCore.Http;

namespace Stateside.AspNetCore.Http;

/// <summary>Whether a browser says that another site is behind a request.</summary>
internal static class CrossSite
{
    /// <summary>
    /// <c>Sec-Fetch-Site</c> says it plainly. Browsers leave it out over plain HTTP; there <c>Origin</c>, which every browser sends with
    /// a request that is no GET, is compared with the host. What sends neither is no browser, and carries no visitor's cookie by itself.
    /// </summary>
    public static bool IsSaidBy(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site) return site == "cross-site";
        if (request.Headers.Origin is not { Count: > 0 } origin) return false;
        return !Uri.TryCreate(origin, UriKind.Absolute, out var from) || !string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}
