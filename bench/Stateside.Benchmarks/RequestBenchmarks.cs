using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Stateside.BenchServer;

namespace Stateside.Benchmarks;

/// <summary>
/// A request through ASP.NET Core's whole pipeline without a network: what is left over <see cref="Bare"/> is what a turn
/// over HTTP costs, in time and in bytes. All three answer the same cart.
/// </summary>
[MemoryDiagnoser]
public class RequestBenchmarks
{
    private PipelineServer _server = null!;
    private WebApplication _app = null!;
    private string _cookie = "";

    /// <summary>Where the cart lives.</summary>
    [Params("Store", "Client", "Node")]
    public string Place { get; set; } = "";

    [GlobalSetup]
    public async Task SetUp()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("Stateside:Store", "memory:"), new("Stateside:States:cart:Place", Place)]);
        builder.Services.AddSingleton<IServer, PipelineServer>();
        builder.Services.ConfigureHttpJsonOptions(http => http.SerializerOptions.TypeInfoResolverChain.Insert(0, BenchJson.Default));
        builder.AddStateside().AddState("cart", BenchJson.Default.Cart, empty: Cart.Full);
        _app = builder.Build();
        _app.UseStateside();
        _app.MapGet("/bare", () => Cart.Full);
        _app.MapGet("/cart", (Snapshot<Cart> cart) => cart.Value);
        _app.MapPost("/cart", (State<Cart> cart) => cart.Update(c => c.Next()));
        await _app.StartAsync();
        _server = (PipelineServer)_app.Services.GetRequiredService<IServer>();
        var response = await _server.SendAsync("POST", "/cart", "");
        _cookie = string.Join("; ", response.Headers.SetCookie.Select(cookie => cookie!.Split(';')[0]));
        foreach (var (method, path, cookies) in ((string, string, int)[])[("GET", "/bare", 0), ("GET", "/cart", 0), ("POST", "/cart", Place == "Client" ? 1 : 0)])
            if (await _server.SendAsync(method, path, _cookie) is not { StatusCode: 200 } answer || answer.Headers.SetCookie.Count != cookies)
                throw new InvalidOperationException($"{method} {path} fails.");
    }

    [GlobalCleanup]
    public async Task CleanUp() => await _app.DisposeAsync();

    [Benchmark(Baseline = true)]
    public async Task<IHttpResponseFeature> Bare() => await _server.SendAsync("GET", "/bare", _cookie);

    [Benchmark]
    public async Task<IHttpResponseFeature> Read() => await _server.SendAsync("GET", "/cart", _cookie);

    [Benchmark]
    public async Task<IHttpResponseFeature> ReadAndWrite() => await _server.SendAsync("POST", "/cart", _cookie);

    /// <summary>A server without a network: it hands requests to the application and throws the content of responses away.</summary>
    private sealed class PipelineServer : IServer
    {
        private Func<IFeatureCollection, Task> _run = null!;

        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken) where TContext : notnull
        {
            _run = async features =>
            {
                var context = application.CreateContext(features);
                await application.ProcessRequestAsync(context);
                application.DisposeContext(context, null);
            };
            return Task.CompletedTask;
        }

        public async Task<IHttpResponseFeature> SendAsync(string method, string path, string cookie)
        {
            var features = new FeatureCollection();
            var request = new HttpRequestFeature { Method = method, Path = path, Scheme = "http", Protocol = "HTTP/1.1" };
            request.Headers.Host = "localhost";
            if (cookie.Length > 0) request.Headers.Cookie = cookie;
            var response = new HttpResponseFeature();
            features.Set<IHttpRequestFeature>(request);
            features.Set<IHttpResponseFeature>(response);
            features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
            features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
            await _run(features);
            return response;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose() { }
    }

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}
