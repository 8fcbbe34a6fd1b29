using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;

namespace Zoo.AspNet;

internal sealed record Login(string User, string Password);

internal sealed record Chosen(string Color);

/// <summary>A login and a colour: in ASP.NET Core's session, or in a cookie that Data Protection seals.</summary>
internal static class Accounts
{
    /// <summary>The session in memory, or in a cache that is shared; its cookie is sealed with keys that are shared, so that only the session tells.</summary>
    public static void AddSession(WebApplicationBuilder builder, bool isShared, string shared)
    {
        builder.Services.AddDataProtection().SetApplicationName("zoo").PersistKeysToFileSystem(new DirectoryInfo(Path.Combine(shared, "keys")));
        if (isShared) builder.Services.AddSingleton<IDistributedCache>(new FolderCache(new Folder(Path.Combine(shared, "sessions"))));
        else builder.Services.AddDistributedMemoryCache();
        builder.Services.AddSession(session => session.Cookie.IsEssential = true);
    }

    public static void MapSession(WebApplication app)
    {
        app.UseSession();
        app.MapPost("/login", (Login login, HttpContext http) =>
        {
            if (login.Password != "pepper") return Results.Json(new { error = "wrong user or password" }, statusCode: 403);
            http.Session.Clear();
            http.Session.SetString("user", login.User);
            return Results.Json(new { user = login.User });
        });
        app.MapGet("/me", (HttpContext http) => http.Session.GetString("user") is { } user
            ? Results.Json(new { user, color = http.Session.GetString("color") })
            : Refused());
        app.MapPut("/me/color", (Chosen chosen, HttpContext http) =>
        {
            if (http.Session.GetString("user") is null) return Refused();
            http.Session.SetString("color", chosen.Color);
            return Results.Json(new { color = chosen.Color });
        });
    }

    /// <summary>Cookie authentication; the colour is a claim. What differs is where the keys of Data Protection are.</summary>
    public static void AddCookie(WebApplicationBuilder builder, string? keys)
    {
        if (keys is null) builder.Services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        else builder.Services.AddDataProtection().SetApplicationName("zoo").PersistKeysToFileSystem(new DirectoryInfo(keys));
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie => cookie.Events.OnRedirectToLogin = context =>
        {
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        });
    }

    public static void MapCookie(WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapPost("/login", async (Login login, HttpContext http) =>
        {
            if (login.Password != "pepper") return Results.Json(new { error = "wrong user or password" }, statusCode: 403);
            await SignInAsync(http, login.User, null);
            return Results.Json(new { user = login.User });
        });
        app.MapGet("/me", (ClaimsPrincipal me) => Results.Json(new { user = me.Identity!.Name, color = me.FindFirstValue("color") })).RequireAuthorization();
        app.MapPut("/me/color", async (Chosen chosen, HttpContext http) =>
        {
            await SignInAsync(http, http.User.Identity!.Name!, chosen.Color);
            return Results.Json(new { color = chosen.Color });
        }).RequireAuthorization();
    }

    private static Task SignInAsync(HttpContext http, string user, string? color)
    {
        List<Claim> claims = [new(ClaimTypes.Name, user)];
        if (color is not null) claims.Add(new("color", color));
        return http.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(claims, CookieAuthenticationDefaults.AuthenticationScheme)));
    }

    private static IResult Refused() => Results.Json(new { error = "log in first" }, statusCode: 401);
}
