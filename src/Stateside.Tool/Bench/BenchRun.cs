namespace Stateside.Tool.Bench;

/// <summary>How to measure.</summary>
/// <param name="Seconds">How long each measurement takes.</param>
/// <param name="Repetitions">How often everything is measured.</param>
/// <param name="Connections">How many requests are on their way at any time.</param>
internal sealed record BenchOptions(int Seconds, int Repetitions, int Connections);

/// <summary>
/// Measures all rows, one after the other, as often as asked. One server runs at a time, because even idle ones slow others
/// down; bare is measured anew in each repetition, because the machine's own speed drifts by more than what is compared.
/// </summary>
internal sealed class BenchRun(BenchRow[] rows, BenchOptions options, int port, TimeProvider time, Action<string> say)
{
    private const int LeastWarmUpSeconds = 3;
    private const int MostWarmUpSeconds = 20;

    private readonly Uri _url = new($"http://127.0.0.1:{port}/cart");

    /// <summary>The samples of each row, one for each repetition.</summary>
    public Dictionary<BenchRow, List<BenchSample>> Samples { get; } = rows.ToDictionary(row => row, _ => new List<BenchSample>());

    /// <summary>How busy the machine was just before each server was started: what others did to these figures.</summary>
    public List<double> Busy { get; } = [];

    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        for (var repetition = 1; repetition <= options.Repetitions; repetition++)
            foreach (var server in rows.GroupBy(row => row.Server))
                await MeasureAsync(server.Key, [.. server], $"[{repetition} of {options.Repetitions}]", cancellationToken);
    }

    private async Task MeasureAsync(BenchServer server, BenchRow[] kinds, string where, CancellationToken cancellationToken)
    {
        Busy.Add(await Machine.BusyAsync(time, cancellationToken));
        // In the repository and not in /tmp, which may be memory: the disk is part of what is measured.
        var data = Path.Combine(Repository.Root, "artifacts", "bench", server.Name);
        if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
        Directory.CreateDirectory(data);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(10) };
        await using (var store = await server.StartStoreAsync(data, time, cancellationToken))
        await using (var process = await BenchProcess.StartAsync(server, store, _url, data, time, cancellationToken))
        {
            var cookies = await Carts.MakeAsync(client, server, _url, cancellationToken);
            var cookieFile = Path.Combine(data, "cookies");
            await File.WriteAllLinesAsync(cookieFile, cookies, cancellationToken);
            foreach (var kind in kinds)
            {
                var sample = await MeasureAsync(process, store, kind, cookieFile, cancellationToken);
                Samples[kind].Add(sample);
                say($"{where} {kind.Name}: {sample.RequestsPerSecond:N0}/s");
            }
            await Carts.CheckAsync(client, server, _url, cookies, cancellationToken);
        }
        Directory.Delete(data, recursive: true);
    }

    private async Task<BenchSample> MeasureAsync(BenchProcess process, StoreServer? store, BenchRow row, string cookieFile, CancellationToken cancellationToken)
    {
        await WarmUpAsync(row, cookieFile, cancellationToken);
        var (cpuBefore, storeBefore) = (process.CpuTime, store?.CpuTime);
        var load = await LoadGenerator.RunAsync(_url, row.Method, cookieFile, options.Connections, options.Seconds, cancellationToken);
        var cpu = process.CpuTime - cpuBefore;
        return new BenchSample(
            load.Requests / load.Duration.TotalSeconds, load.P50, load.P99,
            cpu / load.Duration, load.Requests == 0 ? 0 : cpu.TotalMicroseconds / load.Requests,
            load.Requests == 0 || store is null ? 0 : (store.CpuTime - storeBefore!.Value).TotalMicroseconds / load.Requests, load.Errors);
    }

    /// <summary>
    /// Second by second until two in a row are no faster than those before: .NET compiles hot code anew in the background, and
    /// how long that takes depends on how busy the machine is.
    /// </summary>
    private async Task WarmUpAsync(BenchRow row, string cookieFile, CancellationToken cancellationToken)
    {
        var (best, level) = (0L, 0);
        for (var second = 1; second <= MostWarmUpSeconds && (second <= LeastWarmUpSeconds || level < 2); second++)
        {
            var load = await LoadGenerator.RunAsync(_url, row.Method, cookieFile, options.Connections, 1, cancellationToken);
            level = load.Requests < best * 1.03 ? level + 1 : 0;
            best = Math.Max(best, load.Requests);
        }
    }
}
