using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.Mvc.Testing.Handlers;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Stateside.Testing.Tests.Support;

/// <summary>A small application in this process, on a test store and a manual clock.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private TestApp(WebApplication app, TestStore store, ManualClock clock)
    {
        (App, Store, Clock) = (app, store, clock);
        Client = NewClient();
    }

    public WebApplication App { get; }

    public TestStore Store { get; }

    public ManualClock Clock { get; }

    /// <summary>One visitor: keeps its cookies.</summary>
    public HttpClient Client { get; }

    /// <summary>Another visitor.</summary>
    public HttpClient NewClient() =>
        new(new CookieContainerHandler(new CookieContainer()) { InnerHandler = App.GetTestServer().CreateHandler() }) { BaseAddress = new Uri("http://localhost") };

    public static async Task<TestApp> StartAsync(Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.AddStateside()
            .AddState("cart", AppJson.Default.Cart, empty: new Cart(0))
            .AddState("order", AppJson.Default.Order)
            .AddState("counter", AppJson.Default.Counter, empty: new Counter(0))
            .AddState("profile", AppJson.Default.Profile, empty: new Profile(""))
            .AddState("basket", AppJson.Default.Basket, empty: new Basket([]));
        add(builder);
        builder.Services.AddStatesideTesting(out var store, out var clock);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new TestApp(app, store, clock);
    }

    public static Task<TestApp> StartAsync(Action<WebApplication> map) => StartAsync(_ => { }, map);

    /// <summary>An application of controllers, and of no others in this assembly.</summary>
    public static Task<TestApp> StartMvcAsync(params Type[] controllers) => StartAsync(
        builder =>
        {
            builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, NamedUser>("test", null);
            builder.Services.AddControllers().ConfigureApplicationPartManager(parts =>
            {
                parts.ApplicationParts.Clear();
                parts.FeatureProviders.Clear();
                parts.FeatureProviders.Add(new Only(controllers));
            });
        },
        app =>
        {
            // What middleware before the turn has set must be in the response once, however often the handler runs.
            app.Use((HttpContext context, RequestDelegate next) =>
            {
                context.Response.Headers.Append("X-Upstream", "1");
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers.Append("X-Upstream-Last", "1");
                    return Task.CompletedTask;
                });
                return next(context);
            });
            app.UseAuthentication();
            app.UseStateside();
            app.MapControllers();
        });

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }

    internal sealed class Only(Type[] controllers) : IApplicationFeatureProvider<ControllerFeature>
    {
        public void PopulateFeature(IEnumerable<ApplicationPart> parts, ControllerFeature feature)
        {
            foreach (var type in controllers) feature.Controllers.Add(System.Reflection.IntrospectionExtensions.GetTypeInfo(type));
        }
    }

    /// <summary>Whoever the header X-User names is signed in.</summary>
    private sealed class NamedUser(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-User"].ToString() is not { Length: > 0 } name) return Task.FromResult(AuthenticateResult.NoResult());
            var user = new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", name)], "test"));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, "test")));
        }
    }
}
