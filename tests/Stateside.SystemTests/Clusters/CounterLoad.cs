using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Stateside.SystemTests.Clusters;

/// <summary>
/// Clients that each add to a counter of their own, one addition after the other: what was acknowledged, what was refused, what is
/// unknown, and the longest time in which no addition of a client succeeded.
/// </summary>
internal sealed class CounterLoad(Uri url, int clients, string counters = "load") : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = clients }) { Timeout = TimeSpan.FromSeconds(30) };
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _acknowledged = new int[clients];
    private readonly int[] _unknown = new int[clients];
    private readonly TimeSpan[] _longest = new TimeSpan[clients];
    private Task[] _running = [];

    /// <summary>Answers that were no success, in words.</summary>
    public ConcurrentBag<string> Failures { get; } = [];

    /// <summary>Values that a client was told twice, or out of order: another took or lost its additions.</summary>
    public ConcurrentBag<string> Wrong { get; } = [];

    public int Acknowledged => _acknowledged.Sum();

    public void Start() => _running = [.. Enumerable.Range(0, clients).Select(RunAsync)];

    /// <summary>The longest gaps since the last call, one for each client.</summary>
    public TimeSpan[] TakeGaps()
    {
        var gaps = (TimeSpan[])_longest.Clone();
        Array.Clear(_longest);
        return gaps;
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
    }

    /// <summary>Compares each counter with what its client knows: nothing acknowledged is missing, nothing refused is there.</summary>
    public async Task CheckAsync()
    {
        Assert.Empty(Wrong);
        for (var i = 0; i < clients; i++)
        {
            var value = (int)(await _http.GetFromJsonAsync<JsonNode>(new Uri(url, $"/counters/{counters}-{i}")))!["value"]!;
            Assert.InRange(value, _acknowledged[i], _acknowledged[i] + _unknown[i]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(int i)
    {
        var (last, at) = (0, TimeProvider.System.GetTimestamp());
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var response = await _http.PostAsJsonAsync(new Uri(url, $"/counters/{counters}-{i}"), new { by = 1 });
                var body = JsonNode.Parse(await response.Content.ReadAsStringAsync());
                if (response.IsSuccessStatusCode)
                {
                    var value = (int)body!["value"]!;
                    if (value <= last) Wrong.Add($"client {i} was told {value} after {last}");
                    (last, _acknowledged[i]) = (value, _acknowledged[i] + 1);
                    var gap = TimeProvider.System.GetElapsedTime(at);
                    if (gap > _longest[i]) _longest[i] = gap;
                    at = TimeProvider.System.GetTimestamp();
                    continue;
                }
                Failures.Add($"{(int)response.StatusCode} {body?["code"]} {body?["applied"]}");
                if ((string?)body?["applied"] != "no") _unknown[i]++;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException or System.Text.Json.JsonException)
            {
                Failures.Add(e.Message);
                _unknown[i]++;
            }
        }
    }
}
