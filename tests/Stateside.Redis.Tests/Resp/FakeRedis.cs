using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Stateside.Redis.Resp;

namespace Stateside.Redis.Tests.Resp;

/// <summary>A server that answers as a test wants: what no real one does on demand.</summary>
internal sealed class FakeRedis : IAsyncDisposable
{
    /// <summary>The answer that never comes.</summary>
    public const string Silence = "";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentBag<Task> _running = [];

    /// <param name="answer">Of a command the bytes to answer; null closes the connection. What it does not know it leaves to <see cref="Usual"/>.</param>
    public FakeRedis(Func<string[], string?> answer)
    {
        _listener.Start();
        _running.Add(AcceptAsync(answer));
    }

    /// <summary>All commands that came, with their arguments.</summary>
    public ConcurrentQueue<string> Commands { get; } = [];

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{Port}");

    /// <summary>What a single server answers when a connection begins.</summary>
    public static string Usual(string[] command) => command[0] switch
    {
        "HELLO" => "%1\r\n+proto\r\n:3\r\n",
        "CLUSTER" => "-ERR This instance has cluster support disabled\r\n",
        "PING" => "+PONG\r\n",
        _ => "+OK\r\n",
    };

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        while (_running.TryTake(out var task)) await task;
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Func<string[], string?> answer)
    {
        try
        {
            while (true) _running.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token), answer));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(TcpClient client, Func<string[], string?> answer)
    {
        using var _ = client;
        var input = PipeReader.Create(client.GetStream());
        var reader = new RespReader(new RespLimits());
        try
        {
            for (var read = await input.ReadAsync(_stopping.Token); !read.IsCompleted; read = await input.ReadAsync(_stopping.Token))
            {
                var buffer = read.Buffer;
                while (reader.TryRead(ref buffer, out var command))
                {
                    string[] words = [.. command.Items.Select(i => i.Text)];
                    Commands.Enqueue(string.Join(' ', words));
                    if (answer(words) is not { } text) return;
                    await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text), _stopping.Token);
                }
                input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client, or the test, has ended.
        }
    }
}
