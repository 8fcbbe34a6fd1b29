using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Sessions;

/// <summary>ASP.NET Core's own session in the situations of docs/sessions.md, so that the page compares with what it does and not with what it is said to do.</summary>
public class ClassicSessionTests
{
    [Fact]
    public async Task Of_two_concurrent_requests_that_set_different_keys_one_is_lost()
    {
        var gate = new Gate();
        await using var classic = await Classic.StartAsync(app => app.MapPost("/set/{key}", async (HttpContext http, string key) =>
        {
            http.Session.SetString(key, "1");
            if (key != "seed") await gate.WaitAsync();
        }));
        var session = await classic.BeginAsync("/set/seed");
        var both = new[] { classic.Client.SendAsync(HttpMethod.Post, "/set/a", null, session), classic.Client.SendAsync(HttpMethod.Post, "/set/b", null, session) };
        await gate.ArrivedAsync(2);
        gate.Open();
        await Task.WhenAll(both);
        var keys = (await classic.Client.SendAsync(HttpMethod.Get, "/keys", null, session)).Text.Split(',');
        Assert.Equal(2, keys.Length);
        Assert.Single(keys, k => k is "a" or "b");
    }

    [Fact]
    public async Task A_store_that_fails_on_write_is_a_200_and_the_change_is_gone()
    {
        await using var classic = await Classic.StartAsync();
        var session = await classic.BeginAsync("/set/seed");
        classic.Cache.FailsOnWrite = true;
        Assert.Equal(200, (await classic.Client.SendAsync(HttpMethod.Post, "/set/x", null, session)).Status);
        classic.Cache.FailsOnWrite = false;
        Assert.Equal("seed", (await classic.Client.SendAsync(HttpMethod.Get, "/keys", null, session)).Text);
    }

    [Fact]
    public async Task A_store_that_fails_on_read_is_a_200_and_the_session_looks_empty()
    {
        await using var classic = await Classic.StartAsync();
        var session = await classic.BeginAsync("/set/seed");
        classic.Cache.FailsOnRead = true;
        var reply = await classic.Client.SendAsync(HttpMethod.Get, "/keys", null, session);
        Assert.Equal((200, ""), (reply.Status, reply.Text));
    }

    [Fact]
    public async Task A_read_on_a_new_connection_after_a_whole_response_is_stale_while_the_store_is_slow()
    {
        await using var classic = await Classic.StartAsync();
        var session = await classic.BeginAsync("/set/seed");
        var gate = new Gate();
        classic.Cache.Writing = gate;
        var reply = await classic.Client.SendAsync(HttpMethod.Post, "/fixed/x", null, session);
        Assert.Equal((200, "done"), (reply.Status, reply.Text));
        await gate.ArrivedAsync();
        using var fresh = new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = classic.Client.BaseAddress };
        Assert.Equal("seed", (await fresh.SendAsync(HttpMethod.Get, "/keys", null, session)).Text);
        gate.Open();
    }

    private sealed class Classic(WebApplication app, SlowCache cache, HttpClient client) : IAsyncDisposable
    {
        public SlowCache Cache => cache;

        public HttpClient Client => client;

        public static async Task<Classic> StartAsync(Action<WebApplication>? map = null)
        {
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = AppContext.BaseDirectory });
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
            var cache = new SlowCache();
            builder.Services.AddSingleton<IDistributedCache>(cache);
            builder.Services.AddSession(o => o.Cookie.IsEssential = true);
            var app = builder.Build();
            app.UseSession();
            app.MapGet("/keys", (HttpContext http) => string.Join(',', http.Session.Keys.Order()));
            if (map is not null) map(app);
            else app.MapPost("/set/{key}", (HttpContext http, string key) => http.Session.SetString(key, "1"));
            app.MapPost("/fixed/{key}", async (HttpContext http, string key) =>
            {
                http.Session.SetString(key, "1");
                http.Response.ContentLength = 4;
                await http.Response.WriteAsync("done");
            });
            await app.StartAsync();
            var handler = new SocketsHttpHandler { UseCookies = false, UseProxy = false };
            return new Classic(app, cache, new HttpClient(handler) { BaseAddress = new Uri(app.Urls.First()) });
        }

        public async Task<(string, string)> BeginAsync(string path) => ("Cookie", (await client.SendAsync(HttpMethod.Post, path, null)).Cookie!);

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    /// <summary>The usual cache, which a test can slow down or let fail.</summary>
    private sealed class SlowCache : IDistributedCache
    {
        private readonly MemoryDistributedCache _inner = new(Options.Create(new MemoryDistributedCacheOptions()));

        public bool FailsOnRead { get; set; }

        public bool FailsOnWrite { get; set; }

        public Gate? Writing { get; set; }

        public byte[]? Get(string key) => FailsOnRead ? throw new IOException("away") : _inner.Get(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Refresh(string key) => _inner.Refresh(key);

        public Task RefreshAsync(string key, CancellationToken token = default) => _inner.RefreshAsync(key, token);

        public void Remove(string key) => _inner.Remove(key);

        public Task RemoveAsync(string key, CancellationToken token = default) => _inner.RemoveAsync(key, token);

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => _inner.Set(key, value, options);

        public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            if (FailsOnWrite) throw new IOException("away");
            if (Writing is { } gate) await gate.WaitAsync();
            await _inner.SetAsync(key, value, options, token);
        }
    }
}
