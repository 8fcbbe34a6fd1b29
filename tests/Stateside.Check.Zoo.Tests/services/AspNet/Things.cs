using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Caching.Memory;

namespace Zoo.AspNet;

internal sealed record Text(string Value);

internal sealed record Item(string Name);

/// <summary>Services around one truth each; what is not in this process's memory is in the folder that all replicas share.</summary>
internal static class Things
{
    /// <summary>A form token that only the process which gave it can open: its keys are its own.</summary>
    public static void AddAntiforgery(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        builder.Services.AddAntiforgery(antiforgery => antiforgery.HeaderName = "X-XSRF-TOKEN");
    }

    public static void MapAntiforgery(WebApplication app, Folder folder)
    {
        app.MapGet("/form", (IAntiforgery antiforgery, HttpContext http) => new { token = antiforgery.GetAndStoreTokens(http).RequestToken });
        app.MapPost("/documents/{name}", async (string name, Text text, IAntiforgery antiforgery, HttpContext http) =>
        {
            if (!await antiforgery.IsRequestValidAsync(http)) return Results.Json(new { error = "the form has expired" }, statusCode: 400);
            folder.Set(name, text.Value);
            return Results.Json(new { name, value = text.Value });
        });
        app.MapGet("/documents/{name}", (string name) => folder.Get(name) is { } value ? Results.Json(new { name, value }) : Results.NotFound());
    }

