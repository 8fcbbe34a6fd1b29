using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Stateside.Tool.Tests;

/// <summary>What a <see cref="FakeShop"/> does wrong.</summary>
[Flags]
public enum Wrongs
{
    None = 0,
    LosesALine = 1,
    IgnoresKeys = 2,
    DoublesTheLinesOfAnOrder = 4,
    MergesEqualLines = 8,
    RoundsPrices = 16,
    KeepsTheCart = 32,
    ForgetsAnOrder = 64,
    MisstatesTheValue = 128,

    /// <summary>Not wrong: answers are lost after the work is done, or refused before it, as under a crash or an overload.</summary>
    LosesAnswers = 256,
}

/// <summary>The shop's HTTP contract in memory, with switches for everything that a replay has to notice.</summary>
internal sealed class FakeShop : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Wrongs _wrongs;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<(string Product, int Quantity, decimal Price)>> _carts = [];
    private readonly Dictionary<string, string> _orders = [];
    private readonly Dictionary<(string Session, string Key), (int Status, string Body, string? Location)> _receipts = [];
    private int _adds;
    private int _requests;
    private int _notFinal;

    private FakeShop(WebApplication app, Wrongs wrongs) => (_app, _wrongs) = (app, wrongs);

    public string Url => _app.Urls.First();

    public int Replays { get; private set; }

    /// <summary>Requests that were refused or whose answer was lost.</summary>
    public int NotFinal => _notFinal;

    public static async Task<FakeShop> StartAsync(Wrongs wrongs = Wrongs.None)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var shop = new FakeShop(app, wrongs);
        app.MapGet("/readyz", () => "ok");
        app.MapGet("/cart", shop.GetCart);
        app.MapPost("/cart/add", http => shop.WriteAsync(http, shop.Add));
        app.MapPost("/orders", http => shop.WriteAsync(http, (session, _) => shop.Order(session)));
        app.MapGet("/orders/{id}", (string id) => shop._orders.TryGetValue(id, out var order) ? Results.Text(order, "application/json") : Results.NotFound());
        await app.StartAsync();
        return shop;
    }

    private IResult GetCart(HttpContext http)
    {
        lock (_lock) return Results.Text(Cart(_carts.GetValueOrDefault(http.Request.Cookies["id"] ?? "", [])), "application/json");
    }

    private async Task WriteAsync(HttpContext http, Func<string, string, (int, string, string?)> work)
    {
        var body = await new StreamReader(http.Request.Body).ReadToEndAsync();
        if (http.Request.Cookies["id"] is not { } session)
        {
            session = Guid.NewGuid().ToString("N");
            http.Response.Headers.SetCookie = $"id={session}; path=/; httponly; samesite=lax";
            await AnswerAsync(http, 400, """{"type":"urn:stateside:problem:session-required","applied":"no"}""", "application/problem+json");
            return;
        }

        var turn = Interlocked.Increment(ref _requests);
        if (_wrongs.HasFlag(Wrongs.LosesAnswers) && turn % 5 == 0)
        {
            Interlocked.Increment(ref _notFinal);
            http.Response.Headers.RetryAfter = "0";
            await AnswerAsync(http, turn % 2 == 0 ? 503 : 409, """{"title":"busy","applied":"no"}""", "application/problem+json");
            return;
        }

        var (status, text, location) = Once(session, http.Request.Path + http.Request.Headers["Idempotency-Key"], () => work(session, body));
        if (_wrongs.HasFlag(Wrongs.LosesAnswers) && turn % 7 == 0)
        {
            Interlocked.Increment(ref _notFinal);
            http.Abort();
            return;
        }

        if (location is not null) http.Response.Headers.Location = location;
        await AnswerAsync(http, status, text, "application/json");
    }

    private (int, string, string?) Once(string session, string key, Func<(int, string, string?)> work)
    {
        lock (_lock)
        {
            if (!_wrongs.HasFlag(Wrongs.IgnoresKeys) && _receipts.TryGetValue((session, key), out var receipt))
            {
                Replays++;
                return receipt;
            }

            return _receipts[(session, key)] = work();
        }
    }

    private (int, string, string?) Add(string session, string body)
    {
        using var json = JsonDocument.Parse(body);
        var product = json.RootElement.GetProperty("product_id").GetString()!;
        var quantity = json.RootElement.GetProperty("quantity").GetInt32();
        var price = decimal.Parse(json.RootElement.GetProperty("unit_price").GetString()!, CultureInfo.InvariantCulture);
        if (_wrongs.HasFlag(Wrongs.RoundsPrices)) price = Math.Round(price, 1);
        if (!_carts.TryGetValue(session, out var cart)) _carts[session] = cart = [];
        var same = cart.FindIndex(l => l.Product == product && l.Price == price);
        if (_wrongs.HasFlag(Wrongs.LosesALine) && ++_adds == 5)
        {
            // Acknowledged, and not done.
        }
        else if (_wrongs.HasFlag(Wrongs.MergesEqualLines) && same >= 0)
        {
            cart[same] = cart[same] with { Quantity = cart[same].Quantity + quantity };
        }
        else
        {
            cart.Add((product, quantity, price));
        }

        return (200, Cart(cart), null);
    }

    private (int, string, string?) Order(string session)
    {
        var lines = _carts.GetValueOrDefault(session, []);
        if (!_wrongs.HasFlag(Wrongs.KeepsTheCart)) _carts.Remove(session);
        if (_wrongs.HasFlag(Wrongs.DoublesTheLinesOfAnOrder) && _orders.Count == 3) lines = [.. lines, .. lines];
        var id = Guid.NewGuid().ToString("N");
        var value = lines.Sum(l => l.Quantity * l.Price) + (_wrongs.HasFlag(Wrongs.MisstatesTheValue) ? 0.01m : 0);
        var order = $$"""{"id":"{{id}}",{{Cart(lines)[1..^1]}},"value":"{{value.ToString(CultureInfo.InvariantCulture)}}"}""";
        _orders[id] = order;
        if (_wrongs.HasFlag(Wrongs.ForgetsAnOrder) && _orders.Count == 3) _orders.Remove(id);
        return (201, order, "/orders/" + id);
    }

    private static string Cart(List<(string Product, int Quantity, decimal Price)> lines)
    {
        var text = string.Join(',', lines.Select(l =>
            $$"""{"product_id":{{JsonSerializer.Serialize(l.Product)}},"quantity":{{l.Quantity}},"unit_price":"{{l.Price.ToString(CultureInfo.InvariantCulture)}}"}"""));
        return $$"""{"lines":[{{text}}],"quantity":{{lines.Sum(l => l.Quantity)}}}""";
    }

    private static Task AnswerAsync(HttpContext http, int status, string text, string type)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
