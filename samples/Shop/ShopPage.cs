namespace Shop;

/// <summary>Where each state lives now, and how clients carry theirs, for the page and for people.</summary>
public sealed record About(IReadOnlyDictionary<string, string> Places, string Store, string Carrier);

/// <summary>The page to look at the shop: three files inside the program, so that it is served wherever the program is started.</summary>
internal static class ShopPage
{
    private static readonly string[] s_states = ["cart", "order", "counter"];

    public static void MapPage(this IEndpointRouteBuilder app, IConfiguration stateside)
    {
        app.MapGet("/", File("index.html", "text/html; charset=utf-8"));
        app.MapGet("/shop.css", File("shop.css", "text/css; charset=utf-8"));
        app.MapGet("/shop.js", File("shop.js", "text/javascript; charset=utf-8"));

        // Only the kind of the store: its URL may hold a password.
        var about = new About(
            s_states.ToDictionary(name => name, name => stateside[$"States:{name}:Place"] ?? "Store"),
            (stateside["Store"] ?? "sqlite").Split(':')[0].ToLowerInvariant(),
            stateside["Session:Carrier"] ?? "Cookie");
        app.MapGet("/about", () => about);
    }

    private static RequestDelegate File(string name, string contentType)
    {
        using var resource = typeof(ShopPage).Assembly.GetManifestResourceStream(name)!;
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return context =>
        {
            var headers = context.Response.Headers;
            headers.ContentType = contentType;
            headers.ContentLength = content.Length;
            headers.ContentSecurityPolicy = "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
            headers.CacheControl = "no-cache";
            return context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
        };
    }
}
