using System.Buffers.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;

namespace Stateside.BenchServer;

/// <summary>The cart itself in a cookie that Data Protection seals, in several where it does not fit into one. Its keys stay in memory.</summary>
internal static class InCookie
{
    private const string Name = "cart";

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        var app = builder.Build();
        var protector = app.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector(Name);
        var cookies = new ChunkingCookieManager();
        app.MapGet("/cart", (HttpContext http) => Read(http));
        app.MapPost("/cart", (HttpContext http) =>
        {
            var cart = Read(http).Next();
            var text = Base64Url.EncodeToString(protector.Protect(JsonSerializer.SerializeToUtf8Bytes(cart, BenchJson.Default.Cart)));
            cookies.AppendResponseCookie(http, Name, text, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax });
            return cart;
        });
        return app;

        Cart Read(HttpContext http) => cookies.GetRequestCookie(http, Name) is { } text
            ? JsonSerializer.Deserialize(protector.Unprotect(Base64Url.DecodeFromChars(text)), BenchJson.Default.Cart)!
            : Cart.Full;
    }
}
