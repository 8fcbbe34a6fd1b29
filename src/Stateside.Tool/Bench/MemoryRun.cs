using System.Globalization;
using System.Text.Json;

namespace Stateside.Tool.Bench;

/// <summary>What resident states took, in bytes a key.</summary>
/// <param name="Json">The states themselves, as JSON.</param>
/// <param name="Used">What the heap grew by beyond that, right after each key's last turn.</param>
/// <param name="Idle">The same once nobody has used them for a while.</param>
/// <param name="Resident">What the process's memory grew by, as the system counts it, right after the last turn.</param>
internal sealed record MemorySample(double Json, double Used, double Idle, double Resident);

/// <summary>
/// Measures what a state takes that is resident on a node: so many counters, each changed twice through turns, and the heap after full
/// collections before and after.
/// </summary>
internal sealed class MemoryRun(BenchServer[] servers, int keys, int repetitions, int port, TimeProvider time, Action<string> say)
{
    /// <summary>A little more than a node waits before it takes a state for idle.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(45);
    private const int Batch = 20_000;

    private readonly Uri _url = new($"http://127.0.0.1:{port}/resident");
    private readonly Uri _ready = new($"http://127.0.0.1:{port}/cart");

    /// <summary>The samples of each server, one for each repetition.</summary>
    public Dictionary<BenchServer, List<MemorySample>> Samples { get; } = servers.ToDictionary(s => s, _ => new List<MemorySample>());

    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        for (var repetition = 1; repetition <= repetitions; repetition++)
            foreach (var server in servers)
            {
                var sample = await MeasureAsync(server, cancellationToken);
                Samples[server].Add(sample);
                say($"[{repetition} of {repetitions}] {server.Name}: {sample.Used:N0} bytes a key beyond its {sample.Json:N0} of JSON, idle {sample.Idle:N0}");
            }
    }

    private async Task<MemorySample> MeasureAsync(BenchServer kind, CancellationToken cancellationToken)
    {
        var server = kind with { Settings = [.. kind.Settings, "--Stateside:Node:MaxMegabytes=0", "--Stateside:Node:IdleAfter=1.00:00:00"] };
        var data = BenchProcess.NewData(server);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(100) };
        MemorySample sample;
        await using (var store = await server.StartStoreAsync(data, time, cancellationToken))
        await using (await BenchProcess.StartAsync(server, store, _ready, data, Carts.Lines(1), time, cancellationToken))
        {
            // The first key pays for compiled code and caches, which every process has once.
            await TouchAsync(client, 0, Batch, cancellationToken);
            var (heap, resident, json) = await ReadAsync(client, cancellationToken);
            for (var pass = 0; pass < 2; pass++)
                for (var from = Batch; from < keys + Batch; from += Batch) await TouchAsync(client, from, Math.Min(Batch, keys + Batch - from), cancellationToken);
            var used = await ReadAsync(client, cancellationToken);
            var jsonPerKey = (double)(used.Json - json) / keys;
            await Task.Delay(s_idle, time, cancellationToken);
            var idle = await ReadAsync(client, cancellationToken);
            sample = new(jsonPerKey, ((double)(used.Heap - heap) / keys) - jsonPerKey, ((double)(idle.Heap - heap) / keys) - jsonPerKey, (double)(used.Resident - resident) / keys);
        }
        Directory.Delete(data, recursive: true);
        return sample;
    }

    /// <summary>One turn for each of so many keys.</summary>
    private async Task TouchAsync(HttpClient client, int from, int count, CancellationToken cancellationToken)
    {
        using var response = await client.PostAsync(new Uri(_url, string.Create(CultureInfo.InvariantCulture, $"?from={from}&count={count}")), null, cancellationToken);
        if (!response.IsSuccessStatusCode) throw new UsageException($"POST {_url} answers {(int)response.StatusCode}.");
    }

    private async Task<(long Heap, long Resident, long Json)> ReadAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var json = JsonDocument.Parse(await client.GetStringAsync(_url, cancellationToken));
        long Number(string name) => json.RootElement.GetProperty(name).GetInt64();
        return (Number("heap"), Number("resident"), Number("json"));
    }
}
