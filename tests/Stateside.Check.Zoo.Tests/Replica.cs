using System.Globalization;
using System.Net;
using Stateside.Servers;

namespace Stateside.Check.Zoo.Tests;

/// <summary>A service that a smoke test started, on a port and in a directory that it keeps over restarts.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly Service _service;
    private readonly Func<string, string> _fill;
    private ServerProcess _process = null!;

    private Replica(Service service, Uri address, Func<string, string> fill) => (_service, Address, _fill) = (service, address, fill);

    public Uri Address { get; }

    /// <summary>Starts several, side by side.</summary>
    public static async Task<Replica[]> StartAsync(Service service, int count, Rig rig)
    {
        // Each one's own directory is beside those of the others, as check lays it out.
        var (shared, beside) = (rig.NewShared(), rig.NewShared());
        var replicas = Enumerable.Range(0, count).Select(i =>
        {
            var port = ServerProcess.FreePort();
            var own = Directory.CreateDirectory(Path.Combine(beside, i.ToString(CultureInfo.InvariantCulture))).FullName;
            return new Replica(service, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")), text => rig.Fill(text, shared)
                .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{i}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{dir}", own, StringComparison.Ordinal));
        }).ToArray();
        await Task.WhenAll(replicas.Select(r => r.StartAsync()));
        return replicas;
    }

    /// <summary>SIGKILL to all, and the same again, on the same ports and directories.</summary>
    public static async Task RestartAsync(Replica[] replicas)
    {
        await Task.WhenAll(replicas.Select(r => r.DisposeAsync().AsTask()));
        await Task.WhenAll(replicas.Select(r => r.StartAsync()));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task StartAsync()
    {
        var environment = _service.Environment.Select(e => $"{e.Key}={_fill(e.Value)}");
        _process = await ServerProcess.StartAsync("/usr/bin/env", [.. environment, .. _fill(_service.Launch).Split(' ')]);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        for (var tries = 0; tries < 600 && !_process.HasExited; tries++)
        {
            try
            {
                using var response = await client.GetAsync(new Uri(Address, _service.Ready));
                if (response.StatusCode < HttpStatusCode.InternalServerError) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            await Task.Delay(50);
        }
        throw new InvalidOperationException($"{_service} did not start: {_process.Said}");
    }
}
