using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Stateside.Check.Conversations;

/// <summary>
/// What is said over a WebSocket (RFC 6455) once its handshake was answered 101: the step's messages are sent, and what comes back becomes the body of its answer, a line
/// for each message.
/// </summary>
internal sealed class WebSocketTalk : IDisposable
{
    /// <summary>Begins the line between two messages of a step, as JetBrains writes it; with <c>wait-for-server</c> behind it, the next is sent once a message came.</summary>
    public const string Separator = "===";

    private const int MaxMessages = 200;
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(3);

    private readonly WebSocket _socket;
    private readonly int _maxBytes;
    private readonly TimeProvider _time;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly MemoryStream _message = new();
    private readonly StringBuilder _heard = new();
    private Task<WebSocketReceiveResult>? _receiving;
    private int _count;
    private bool _isOver;
    private bool _isCut;

    private WebSocketTalk(Stream connection, int maxBytes, TimeProvider time)
    {
        (_maxBytes, _time) = (maxBytes, time);
        _socket = WebSocket.CreateFromStream(connection, new WebSocketCreationOptions { KeepAliveInterval = TimeSpan.Zero });
    }

    /// <summary>Whether a request asks for a WebSocket.</summary>
    public static bool Asks(IEnumerable<KeyValuePair<string, string>> headers) =>
        headers.Any(h => h.Key.Equals("Upgrade", StringComparison.OrdinalIgnoreCase) && h.Value.Trim().Equals("websocket", StringComparison.OrdinalIgnoreCase));

    /// <summary>Sends the messages and listens until the service has been silent for a quarter of a second, has closed, or 3 seconds have gone.</summary>
    /// <param name="connection">The connection after the head of the response.</param>
    /// <param name="body">The messages, divided by lines that begin with <see cref="Separator"/>.</param>
    /// <param name="maxBytes">The most characters that are kept.</param>
    /// <param name="time">For the silence.</param>
    /// <param name="ct">Breaks it off.</param>
    /// <returns>What came, a line for each message, JSON without its white space; that the service closed or broke off is a line too. And whether there was more.</returns>
    public static async Task<(ReadOnlyMemory<byte> Heard, bool Truncated)> HoldAsync(Stream connection, ReadOnlyMemory<byte> body, int maxBytes, TimeProvider time, CancellationToken ct)
    {
        using var talk = new WebSocketTalk(connection, maxBytes, time);
        using var end = new CancellationTokenSource(s_most, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, end.Token);
        try
        {
            foreach (var (message, waits) in Messages(Encoding.UTF8.GetString(body.Span)))
            {
                if (waits) await talk.HearAsync(s_most, both.Token);
                if (talk._isOver) break;
                await talk._socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, both.Token);
            }
            while (!talk._isOver && await talk.HearAsync(s_quiet, both.Token)) { }
            if (talk._socket.State == WebSocketState.Open) await talk._socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Who talks without end is cut, as a stream of events is.
            talk._isCut = true;
        }
        catch (Exception e) when (e is WebSocketException or IOException)
        {
            talk.Append("(broken off)");
        }
        return (Encoding.UTF8.GetBytes(talk._heard.ToString()), talk._isCut);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static IEnumerable<(string Message, bool Waits)> Messages(string body)
    {
        var lines = new List<string>();
        var waits = false;
        foreach (var line in body.Split('\n').Select(l => l.TrimEnd('\r')).Append(Separator))
        {
            if (!line.StartsWith(Separator, StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }
            if (lines.Exists(l => l.Length > 0)) yield return (string.Join('\n', lines), waits);
            lines.Clear();
            waits = line.Contains("wait-for-server", StringComparison.Ordinal);
        }
    }

    /// <summary>Waits for the next message.</summary>
    /// <returns>Whether one came.</returns>
    private async Task<bool> HearAsync(TimeSpan within, CancellationToken ct)
    {
        while (true)
        {
            // One that is still awaited when the silence is over goes on, since a WebSocket takes no second one and breaks when one is cancelled.
            _receiving ??= _socket.ReceiveAsync(_buffer, CancellationToken.None);
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
            if (await Task.WhenAny(_receiving, Task.Delay(within, _time, silence.Token)) != _receiving)
            {
                ct.ThrowIfCancellationRequested();
                return false;
            }
            await silence.CancelAsync();
            var received = await _receiving;
            _receiving = null;
            if (received.MessageType == WebSocketMessageType.Close)
            {
                Append($"(closed by the service: {(int?)received.CloseStatus}{(received.CloseStatusDescription is { Length: > 0 } why ? " " + why : "")})");
                _isOver = true;
                return false;
            }
            _message.Write(_buffer, 0, received.Count);
            if (_heard.Length + _message.Length > _maxBytes)
            {
                _isOver = _isCut = true;
                return false;
            }
            if (!received.EndOfMessage) continue;
            Append(received.MessageType == WebSocketMessageType.Text ? Line(_message.ToArray()) : Convert.ToBase64String(_message.ToArray()));
            _message.SetLength(0);
            _isOver = _isCut = ++_count == MaxMessages;
            return true;
        }
    }

    /// <summary>A message as one line, so that its facts are read line by line.</summary>
    private static string Line(byte[] message)
    {
        try
        {
            return JsonNode.Parse(message, documentOptions: new JsonDocumentOptions { MaxDepth = 64 })?.ToJsonString() ?? "null";
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Encoding.UTF8.GetString(message).ReplaceLineEndings("\\n");
        }
    }

    private void Append(string line) => _heard.Append(_heard.Length > 0 ? "\n" : "").Append(line);
}
