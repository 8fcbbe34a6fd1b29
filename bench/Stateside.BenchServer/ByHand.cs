using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Stateside.Redis.Resp;

namespace Stateside.BenchServer;

/// <summary>
/// The same cart under a cookie, written by hand over the same Redis client: a GET, and a GET with a compare-and-set. No sessions that
/// can be revoked, no receipts, no expiry, no queue: what a store on this client could reach at most.
/// </summary>
internal static class RedisByHand
{
    private static readonly RedisScript s_set = new("if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1");

    public static async Task<WebApplication> BuildAsync(WebApplicationBuilder builder)
    {
        var client = new RedisClient(RedisUrl.Parse(builder.Configuration["Stateside:Store"]!));
        await client.OpenAsync(default);
        var app = builder.Build();
        // As a delegate of its own type: a handler that takes the context and returns a task would be taken for one that answers by itself.
        app.MapGet("/cart", (Delegate)(async Task<Cart> (HttpContext http) => Read(await LoadAsync(client, Cookies.Key(http)))));
        app.MapPost("/cart", (Delegate)(async Task<Cart> (HttpContext http) =>
        {
            ReadOnlyMemory<byte> key = Encoding.ASCII.GetBytes(Cookies.Key(http));
            while (true)
            {
                Counting.Trip();
                var there = (await client.SendAsync(0, RespCommand.Of("GET", key), default)).Bytes;
                var cart = Read(there).Next();
                byte[] value = [.. RandomNumberGenerator.GetBytes(16), .. JsonSerializer.SerializeToUtf8Bytes(cart, BenchJson.Default.Cart)];
                Counting.Trip();
                var set = await client.EvalAsync(s_set, 0, [key], [there.IsEmpty ? default : there[..16], value], default);
                if (set.Number == 1) return cart;
            }
        }));
        return app;
    }

    private static async Task<ReadOnlyMemory<byte>> LoadAsync(RedisClient client, string key)
    {
        Counting.Trip();
        return (await client.SendAsync(0, RespCommand.Of("GET", Encoding.ASCII.GetBytes(key)), default)).Bytes;
    }

    private static Cart Read(ReadOnlyMemory<byte> value) => value.IsEmpty ? Cart.Full : JsonSerializer.Deserialize(value.Span[16..], BenchJson.Default.Cart)!;
}

/// <summary>The same over Npgsql: a prepared SELECT, and one with a prepared compare-and-set.</summary>
internal static class PostgresByHand
{
    public static async Task<WebApplication> BuildAsync(WebApplicationBuilder builder)
    {
        var url = new Uri(builder.Configuration["Stateside:Store"]!);
        var connection = new NpgsqlConnectionStringBuilder { Host = url.Host, Port = url.Port, Username = url.UserInfo, Database = url.AbsolutePath.Trim('/'), MaxPoolSize = 32, MaxAutoPrepare = 10, AutoPrepareMinUsages = 1 };
        var source = NpgsqlDataSource.Create(connection);
        await using (var create = source.CreateCommand("CREATE TABLE carts (key text PRIMARY KEY, version bigint NOT NULL, body bytea NOT NULL)")) await create.ExecuteNonQueryAsync();
        var app = builder.Build();
        app.MapGet("/cart", (Delegate)(async Task<Cart> (HttpContext http) =>
        {
            await using var open = await source.OpenConnectionAsync();
            return (await ReadAsync(open, Cookies.Key(http))).Cart;
        }));
        app.MapPost("/cart", (Delegate)(async Task<Cart> (HttpContext http) =>
        {
            var key = Cookies.Key(http);
            await using var open = await source.OpenConnectionAsync();
            while (true)
            {
                var (version, cart) = await ReadAsync(open, key);
                var next = cart.Next();
                await using var write = new NpgsqlCommand(
                    version == 0 ? "INSERT INTO carts VALUES ($1, $2 + 1, $3) ON CONFLICT DO NOTHING" : "UPDATE carts SET version = $2 + 1, body = $3 WHERE key = $1 AND version = $2", open)
                {
                    Parameters = { new() { Value = key }, new() { Value = version }, new() { Value = JsonSerializer.SerializeToUtf8Bytes(next, BenchJson.Default.Cart) } },
                };
                Counting.Trip();
                if (await write.ExecuteNonQueryAsync() == 1) return next;
            }
        }));
        return app;
    }

    private static async Task<(long Version, Cart Cart)> ReadAsync(NpgsqlConnection open, string key)
    {
        Counting.Trip();
        await using var read = new NpgsqlCommand("SELECT version, body FROM carts WHERE key = $1", open) { Parameters = { new() { Value = key } } };
        await using var rows = await read.ExecuteReaderAsync();
        return await rows.ReadAsync() ? (rows.GetInt64(0), JsonSerializer.Deserialize((byte[])rows[1], BenchJson.Default.Cart)!) : (0, Cart.Full);
    }
}

/// <summary>A key of one's own in a cookie, and nothing that protects it.</summary>
internal static class Cookies
{
    public static string Key(HttpContext http)
    {
        if (http.Request.Cookies["cart"] is { Length: 32 } key) return key;
        key = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        http.Response.Cookies.Append("cart", key);
        return key;
    }
}
