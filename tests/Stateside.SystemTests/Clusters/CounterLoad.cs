using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Clusters;

/// <summary>
/// Clients that each add to a counter of their own, one addition after the other: what was acknowledged, what was refused, what is
/// unknown, the longest time in which no addition of a client succeeded, and how long they took to come back after an event.
/// </summary>
internal sealed class CounterLoad(Uri url, int clients) : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = clients }) { Timeout = TimeSpan.FromSeconds(30) };
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _acknowledged = new int[clients];
    private readonly int[] _unknown = new int[clients];
    private readonly TimeSpan[] _longest = new TimeSpan[clients];
    private readonly TimeSpan?[] _back = new TimeSpan?[clients];
    private long _eventAt = TimeProvider.System.GetTimestamp();
    private Task[] _running = [];

    /// <summary>Answers that were no success, in words.</summary>
    public ConcurrentBag<string> Failures { get; } = [];

    /// <summary>Values that a client was told twice, or out of order, or that grew by more than it asked for.</summary>
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

    /// <summary>Something happens now: <see cref="AllBackAsync"/> tells how long everybody took to get over it.</summary>
    public void Mark()
    {
        Array.Clear(_back);
        Volatile.Write(ref _eventAt, TimeProvider.System.GetTimestamp());
    }

    /// <summary>Waits until an addition of each client has succeeded that was begun after <see cref="Mark"/>.</summary>
    /// <returns>The time from the mark to the last client's success.</returns>
    public async Task<TimeSpan> AllBackAsync()
    {
        await Eventually.TrueAsync(() => Array.TrueForAll(_back, b => b is not null), TimeSpan.FromSeconds(30), () => $"{_back.Count(b => b is null)} of {clients} do not come back: {string.Join(", ", Failures.Distinct())}");
        return _back.Max()!.Value;
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
            var value = (int)(await _http.GetFromJsonAsync<JsonNode>(new Uri(url, $"/counters/load-{i}")))!["value"]!;
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
        var (last, at, mayBe) = (0, TimeProvider.System.GetTimestamp(), 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var began = TimeProvider.System.GetTimestamp();
                using var response = await _http.PostAsJsonAsync(new Uri(url, $"/counters/load-{i}"), new { by = 1 });
                var body = JsonNode.Parse(await response.Content.ReadAsStringAsync());
                if (response.IsSuccessStatusCode)
                {
                    var value = (int)body!["value"]!;
                    if (value <= last || value > last + 1 + mayBe) Wrong.Add($"client {i} was told {value} after {last}, with {mayBe} unanswered");
                    (last, _acknowledged[i], mayBe) = (value, _acknowledged[i] + 1, mayBe - (value - last - 1));
                    var gap = TimeProvider.System.GetElapsedTime(at);
                    if (gap > _longest[i]) _longest[i] = gap;
                    at = TimeProvider.System.GetTimestamp();
                    if (Volatile.Read(ref _eventAt) is var mark && began >= mark) _back[i] ??= TimeProvider.System.GetElapsedTime(mark);
                    continue;
                }
                Failures.Add($"{(int)response.StatusCode} {body?["code"]} {body?["applied"]}");
                if ((string?)body?["applied"] == "no") continue;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException or System.Text.Json.JsonException)
            {
                Failures.Add(e.Message);
            }
            _unknown[i]++;
            mayBe++;
        }
    }
}
