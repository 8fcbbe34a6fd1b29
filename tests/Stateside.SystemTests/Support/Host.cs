namespace Stateside.SystemTests.Support;

/// <summary>A server of this repository that runs as a process of its own, on loopback.</summary>
internal sealed class Host : IAsyncDisposable
{
    private static readonly TimeSpan s_startsWithin = TimeSpan.FromSeconds(60);
    private static readonly HttpClient s_probe = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };

    private Host(TestProcess process, Uri url) => (Process, Url) = (process, url);

    public TestProcess Process { get; }

    public Uri Url { get; }

    /// <summary>Starts the sample shop and waits until it listens.</summary>
    public static Task<Host> StartShopAsync(string store, params string[] arguments) => StartAsync("Shop", Ports.Next(), store, arguments);

    /// <summary>Starts the shop on a store that can be counted, slowed down and killed.</summary>
    public static Task<Host> StartCrashHostAsync(string store, params string[] arguments) => StartAsync("Stateside.CrashHost", Ports.Next(), store, arguments);

    public static async Task<Host> StartAsync(string project, int port, string store, params string[] arguments)
    {
        var url = $"http://127.0.0.1:{port}";
        var process = TestProcess.Start(project, ["--urls", url, "--Stateside:Store=" + store, "--Logging:LogLevel:Default=Warning", "--Logging:LogLevel:Microsoft.AspNetCore=Warning", .. arguments]);
        var host = new Host(process, new Uri(url));
        await Eventually.TrueAsync(async () => process.HasExited || await host.ListensAsync(), s_startsWithin, () => $"{project} does not listen. It said:\n{process.Said}");
        Assert.False(process.HasExited, $"{project} ended at once. It said:\n{process.Said}");
        return host;
    }

    /// <summary>Whether it answers at all.</summary>
    public async Task<bool> ListensAsync()
    {
        try
        {
            using var response = await s_probe.GetAsync(new Uri(Url, "/healthz"));
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
