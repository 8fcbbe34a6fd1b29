using System.Net;
using System.Text.Json;

namespace Stateside.Tool.Bench;

/// <summary>What one measurement of a hot key gave.</summary>
/// <param name="TurnsPerSecond">Additions that were answered with a success.</param>
/// <param name="P50">Microseconds within which half of the requests were answered.</param>
/// <param name="P99">Microseconds within which 99 of 100 were answered.</param>
/// <param name="Conflicts">Requests that were answered with 409.</param>
/// <param name="Reruns">Runs of the handler that lost to another turn and were repeated.</param>
/// <param name="TripsPerTurn">Trips to the store.</param>
/// <param name="Lost">Additions that were answered with a success and are not in the counter.</param>
/// <param name="Errors">Requests that were not answered, or with something else.</param>
internal sealed record HotSample(double TurnsPerSecond, double P50, double P99, long Conflicts, long Reruns, double TripsPerTurn, long Lost, long Errors);

/// <summary>
/// Measures a hot key: all connections add one to the same counter, so that turns can only come one after the other. A store
/// may be as fast as it likes with many keys; here a trip's time and what is done about conflicts decide.
/// </summary>
internal sealed class HotRun(BenchServer[] servers, BenchOptions options, int port, TimeProvider time, Action<string> say)
{
    private const int WarmUpSeconds = 6;

    private readonly Uri _url = new($"http://127.0.0.1:{port}/counters/hot");
    private readonly Uri _ready = new($"http://127.0.0.1:{port}/cart");

    /// <summary>The samples of each server and number of connections, one for each repetition.</summary>
    public Dictionary<(BenchServer Server, int Connections), List<HotSample>> Samples { get; } =
        (from server in servers from connections in options.Connections select (server, connections)).ToDictionary(c => c, _ => new List<HotSample>());

    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        for (var repetition = 1; repetition <= options.Repetitions; repetition++)
            foreach (var server in servers)
                await MeasureAsync(server, $"[{repetition} of {options.Repetitions}]", cancellationToken);
    }

    private async Task MeasureAsync(BenchServer server, string where, CancellationToken cancellationToken)
    {
        var data = BenchProcess.NewData(server);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };
        await using (var store = await server.StartStoreAsync(data, time, cancellationToken))
        await using (var process = await BenchProcess.StartAsync(server, store, _ready, data, Carts.Lines(1), time, cancellationToken))
            foreach (var connections in options.Connections)
            {
                for (var second = 0; second < WarmUpSeconds; second++)
                {
                    _ = await LoadGenerator.RunHotAsync(_url, connections, 1, cancellationToken);
                    await process.SettleAsync(cancellationToken);
                }
                var sample = await MeasureAsync(client, connections, cancellationToken);
                Samples[(server, connections)].Add(sample);
                say($"{where} {server.Name}, {connections} connections: {sample.TurnsPerSecond:N0}/s");
            }
        Directory.Delete(data, recursive: true);
    }

    private async Task<HotSample> MeasureAsync(HttpClient client, int connections, CancellationToken cancellationToken)
    {
        var before = await BenchRun.CountsAsync(client, _url, cancellationToken);
        var value = await ValueAsync(client, cancellationToken);
        var load = await LoadGenerator.RunHotAsync(_url, connections, options.Seconds, cancellationToken);
        var added = await ValueAsync(client, cancellationToken) - value;
        var after = await BenchRun.CountsAsync(client, _url, cancellationToken);
        // More may have been added than were answered: those that were on their way when the load ended. Fewer may not.
        return new(
            load.Turns / load.Duration.TotalSeconds, load.P50, load.P99, load.Conflicts, after.Reruns - before.Reruns,
            load.Turns == 0 ? 0 : (double)(after.Trips - before.Trips) / load.Turns, Math.Max(0, load.Turns - added), load.Errors);
    }

    private async Task<long> ValueAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var response = await client.GetAsync(_url, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) throw new UsageException($"GET {_url} answers {(int)response.StatusCode}.");
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        return json.RootElement.GetProperty("value").GetInt64();
    }
}
