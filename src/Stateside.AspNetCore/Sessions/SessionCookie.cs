using Microsoft.AspNetCore.Http;
using Stateside.AspNetCore.Http;
using Stateside.Configuration;
using Stateside.Sessions;

namespace Stateside.AspNetCore.Sessions;

/// <summary>The cookie that holds the session's credential: <c>__Host-</c> and <c>Secure</c> over HTTPS, a plain name over HTTP, where a browser would not keep the other.</summary>
internal static class SessionCookie
{
    /// <summary>The session that the request brought; null without one, and for a cookie that this server never issued in this form.</summary>
    public static SessionHandle? Read(HttpRequest request, SessionModel model) =>
        CookieReader.Find(request.Headers.Cookie, Name(request, model), out var credential) == CookieMatch.One
            ? SessionHandle.Parse(credential)
            : null;

    /// <summary>Gives the credential of a session that has just become real. Such a response must not be kept by any cache.</summary>
    public static void Write(HttpContext context, SessionHandle session, SessionModel model)
    {
        context.Response.Cookies.Append(Name(context.Request, model), session.Credential(), new CookieOptions
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = SameSiteMode.Lax,
            Path = "/",
            MaxAge = model.AbsoluteTimeout,
            IsEssential = true,
        });
        context.Response.Headers.CacheControl = "no-store";
    }

    private static string Name(HttpRequest request, SessionModel model) =>
        request.IsHttps ? "__Host-" + model.CookieName : model.CookieName;
}
