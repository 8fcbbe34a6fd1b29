using System.Text.RegularExpressions;
using Stateside.Check.Conversations;

namespace Stateside.Check.Experiments;

/// <summary>What credentials and cookies look like, by the forms that the common frameworks give them.</summary>
internal static partial class Credentials
{
    private static readonly string[] s_seals = ["Fe26.", "CfDJ8", "eyJ", ".eJ"];

    /// <summary>Whether a value says by itself whose it is or what state it carries (a signed token, a sealed cookie), instead of leading to it (an opaque id).</summary>
    public static bool IsSelfContained(string name, string value)
    {
        const int LongerThanIds = 128;
        value = Uri.UnescapeDataString(value);
        // express-session signs an id; ASP.NET Core's session cookie seals one.
        if (value.StartsWith("s:", StringComparison.Ordinal) || name.Contains(".AspNetCore.Session", StringComparison.Ordinal)) return false;
        return IsSealed(value) || value.Length > LongerThanIds || !IsIdOfSession(value);
    }

    /// <summary>Whether a value, percent-encoded or not, is signed or sealed JSON by the form that the common libraries give it: JWT, iron, itsdangerous, Data Protection.</summary>
    public static bool IsSealed(string value)
    {
        value = Uri.UnescapeDataString(value);
        return IsJwt(value) || s_seals.Any(seal => value.StartsWith(seal, StringComparison.Ordinal));
    }

    /// <summary>Whether a header field of a request carries a credential, by its name: <c>Authorization</c>, <c>X-Api-Key</c>, <c>X-Auth-Token</c>, <c>X-Parse-Session-Token</c>.</summary>
    public static bool IsHeader(string name) => CredentialHeader().IsMatch(name) && !Forgery().IsMatch(name);

    /// <summary>Whether a value is a JSON Web Token (RFC 7519) in its compact form.</summary>
    public static bool IsJwt(string value) => Jwt().IsMatch(value);

    /// <summary>Whether a value is sealed with a key ring of ASP.NET Core Data Protection.</summary>
    public static bool IsDataProtected(string value) => Uri.UnescapeDataString(value).StartsWith("CfDJ8", StringComparison.Ordinal);

    /// <summary>Whether a cookie is one of a session, by its name or by its value.</summary>
    public static bool IsSessionCookie(Cookie cookie) =>
        cookie.Value.Length > 0 && !StickyName().IsMatch(cookie.Name) && !Forgery().IsMatch(cookie.Name) && (SessionName().IsMatch(cookie.Name) || cookie.HttpOnly && cookie.Value.Length >= 16);

    /// <summary>The balancer that set a cookie to keep a client at one server, or null.</summary>
    public static string? Balancer(Cookie cookie) => StickyName().Match(cookie.Name) is { Success: true } name ? name.Value
        : cookie.Name.Equals("JSESSIONID", StringComparison.OrdinalIgnoreCase) && RouteSuffix().IsMatch(cookie.Value) ? "JSESSIONID with a route suffix"
        : null;

    private static bool IsIdOfSession(string value) => value.Length >= 8 && Id().IsMatch(value);

    [GeneratedRegex(@"^eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*$")]
    private static partial Regex Jwt();

    [GeneratedRegex(@"^[\w\-.:+/=~%*]+$")]
    private static partial Regex Id();

    [GeneratedRegex(@"sess|^sid$|\.sid$|_sid$|auth|token|jwt|^JSESSIONID|^PHPSESSID|\.AspNet|identity|remember", RegexOptions.IgnoreCase)]
    private static partial Regex SessionName();

    [GeneratedRegex(@"^(proxy-)?authorization$|(^|-)(api-?key|(access|auth|session|private|user|security|bearer|refresh)-?token|token)$", RegexOptions.IgnoreCase)]
    private static partial Regex CredentialHeader();

    [GeneratedRegex(@"csrf|xsrf|antiforgery|requestverification", RegexOptions.IgnoreCase)]
    private static partial Regex Forgery();

    [GeneratedRegex(@"^(AWSALB(CORS|TG|TGCORS)?|AWSELB(CORS)?|ARRAffinity(SameSite)?|SERVERID|SRVNAME|ROUTEID|route|BIGipServer.*|INGRESSCOOKIE|GCLB|GCILB|__cflb|X-Mapping-.*|sticky.*|affinity.*|lb_?cookie)$", RegexOptions.IgnoreCase)]
    private static partial Regex StickyName();

    [GeneratedRegex(@"^[^.]{8,}\.[\w-]+$")]
    private static partial Regex RouteSuffix();
}
