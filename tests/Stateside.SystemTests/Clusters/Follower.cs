using System.Net;

namespace Stateside.SystemTests.Clusters;

/// <summary>A client of an event stream that comes back whenever the stream ends, as browsers do, with the id that it saw last.</summary>
internal sealed class Follower : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(string? Id, string Data)> _heard = [];
    private readonly Uri _url;
    private readonly Task _following;

    public Follower(Uri url)
    {
        _url = url;
        _following = FollowAsync();
    }

    public (string? Id, string Data)[] Heard
    {
        get
        {
            lock (_heard) return [.. _heard];
        }
    }

    /// <summary>How often it has begun to listen.</summary>
    public int Streams { get; private set; }

    /// <summary>An answer after which no browser would come back; null: none.</summary>
    public string? Refused { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await ListenAsync();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                // The stream was cut; it comes back.
            }
            await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, _stop.Token));
        }
    }

    private async Task ListenAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _url);
        if (Heard is [.., { Id: { } last }]) request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _stop.Token);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            // A gateway that reaches no owner for now says so; a browser's page asks again.
            if ((int)response.StatusCode < 500) Refused = $"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}";
            return;
        }
        Streams++;
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(_stop.Token));
        string? id = null;
        while (await lines.ReadLineAsync(_stop.Token) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line["id: ".Length..];
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            lock (_heard) _heard.Add((id, line["data: ".Length..]));
        }
    }
}
