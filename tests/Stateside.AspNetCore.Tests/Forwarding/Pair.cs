using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>Two applications on real Kestrels of loopback: a front that forwards everything, and an owner with a node port.</summary>
internal sealed class Pair : IAsyncDisposable
{
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly List<WebApplication> _apps = [];

    public NodeAddress Owner { get; set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public Uri OwnerUrl { get; private set; } = null!;

    public NodePortServer OwnerPort { get; private set; } = null!;

    public int Hops { get; init; } = 1;

    public TimeSpan ConnectWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The clock of the owner's handshakes.</summary>
    public TimeProvider OwnerTime { get; init; } = TimeProvider.System;

    /// <summary>The owner's application.</summary>
    public WebApplication OwnerApp => _apps[0];

    public ForwardOutcome Last { get; private set; }

    public HttpProtocols Front { get; init; } = HttpProtocols.Http1;

    /// <summary>What the front's server is told besides.</summary>
    public Action<KestrelServerOptions>? FrontOptions { get; init; }

    public Action<ListenOptions>? FrontListen { get; init; }

    public static async Task<Pair> StartAsync(Action<WebApplication> owner, Pair? pair = null)
    {
        pair ??= new Pair();
        var node = pair.New("owner", 7, HttpProtocols.Http1);
        node.UseWebSockets();
        owner(node);
        await node.StartAsync();
        pair.OwnerUrl = new Uri(node.Urls.First());
        pair.OwnerPort = node.Services.GetRequiredService<NodePortServer>();
        pair.Owner = new NodeAddress("owner", 7, "127.0.0.1", pair.OwnerPort.Port);
        var front = pair.New("front", 3, pair.Front);
        front.Run(pair.ForwardAsync);
        await front.StartAsync();
        pair.Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ResponseDrainTimeout = TimeSpan.Zero })
        {
            BaseAddress = new Uri(front.Urls.First()),
            Timeout = TimeSpan.FromSeconds(30),
            DefaultRequestVersion = pair.Front == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return pair;
    }

    public NodeHandshake Handshake(string name, UInt128 incarnation, byte[]? secret = null, TimeProvider? time = null) =>
        new(() => secret ?? _secret, () => new NodePeer(name, incarnation), time ?? TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (var app in Enumerable.Reverse(_apps))
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await app.StopAsync(soon.Token);
            await app.DisposeAsync();
        }
    }

    private WebApplication New(string name, UInt128 incarnation, HttpProtocols protocols)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Limits.MaxRequestBodySize = null;
            k.Listen(IPAddress.Loopback, 0, l =>
            {
                l.Protocols = protocols;
                if (name == "front") FrontListen?.Invoke(l);
            });
            if (name == "front") FrontOptions?.Invoke(k);
        });
        builder.Services.AddNodePort(_ => new NodePortSettings(IPAddress.Loopback, 0), _ => Handshake(name, incarnation, time: name == "owner" ? OwnerTime : null));
        // What becomes of a request is looked at here, and not how soon a busy machine connects: after two seconds it would be called not sent.
        builder.Services.AddSingleton(services => new HttpForwarder(services.GetRequiredService<NodeHandshake>(), services.GetRequiredService<IOptions<KestrelServerOptions>>().Value,
            services.GetRequiredService<ILoggerFactory>(), services.GetRequiredService<TimeProvider>(), ConnectWithin));
        var app = builder.Build();
        _apps.Add(app);
        return app;
    }

    private async Task ForwardAsync(HttpContext context)
    {
        var forwarder = context.RequestServices.GetRequiredService<HttpForwarder>();
        Last = await forwarder.SendAsync(context, Owner, Hops, view: 42, isAgain: false, context.RequestAborted);
        if (Last.Result != ForwardResult.Answered) await Results.Text($"{Last.Result} {Last.View} {Last.CanRepeat}", statusCode: 599).ExecuteAsync(context);
    }
}
