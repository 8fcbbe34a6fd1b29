using System.Text.Json;

namespace Stateside.Tool.Bench;

/// <summary>How to measure.</summary>
/// <param name="Seconds">How long each measurement takes.</param>
/// <param name="Repetitions">How often everything is measured.</param>
/// <param name="Connections">How many requests are on their way at any time; everything is measured with each of these.</param>
/// <param name="Kilobytes">The sizes of the cart; everything is measured with each of these.</param>
internal sealed record BenchOptions(int Seconds, int Repetitions, IReadOnlyList<int> Connections, IReadOnlyList<double> Kilobytes);

/// <summary>A server that was not measured.</summary>
/// <param name="Server">Its name.</param>
/// <param name="Reason">Why, for a person, with the fix where there is one.</param>
/// <param name="IsFault">False if it was known before the run that it cannot be measured here.</param>
internal sealed record LeftOut(string Server, string Reason, bool IsFault);

/// <summary>
/// Measures all rows, one after the other, as often as asked. One server runs at a time, because even idle ones slow others
/// down; bare is measured anew in each repetition, because the machine's own speed drifts by more than what is compared.
/// </summary>
internal sealed class BenchRun(BenchRow[] rows, BenchOptions options, int port, TimeProvider time, Action<string> say)
{
    private const int LeastWarmUpSeconds = 6;
    private const int MostWarmUpSeconds = 20;

    private readonly Uri _url = new($"http://127.0.0.1:{port}/cart");

    /// <summary>The samples of each case, one for each repetition.</summary>
    public Dictionary<BenchCase, List<BenchSample>> Samples { get; } =
        (from size in options.Kilobytes from connections in options.Connections from row in rows select new BenchCase(row, connections, size)).ToDictionary(c => c, _ => new List<BenchSample>());

    /// <summary>How busy the machine was just before each server was started: what others did to these figures.</summary>
    public List<double> Busy { get; } = [];

