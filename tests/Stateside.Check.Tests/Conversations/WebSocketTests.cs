using System.Net.WebSockets;
using System.Text;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Conversations;

public sealed class WebSocketTests
{
    private static readonly Scenario Nothing = new("s", [], new Dictionary<string, string>(), []);

    private static Step Open(string? messages = null) =>
        new() { Number = 1, Name = "open", Method = "GET", Target = "/chat", Headers = [new("Upgrade", "websocket")], Body = messages is null ? null : new(messages, null) };

    private static RawServer Chat(Func<WebSocket, CancellationToken, Task> talk) => new(async (request, stream, ct) =>
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), ct);
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
        await talk(socket, ct);
    });

    private static async Task<string> HearAsync(WebSocket socket, CancellationToken ct)
    {
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, (await socket.ReceiveAsync(buffer, ct)).Count);
    }

    private static Task SayAsync(WebSocket socket, string text, CancellationToken ct) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, ct);

    private static async Task<Exchange> Ask(RawServer server, Step step, int maxBody = 4 << 20)
    {
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions { MaxBodyBytes = maxBody }, TimeProvider.System);
        return await talk.SendAsync(step, 0, CancellationToken.None);
    }

    private static string Heard(Exchange exchange) => Encoding.UTF8.GetString(exchange.Answer!.Body.Span);

    [Fact]
    public async Task Messages_are_sent_and_what_comes_back_is_the_body()
    {
        await using var server = Chat(async (socket, ct) =>
        {
            await SayAsync(socket, "welcome", ct);
            for (var i = 0; i < 2; i++) await SayAsync(socket, $"heard: {await HearAsync(socket, ct)}", ct);
            await HearAsync(socket, ct);
        });
        var exchange = await Ask(server, Open("one\n===\ntwo\nlines"));
        Assert.Equal((101, null, "welcome\nheard: one\nheard: two\\nlines"), (exchange.Answer!.Status, exchange.Trouble, Heard(exchange)));
        Assert.Empty(Assert.Single(server.Requests).Body);
    }

    [Fact]
    public async Task A_message_waits_for_one_of_the_service_where_the_step_says_so()
    {
        var early = false;
        await using var server = Chat(async (socket, ct) =>
        {
            var first = HearAsync(socket, ct);
            early = await Task.WhenAny(first, Task.Delay(100, ct)) == first;
            await SayAsync(socket, "now", ct);
            await SayAsync(socket, $"thanks for {await first}", ct);
            await HearAsync(socket, ct);
        });
        Assert.Equal("now\nthanks for it", Heard(await Ask(server, Open("=== wait-for-server\nit"))));
        Assert.False(early);
    }

    [Fact]
    public async Task Facts_of_JSON_messages_are_those_of_its_members()
    {
        await using var server = Chat(async (socket, ct) =>
        {
            await SayAsync(socket, "{\n  \"room\": \"a\"\n}", ct);
            await SayAsync(socket, "{\"room\":\"b\"}", ct);
            await HearAsync(socket, ct);
        });
        var facts = Facts.Of(await Ask(server, Open()));
        Assert.Equal(("a", "b"), (facts["json:$[0].room"], facts["json:$[1].room"]));
    }

    [Fact]
    public async Task A_close_and_a_broken_connection_are_told()
    {
        await using var closes = Chat((socket, ct) => socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, "who are you?", ct));
        Assert.Equal("(closed by the service: 1008 who are you?)", Heard(await Ask(closes, Open())));
        await using var breaks = Chat(async (socket, ct) => { await SayAsync(socket, "a", ct); socket.Abort(); });
        Assert.Equal("a\n(broken off)", Heard(await Ask(breaks, Open())));
    }

    [Fact]
    public async Task Who_talks_without_end_is_cut()
    {
        await using var server = Chat(async (socket, ct) =>
        {
            try
            {
                while (true) await SayAsync(socket, new string('x', 100), ct);
            }
            catch (Exception e) when (e is IOException or WebSocketException)
            {
                // The client is gone, as it should.
            }
        });
        var exchange = await Ask(server, Open(), maxBody: 1000);
        Assert.True(exchange.Answer!.Truncated);
        Assert.InRange(exchange.Answer.Body.Length, 800, 1100);
    }

    [Fact]
    public async Task A_WebSocket_over_which_something_is_said_counts_as_a_write_and_is_shown_without_its_messages_in_curl()
    {
        Assert.Equal((true, false), (Open().IsSafe, Open("x").IsSafe));
        await using var server = Chat(async (socket, ct) => await HearAsync(socket, ct));
        var script = Curl.Of([await Ask(server, Open("hello"))]);
        Assert.Contains("websocat", script, StringComparison.Ordinal);
        Assert.DoesNotContain("hello", script, StringComparison.Ordinal);
        Assert.Contains("-H 'Upgrade: websocket'", script, StringComparison.Ordinal);
    }
}
