using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Stateside.Check.Tests.Conversations;

/// <summary>A request as it stood on the wire.</summary>
internal sealed record RawRequest(string Method, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body, int Connection)
{
    public string? this[string name] => Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();

    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>An HTTP server that answers with exactly the bytes a test says, since the hostile ones are what no server library sends.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<RawRequest, Stream, CancellationToken, Task> _answer;
    private readonly List<Task> _tasks = [];
    private readonly List<RawRequest> _requests = [];
    private int _connections;

    public RawServer(Func<RawRequest, Stream, CancellationToken, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        _tasks.Add(AcceptAsync());
    }

    /// <summary>One that answers each request with a text: head and body.</summary>
    public RawServer(Func<RawRequest, string> answer)
        : this(async (request, stream, ct) => await stream.WriteAsync(Encoding.Latin1.GetBytes(answer(request)), ct)) { }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public IReadOnlyList<RawRequest> Requests
    {
        get { lock (_requests) return [.. _requests]; }
    }

    /// <summary>A whole response.</summary>
    public static string Response(string status, string body, params string[] headers) =>
        $"HTTP/1.1 {status}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}Content-Length: {Encoding.Latin1.GetByteCount(body)}\r\n\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Task[] all;
        lock (_tasks) all = [.. _tasks];
        await Task.WhenAll(all);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                lock (_tasks) _tasks.Add(ServeAsync(client, ++_connections));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client, int connection)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadAsync(stream, connection) is { } request)
                {
                    lock (_requests) _requests.Add(request);
                    await _answer(request, stream, _stop.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // The client went away, or the test is over.
            }
        }
    }

    private async Task<RawRequest?> ReadAsync(NetworkStream stream, int connection)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!(head.Count >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n'))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0) return null;
            head.Add(one[0]);
        }
        var lines = Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(l => l.Split(':', 2)).Select(p => KeyValuePair.Create(p[0], p[1].Trim())).ToList();
        var length = headers.Where(h => h.Key.Equals("content-length", StringComparison.OrdinalIgnoreCase)).Select(h => int.Parse(h.Value, System.Globalization.CultureInfo.InvariantCulture)).FirstOrDefault();
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, _stop.Token);
        var first = lines[0].Split(' ');
        return new(first[0], first[1], headers, body, connection);
    }
}

/// <summary>A folder for the files of one test.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("check-").FullName;

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public string Write(string name, byte[] bytes)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
