using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Tests.Support;

/// <summary>How a test application differs from the plain one.</summary>
internal sealed class AppSetup
{
    public TestStore? Store { get; init; }

    public TimeProvider? Time { get; init; }

    /// <summary>Entries below the section <c>Stateside</c>.</summary>
    public Dictionary<string, string?> Settings { get; init; } = [];

    public Action<WebApplicationBuilder>? Build { get; init; }

    public Action<StatesideBuilder>? Declare { get; init; }

    /// <summary>The pipeline before <c>UseStateside</c>.</summary>
    public Action<WebApplication>? Before { get; init; }

    /// <summary>The pipeline between <c>UseStateside</c> and the endpoints.</summary>
    public Action<WebApplication>? After { get; init; }

    public HttpProtocols Protocols { get; init; } = HttpProtocols.Http1;

    /// <summary>Without a server: requests are handed over in memory, under any scheme.</summary>
    public bool InMemory { get; init; }

    public bool UseStateside { get; init; } = true;

    /// <summary>Whether a user can sign in, by the header <c>X-User</c>.</summary>
    public bool Users { get; init; }
}

/// <summary>An application on a real Kestrel at a free port of loopback, with a store that the test controls.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _disposed;

    private TestApp(WebApplication app, TestStore store, HttpClient client) => (_app, Store, Client) = (app, store, client);

    public TestStore Store { get; }

    /// <summary>A client that keeps no cookies and follows no redirects.</summary>
    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    public IServiceProvider Services => _app.Services;

    public TurnGate Gate => Services.GetRequiredService<StatesideRuntimeHolder>().Runtime.Gate;

    public TestServer Server => _app.GetTestServer();

    public static async Task<TestApp> StartAsync(Action<WebApplication> map, AppSetup? setup = null)
    {
        setup ??= new AppSetup();
        var store = setup.Store ?? new TestStore(setup.Time);
        var app = Build(map, setup, store);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        if (setup.InMemory) return new TestApp(app, store, app.GetTestServer().CreateClient());
        return new TestApp(app, store, NewClient(new Uri(app.Urls.First()), setup.Protocols));
    }

    /// <summary>A client with connections of its own.</summary>
    public HttpClient FreshClient(HttpProtocols protocols = HttpProtocols.Http1) => NewClient(Address, protocols);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static WebApplication Build(Action<WebApplication> map, AppSetup setup, TestStore store)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(setup.Settings.Select(s => KeyValuePair.Create("Stateside:" + s.Key, s.Value)));
        builder.Logging.ClearProviders();
        if (setup.InMemory) builder.WebHost.UseTestServer();
        else builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = setup.Protocols));
        builder.Services.AddSingleton<IStore>(store);
        if (setup.Time is { } time) builder.Services.AddSingleton(time);
        if (setup.Users) builder.Services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, HeaderUser>("header", null);
        if (setup.Users) builder.Services.AddAuthorization();
        var stateside = builder.AddStateside()
            .AddState("basket", TestJson.Default.Basket, empty: Basket.Empty)
            .AddState("tally", TestJson.Default.Tally, empty: Tally.Zero)
            .AddState("letter", TestJson.Default.Letter);
        setup.Declare?.Invoke(stateside);
        setup.Build?.Invoke(builder);
        var app = builder.Build();
        setup.Before?.Invoke(app);
        if (setup.UseStateside) app.UseStateside();
        setup.After?.Invoke(app);
        map(app);
        return app;
    }

    private static HttpClient NewClient(Uri address, HttpProtocols protocols)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false, MaxConnectionsPerServer = 10_000 })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(60),
        };
        if (protocols == HttpProtocols.Http2) (client.DefaultRequestVersion, client.DefaultVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        return client;
    }

    /// <summary>Signs in whoever the header names.</summary>
    private sealed class HeaderUser(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-User"] is not [{ Length: > 0 } name]) return Task.FromResult(AuthenticateResult.NoResult());
            List<Claim> claims = [new("sub", name)];
            if (Request.Headers["X-Role"] is [{ Length: > 0 } role]) claims.Add(new(ClaimTypes.Role, role));
            var user = new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, Scheme.Name)));
        }
    }
}
