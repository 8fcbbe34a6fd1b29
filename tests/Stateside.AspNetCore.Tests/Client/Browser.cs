using Stateside.AspNetCore.Tests.Support;
using Stateside.AspNetCore.Tests.Sessions;

namespace Stateside.AspNetCore.Tests.Client;

/// <summary>One visitor: keeps cookies (or headers) as a browser (or a page) does, within a browser's limits.</summary>
internal sealed class Browser(HttpClient client, bool usesHeaders = false)
{
    /// <summary>32 bytes for tests, in base64.</summary>
    public const string Key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    public const string OtherKey = "HxwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEAAAE=";

    public Dictionary<string, string> Kept { get; set; } = new(StringComparer.Ordinal);

    public Browser(TestApp app, bool usesHeaders = false) : this(app.Client, usesHeaders) { }

    /// <summary>Settings that let the basket live with the client, without a trip to the store for keys.</summary>
    public static Dictionary<string, string?> Settings(params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string?> { ["States:basket:Place"] = "Client", ["Keys:Given"] = Key };
        foreach (var (name, value) in more) settings[name] = value;
        return settings;
    }

    public static Task<TestApp> StartAsync(params (string Name, string Value)[] more) => TestApp.StartAsync(Map, new() { Settings = Settings(more) });

    /// <summary>The endpoints of the session's tests, and an order that empties the basket.</summary>
    public static void Map(WebApplication app)
    {
        SessionTests.Map(app);
        app.MapPost("/order", ([NewKey] State<Letter> order, State<Basket> basket) =>
        {
            var text = string.Join(',', basket.Value.Items);
            basket.Update(_ => Basket.Empty);
            order.Set(new Letter(text));
            return TypedResults.Ok(order.Id);
        });
        app.MapPost("/fail", (State<Basket> basket) => { basket.Update(b => b.Add("lost")); return TypedResults.StatusCode(500); });
        app.MapPost("/throw", IResult (State<Basket> basket) => { basket.Update(b => b.Add("lost")); throw new InvalidOperationException(); });
        app.MapGet("/order/{id}", ([RouteKey("id")] Snapshot<Letter> order) => order.Value.Text);
    }

    public async Task<Reply> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var reply = await client.SendAsync(method, path, null, [.. headers, .. Carried()]);
        Keep(reply);
        return reply;
    }

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Reply> PostAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, headers);

    /// <summary>What is in the basket.</summary>
    public async Task<string> ItemsAsync()
    {
        var reply = await GetAsync("/basket");
        Assert.Equal(200, reply.Status);
        return reply.Text;
    }

    public (string Name, string Value)[] Carried()
    {
        if (usesHeaders) return [.. Kept.Select(k => (k.Key, k.Value)), .. Kept.ContainsKey("Stateside-id") ? Array.Empty<(string, string)>() : [("Stateside-id", "")]];
        return Kept.Count == 0 ? [] : [("Cookie", string.Join("; ", Kept.Select(k => $"{k.Key}={k.Value}")))];
    }

    /// <summary>Takes in what a response gives and takes back.</summary>
    public void Keep(Reply reply)
    {
        if (usesHeaders)
        {
            foreach (var (name, values) in reply.Headers.Where(h => h.Key.StartsWith("Stateside-", StringComparison.OrdinalIgnoreCase)))
            {
                if (values[0].Length == 0) Kept.Remove(name);
                else Kept[name] = values[0];
            }
            return;
        }
        if (!reply.Headers.TryGetValue("Set-Cookie", out var cookies)) return;
        foreach (var cookie in cookies)
        {
            var pair = cookie.Split(';')[0];
            Assert.InRange(pair.Length, 1, 4097);
            var (name, value) = (pair[..pair.IndexOf('=')], pair[(pair.IndexOf('=') + 1)..]);
            if (cookie.Contains("max-age=0;", StringComparison.OrdinalIgnoreCase)) Kept.Remove(name);
            else Kept[name] = value;
        }
    }
}