    /// <summary>What could not be measured. It costs its own rows only, not a run of many minutes.</summary>
    public List<LeftOut> LeftOut { get; } = [];

    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        if (rows.Any(row => row.Server.IsNode) && await NodePackages.EnsureAsync(cancellationToken) is { } reason)
            foreach (var server in rows.Select(row => row.Server).Where(server => server.IsNode).Distinct())
                Drop(server, options.Kilobytes, reason, isFault: false);
        for (var repetition = 1; repetition <= options.Repetitions; repetition++)
            foreach (var size in options.Kilobytes)
                foreach (var server in rows.GroupBy(row => row.Server))
                    await TryMeasureAsync(server.Key, size, [.. server], $"[{repetition} of {options.Repetitions}]", cancellationToken);
    }

    private async Task TryMeasureAsync(BenchServer server, double size, BenchRow[] kinds, string where, CancellationToken cancellationToken)
    {
        if (!Samples.Keys.Any(c => c.Row.Server == server && c.Kilobytes == size)) return;
        if (size > server.MostKilobytes)
        {
            Drop(server, [size], $"a cart of {size} KB does not fit into its cookie", isFault: false);
            return;
        }
        try
        {
            await MeasureAsync(server, size, kinds, where, cancellationToken);
        }
        catch (UsageException e) when (server != BenchServer.Bare)
        {
            Drop(server, [size], e.Message, isFault: true);
        }
    }

    private void Drop(BenchServer server, IEnumerable<double> sizes, string reason, bool isFault)
    {
        foreach (var each in Samples.Keys.Where(c => c.Row.Server == server && sizes.Contains(c.Kilobytes)).ToList()) Samples.Remove(each);
        LeftOut.Add(new(server.Name, reason, isFault));
        say($"{server.Name} is left out: {reason}");
    }

    private async Task MeasureAsync(BenchServer server, double size, BenchRow[] kinds, string where, CancellationToken cancellationToken)
    {
        Busy.Add(await Machine.BusyAsync(time, cancellationToken));
        var lines = Carts.Lines(size);
        var data = BenchProcess.NewData(server);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(10) };
        await using (var store = await server.StartStoreAsync(data, time, cancellationToken))
        await using (var process = await BenchProcess.StartAsync(server, store, _url, data, lines, time, cancellationToken))
        {
            var cookies = await Carts.MakeAsync(client, server, _url, lines, cancellationToken);
            var cookieFile = Path.Combine(data, "cookies");
            await File.WriteAllLinesAsync(cookieFile, cookies, cancellationToken);
            var cases = (from kind in kinds from connections in options.Connections select new BenchCase(kind, connections, size)).ToList();
            // All kinds before the first is timed: they share most of their code, and the first would otherwise pay for its compilation.
            foreach (var each in cases.DistinctBy(c => c.Row)) await WarmUpAsync(process, each, cookieFile, cancellationToken);
            foreach (var each in cases)
            {
                var sample = await MeasureAsync(process, store, each, cookieFile, cancellationToken);
                Samples[each].Add(sample);
                say($"{where} {each.Row.Name}, {size} KB, {each.Connections} connections: {sample.RequestsPerSecond:N0}/s");
            }
            // Counting costs a little, so it begins when everything has been timed.
            foreach (var each in cases)
                if (server.Store is not null) Samples[each][^1] = Samples[each][^1] with { TripsPerRequest = await CountTripsAsync(client, each, cookieFile, cancellationToken) };
            await Carts.CheckAsync(client, server, _url, lines, cookies, cancellationToken);
        }
        Directory.Delete(data, recursive: true);
    }

    private async Task<BenchSample> MeasureAsync(BenchProcess process, ServerProgram? store, BenchCase each, string cookieFile, CancellationToken cancellationToken)
    {
        var (cpuBefore, storeBefore) = (process.CpuTime, store?.CpuTime);
        var load = await LoadGenerator.RunAsync(_url, each.Row.Method, cookieFile, each.Connections, options.Seconds, cancellationToken);
        var cpu = process.CpuTime - cpuBefore;
        return new BenchSample(
            load.Requests / load.Duration.TotalSeconds, load.P50, load.P99,
            cpu / load.Duration, load.Requests == 0 ? 0 : cpu.TotalMicroseconds / load.Requests,
            load.Requests == 0 || store is null ? 0 : (store.CpuTime - storeBefore!.Value).TotalMicroseconds / load.Requests,
            null, load.RequestBytes, load.ResponseBytes, load.Errors);
    }

    private async Task<double> CountTripsAsync(HttpClient client, BenchCase each, string cookieFile, CancellationToken cancellationToken)
    {
        var before = await CountsAsync(client, _url, cancellationToken);
        var load = await LoadGenerator.RunAsync(_url, each.Row.Method, cookieFile, each.Connections, 1, cancellationToken);
        var after = await CountsAsync(client, _url, cancellationToken);
        return load.Requests == 0 ? 0 : (double)(after.Trips - before.Trips) / load.Requests;
    }

    /// <summary>What a server says it has counted; the first question begins the count.</summary>
    public static async Task<(long Trips, long Reruns)> CountsAsync(HttpClient client, Uri url, CancellationToken cancellationToken)
    {
        using var json = JsonDocument.Parse(await client.GetStringAsync(new Uri(url, "/counts"), cancellationToken));
        return (json.RootElement.GetProperty("trips").GetInt64(), json.RootElement.GetProperty("reruns").GetInt64());
    }

    /// <summary>
    /// Second by second until two in a row are no faster than those before, and left alone after each: under full load a server
    /// was seen to stay at a third of its speed for eight seconds, level all the while, because it was not compiled.
    /// </summary>
    private async Task WarmUpAsync(BenchProcess process, BenchCase each, string cookieFile, CancellationToken cancellationToken)
    {
        var (best, level) = (0L, 0);
        for (var second = 1; second <= MostWarmUpSeconds && (second <= LeastWarmUpSeconds || level < 2); second++)
        {
            var load = await LoadGenerator.RunAsync(_url, each.Row.Method, cookieFile, each.Connections, 1, cancellationToken);
            level = load.Requests < best * 1.03 ? level + 1 : 0;
            best = Math.Max(best, load.Requests);
            await process.SettleAsync(cancellationToken);
        }
    }
}