    /// <summary>Orders are shared; which keys were used, and what was answered, only this process knows.</summary>
    public static void MapOrders(WebApplication app, Folder folder)
    {
        var answers = new ConcurrentDictionary<string, Lazy<object>>();
        app.MapGet("/checkout", () => new { id = Guid.NewGuid().ToString("N") });
        app.MapPost("/checkout/{id}/orders", (string id, Item item, HttpContext http) =>
        {
            if (http.Request.Headers["Idempotency-Key"].ToString() is not { Length: > 0 } key) return Results.Json(new { error = "Idempotency-Key is missing" }, statusCode: 400);
            var answer = answers.GetOrAdd($"{id}/{key}/{item.Name}", _ => new Lazy<object>(() =>
            {
                var order = Guid.NewGuid().ToString("N");
                folder.Set($"{id}/{order}", item.Name);
                return new { order, item = item.Name };
            }));
            return Results.Json(answer.Value, statusCode: 201);
        });
        app.MapGet("/checkout/{id}/orders", (string id) =>
        {
            var orders = folder.Names().Where(name => name.StartsWith(id + "/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
            var shown = orders.Select(name => new { order = name[(id.Length + 1)..], item = folder.Get(name) }).ToArray();
            return new { count = shown.Length, orders = shown };
        });
    }

    /// <summary>A read is kept for ten minutes, and a write clears only what its own process keeps.</summary>
    public static void MapCache(WebApplication app, Folder folder)
    {
        var cache = new MemoryCache(new MemoryCacheOptions());
        app.MapGet("/articles/{name}", (string name) =>
        {
            var value = cache.GetOrCreate(name, entry =>
            {
                entry.AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(10);
                return folder.Get(name);
            });
            return value is null ? Results.NotFound() : Results.Json(new { name, value });
        });
        app.MapPut("/articles/{name}", (string name, Text text) =>
        {
            folder.Set(name, text.Value);
            cache.Remove(name);
            return new { name, value = text.Value };
        });
    }

    /// <summary>Tickets are shared; the next number is this process's own and begins at 1.</summary>
    public static void MapTickets(WebApplication app, Folder folder)
    {
        var last = 0;
        app.MapPost("/tickets", (Text text) =>
        {
            var id = Interlocked.Increment(ref last);
            folder.Set($"{id}", text.Value);
            return Results.Json(new { id, value = text.Value }, statusCode: 201);
        });
        app.MapGet("/tickets/{id:int}", (int id) => folder.Get($"{id}") is { } value ? Results.Json(new { id, value }) : Results.NotFound());
    }

    /// <summary>Tickets of projects are shared; the next number of a project is found in the folder once and from then on counted in this process.</summary>
    public static void MapProjects(WebApplication app, Folder folder)
    {
        var last = new Dictionary<string, int>();
        var gate = new Lock();
        app.MapPost("/projects/{project}/tickets", (string project, Text text) =>
        {
            lock (gate)
            {
                if (!last.TryGetValue(project, out var id)) id = Tickets(project).DefaultIfEmpty().Max();
                last[project] = ++id;
                folder.Set($"{project}/{id}", text.Value);
                return Results.Json(new { project, id, value = text.Value }, statusCode: 201);
            }
        });
        app.MapGet("/projects/{project}/tickets", (string project) => Tickets(project).Order().Select(id => new { id, value = folder.Get($"{project}/{id}") }));

        IEnumerable<int> Tickets(string project) => folder.Names()
            .Where(name => name.StartsWith(project + "/", StringComparison.Ordinal))
            .Select(name => int.Parse(name.AsSpan(project.Length + 1), CultureInfo.InvariantCulture));
    }

    /// <summary>Three requests of a client in ten minutes, as this process counts them.</summary>
    public static void AddLimiter(WebApplicationBuilder builder) => builder.Services.AddRateLimiter(limiter =>
    {
        limiter.RejectionStatusCode = 429;
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => http.Request.Headers["X-Client"].ToString() is { Length: > 0 } client
            ? RateLimitPartition.GetFixedWindowLimiter(client, _ => new FixedWindowRateLimiterOptions { PermitLimit = 3, Window = TimeSpan.FromMinutes(10) })
            : RateLimitPartition.GetNoLimiter(""));
    });

    public static void MapLimiter(WebApplication app)
    {
        app.UseRateLimiter();
        app.MapGet("/client", () => new { client = Guid.NewGuid().ToString("N") });
        app.MapGet("/quotes/{symbol}", (string symbol) => new { symbol, price = 41.5m });
    }

    /// <summary>Connections are negotiated first, and a handshake is taken only by the process that negotiated, as SignalR does without stickiness.</summary>
    public static void MapHub(WebApplication app)
    {
        var connections = new ConcurrentDictionary<string, string>();
        app.UseWebSockets();
        app.MapPost("/hub/negotiate", () =>
        {
            var id = Guid.NewGuid().ToString("N");
            connections[id] = "lobby";
            return new { connectionId = id, availableTransports = new[] { "WebSockets" } };
        });
        app.MapGet("/hub", async (string id, HttpContext http) =>
        {
            if (!connections.TryGetValue(id, out var room)) return Results.Text("No Connection with that ID", statusCode: 404);
            if (!http.WebSockets.IsWebSocketRequest) return Results.Text("Connection ID known: upgrade to WebSocket", statusCode: 426);
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            await TalkAsync(socket, room, said => connections[id] = said, http.RequestAborted);
            return Results.Empty;
        });
        app.MapPut("/hub/room", (string id, Text text) =>
        {
            if (!connections.ContainsKey(id)) return Results.Text("No Connection with that ID", statusCode: 404);
            connections[id] = text.Value;
            return Results.Json(new { room = text.Value });
        });
        app.MapGet("/hub/room", (string id) => connections.TryGetValue(id, out var room) ? Results.Json(new { room }) : Results.Text("No Connection with that ID", statusCode: 404));
    }

    /// <summary>Greets with the room, moves to each that the client names, and says so.</summary>
    private static async Task TalkAsync(WebSocket socket, string room, Action<string> move, CancellationToken cancellationToken)
    {
        var buffer = new byte[1024];
        try
        {
            while (true)
            {
                await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { room }), WebSocketMessageType.Text, true, cancellationToken);
                var received = await socket.ReceiveAsync(buffer, cancellationToken);
                if (received.MessageType == WebSocketMessageType.Close) break;
                move(room = Encoding.UTF8.GetString(buffer, 0, received.Count));
            }
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone, and what it had said is kept.
        }
    }

    /// <summary>Uploads under the name that the client gives, in this replica's own folder.</summary>
    public static void MapUploads(WebApplication app, string directory)
    {
        app.MapPost("/files", async (IFormFile file) =>
        {
            await using var target = File.Create(Path.Combine(directory, Path.GetFileName(file.FileName)));
            await file.CopyToAsync(target);
            return Results.Json(new { name = Path.GetFileName(file.FileName), size = file.Length }, statusCode: 201);
        }).DisableAntiforgery();
        app.MapGet("/files/{name}", (string name) =>
            Path.Combine(directory, Path.GetFileName(name)) is var path && File.Exists(path) ? Results.File(path, "application/octet-stream") : Results.NotFound());
    }
}
