namespace Stateside.AspNetCore.Tests.Watching;

/// <summary>Reads a stream of Server-Sent Events line by line, as the standard says.</summary>
internal sealed class EventReader : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;
    private string? _id;

    private EventReader(HttpResponseMessage response, Stream body) => (_response, _lines) = (response, new StreamReader(body));

    public HttpResponseMessage Response => _response;

    /// <summary>What <c>retry:</c> said; null: nothing yet.</summary>
    public string? Retry { get; private set; }

    public static async Task<EventReader> OpenAsync(HttpClient client, string path, string? lastEventId = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new EventReader(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event; a comment comes as <c>(id, ":", text)</c>; null at the end.</summary>
    public async Task<(string? Id, string? Name, string Data)?> NextAsync()
    {
        (string? name, List<string> data) = (null, []);
        while (await _lines.ReadLineAsync().WaitAsync(s_patience) is { } line)
        {
            if (line.StartsWith(':')) return (_id, ":", line[1..]);
            if (line.StartsWith("retry: ", StringComparison.Ordinal)) Retry = line["retry: ".Length..];
            else if (line.StartsWith("id: ", StringComparison.Ordinal)) _id = line["id: ".Length..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data.Add(line["data: ".Length..]);
            else if (line.Length > 0) Assert.Fail($"No line of an event stream: {line}");
            else if (data.Count > 0) return (_id, name, string.Join('\n', data));
        }
        return null;
    }

    public ValueTask DisposeAsync()
    {
        _lines.Dispose();
        _response.Dispose();
        return default;
    }
}
