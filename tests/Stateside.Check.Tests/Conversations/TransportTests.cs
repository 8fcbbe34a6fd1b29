using System.IO.Compression;
using System.Text;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;
using Stateside.Testing;

namespace Stateside.Check.Tests.Conversations;

public sealed class TransportTests
{
    private static readonly Scenario Nothing = new("s", [], new Dictionary<string, string>(), []);

    private static Step Get(params KeyValuePair<string, string>[] headers) => new() { Number = 1, Name = "GET /", Method = "GET", Target = "/", Headers = headers };

    private static async Task<Exchange> Ask(RawServer server, Step? step = null, int seconds = 20, int maxBody = 4 << 20)
    {
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions { Timeout = TimeSpan.FromSeconds(seconds), MaxBodyBytes = maxBody }, TimeProvider.System);
        return await talk.SendAsync(step ?? Get(), 0, CancellationToken.None);
    }

    private static RawServer Bytes(string head, byte[] body) => new(async (_, stream, ct) =>
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\n{head}Content-Length: {body.Length}\r\n\r\n"), ct);
        await stream.WriteAsync(body, ct);
    });

    private static byte[] Compress(Func<Stream, Stream> coding, byte[] content)
    {
        var to = new MemoryStream();
        using (var stream = coding(to)) stream.Write(content);
        return to.ToArray();
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("gzip, br")]
    public async Task Codings_are_undone(string coding)
    {
        var body = Encoding.UTF8.GetBytes("hello, hello, hello");
        foreach (var one in coding.Split(", "))
            body = Compress(s => one switch { "br" => new BrotliStream(s, CompressionMode.Compress), "deflate" => new ZLibStream(s, CompressionMode.Compress), _ => new GZipStream(s, CompressionMode.Compress) }, body);
        await using var server = Bytes($"Content-Encoding: {coding}\r\n", body);
        Assert.Equal("hello, hello, hello", Encoding.UTF8.GetString((await Ask(server)).Answer!.Body.Span));
    }

    [Fact]
    public async Task Only_codings_that_can_be_undone_are_asked_for()
    {
        await using var server = new RawServer(_ => RawServer.Response("200 OK", ""));
        await Ask(server, Get(new KeyValuePair<string, string>("Accept-Encoding", "gzip, deflate, br, zstd")));
        await Ask(server, Get(new KeyValuePair<string, string>("Accept-Encoding", "zstd")));
        Assert.Equal(["gzip, deflate, br", "identity"], server.Requests.Select(r => r["Accept-Encoding"]));
    }

    [Fact]
    public async Task A_bomb_of_compressed_zeros_is_cut_at_the_limit()
    {
        var bomb = Compress(s => new GZipStream(s, CompressionLevel.Fastest), new byte[64 << 20]);
        await using var server = Bytes("Content-Encoding: gzip\r\n", bomb);
        var exchange = await Ask(server);
        Assert.Equal((4 << 20, true, null), (exchange.Answer!.Body.Length, exchange.Answer.Truncated, exchange.Trouble));
        Assert.Equal("yes", Facts.Of(exchange)["bytes:truncated"]);
    }

    [Fact]
    public async Task A_body_of_a_hundred_megabytes_is_cut_at_the_limit()
    {
        await using var server = new RawServer(async (_, stream, ct) =>
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {100 << 20}\r\n\r\n"), ct);
            var piece = new byte[1 << 20];
            for (var i = 0; i < 100; i++) await stream.WriteAsync(piece, ct);
        });
        var exchange = await Ask(server, maxBody: 1 << 20);
        Assert.Equal((1 << 20, true), (exchange.Answer!.Body.Length, exchange.Answer.Truncated));
        Assert.Contains("was cut there", exchange.Detail);
    }

    [Fact]
    public async Task A_body_of_exactly_the_limit_is_whole()
    {
        await using var server = Bytes("", new byte[1000]);
        Assert.False((await Ask(server, maxBody: 1000)).Answer!.Truncated);
        Assert.True((await Ask(server, maxBody: 999)).Answer!.Truncated);
    }

    [Fact]
    public async Task Broken_compression_is_a_trouble_and_no_exception()
    {
        await using var server = Bytes("Content-Encoding: gzip\r\n", Encoding.ASCII.GetBytes("this is not gzip at all, truly"));
        var exchange = await Ask(server);
        Assert.Equal((Trouble.BadResponse, "the body is not in the coding that Content-Encoding names"), (exchange.Trouble, exchange.Detail));
    }

    [Fact]
    public async Task A_header_of_over_64_kilobytes_is_a_trouble()
    {
        await using var server = new RawServer(_ => $"HTTP/1.1 200 OK\r\n{string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: {new string('a', 500)}\r\n"))}Content-Length: 0\r\n\r\n");
        var exchange = await Ask(server);
        Assert.Equal((Trouble.BadResponse, "the header is over 64 KiB"), (exchange.Trouble, exchange.Detail));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")]
    [InlineData("HTTP/1.1 banana\r\n\r\n")]
    public async Task What_is_no_http_is_a_trouble(string bytes)
    {
        await using var server = new RawServer(_ => bytes);
        var exchange = await Ask(server);
        Assert.Equal(Trouble.BadResponse, exchange.Trouble);
        Assert.Equal("BadResponse", Facts.Of(exchange)["trouble"]);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_told_apart_by_where_it_broke()
    {
        await using var early = new RawServer((_, stream, _) => { stream.Dispose(); return Task.CompletedTask; });
        Assert.Equal(Trouble.NoConnection, (await Ask(early)).Trouble);
        await using var late = new RawServer(async (_, stream, ct) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"u8.ToArray(), ct);
            stream.Dispose();
        });
        var exchange = await Ask(late);
        Assert.Equal(Trouble.BrokenOff, exchange.Trouble);
        Assert.Equal(("half", true), (Encoding.UTF8.GetString(exchange.Answer!.Body.Span), exchange.Answer.Truncated));
    }

    [Fact]
    public async Task An_unsafe_request_without_body_is_never_sent_twice_when_its_connection_breaks()
    {
        await using var server = new RawServer(async (r, stream, ct) =>
        {
            if (r.Target == "/") await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), ct);
            else stream.Dispose();
        });
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions(), TimeProvider.System);
        await talk.SendAsync(Get(), 0, CancellationToken.None);
        foreach (var method in new[] { "POST", "DELETE", "PUT" })
        {
            await talk.SendAsync(Get(), 0, CancellationToken.None);
            var exchange = await talk.SendAsync(Get() with { Method = method, Target = "/" + method }, 0, CancellationToken.None);
            Assert.Equal(Trouble.NoConnection, exchange.Trouble);
            Assert.Single(server.Requests, r => r.Method == method);
        }
    }

    [Fact]
    public async Task A_service_that_says_nothing_times_out_and_one_that_does_not_end_is_kept_as_far_as_it_came()
    {
        await using var silent = new RawServer((_, _, ct) => Task.Delay(Timeout.Infinite, ct));
        var exchange = await Ask(silent, seconds: 1);
        Assert.Equal((Trouble.TimedOut, null, "nothing came within 1 s"), (exchange.Trouble, exchange.Answer, exchange.Detail));
        await using var endless = new RawServer(async (_, stream, ct) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"u8.ToArray(), ct);
            await Task.Delay(Timeout.Infinite, ct);
        });
        exchange = await Ask(endless, seconds: 4);
        Assert.Equal((Trouble.TimedOut, "hello", true), (exchange.Trouble, Encoding.UTF8.GetString(exchange.Answer!.Body.Span), exchange.Answer.Truncated));
    }

    /// <summary>Silence ends it; who never falls silent is heard for two seconds, or for half of what an answer may take.</summary>
    [Theory]
    [InlineData(false, 10, 0.3), InlineData(true, 10, 2), InlineData(true, 1, 0.5)]
    public async Task A_stream_of_events_is_cut_without_trouble(bool goesOn, double timeout, double heard)
    {
        var (clock, end, silence) = (new ManualClock(), TimeSpan.FromSeconds(heard), TimeSpan.FromSeconds(0.3));
        using var more = new SemaphoreSlim(0);
        await using var server = new RawServer(async (_, stream, ct) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: hi\ndata: {\"n\":1}\n\ndata: two\n\n"u8.ToArray(), ct);
            while (true)
            {
                await more.WaitAsync(ct);
                await stream.WriteAsync("data: more\n\n"u8.ToArray(), ct);
            }
        });
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions { Timeout = TimeSpan.FromSeconds(timeout) }, clock);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var asking = talk.SendAsync(Get(), 0, patience.Token);
        while (clock.Elapsed < end)
        {
            // The clock goes on once what was sent has been heard: then the wait for more begins anew, within what is left.
            var wait = end - clock.Elapsed < silence ? end - clock.Elapsed : silence;
            while (await clock.NextWaitAsync(patience.Token) != wait) await Task.Delay(1, patience.Token);
            Assert.False(asking.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(0.05));
            if (goesOn) more.Release();
        }
        var exchange = await asking;
        Assert.Equal((null, true, end), (exchange.Trouble, exchange.Answer!.Truncated, exchange.Elapsed));
        Assert.Equal(("1", "hi", "two"), (Facts.Of(exchange)["json:$[0].n"], Facts.Of(exchange)["text:event[0]"], Facts.Of(exchange)["text:line[1]"]));
    }

    [Fact]
    public async Task Interim_responses_chunks_trailers_and_head_are_read_right()
    {
        await using var server = new RawServer(r => r.Method == "HEAD"
            ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
            : "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions(), TimeProvider.System);
        var get = await talk.SendAsync(Get(), 0, CancellationToken.None);
        var head = await talk.SendAsync(Get() with { Method = "HEAD" }, 0, CancellationToken.None);
        var again = await talk.SendAsync(Get(), 0, CancellationToken.None);
        Assert.Equal(("abcde", 200, true), (Encoding.UTF8.GetString(get.Answer!.Body.Span), head.Answer!.Status, head.Answer.Body.IsEmpty));
        Assert.Null(get.Answer.Header("x-t"));
        Assert.Equal("abcde", Encoding.UTF8.GetString(again.Answer!.Body.Span));
        Assert.All(server.Requests, r => Assert.Equal(1, r.Connection));
    }

    [Fact]
    public async Task A_web_socket_handshake_is_answered_by_what_the_service_says_to_it()
    {
        await using var server = new RawServer(r => r["Sec-WebSocket-Key"] is { Length: 24 } && r["Connection"] == "Upgrade" && r["Sec-WebSocket-Version"] == "13"
            ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
            : RawServer.Response("426 Upgrade Required", ""));
        var exchange = await Ask(server, Get(new KeyValuePair<string, string>("Upgrade", "websocket")));
        Assert.Equal((101, null), (exchange.Answer!.Status, exchange.Trouble));
        Assert.Null(Facts.Of(exchange)["header:sec-websocket-accept"]);
        Assert.Equal(426, (await Ask(server)).Answer!.Status);
    }

    [Fact]
    public async Task Octets_of_cookies_and_headers_come_back_as_they_were_sent()
    {
        await using var server = new RawServer(r => RawServer.Response("200 OK", "", "Set-Cookie: s=gr\u00FC\u00DF", "X-Back: " + r["Cookie"] + "|" + r["X-Up"]));
        using var talk = new Conversation(Nothing, [server.Url], new ConversationOptions(), TimeProvider.System);
        await talk.SendAsync(Get(), 0, CancellationToken.None);
        var exchange = await talk.SendAsync(Get(new KeyValuePair<string, string>("X-Up", "\u20AC")), 0, CancellationToken.None);
        Assert.Equal("s=gr\u00FC\u00DF|\u00E2\u0082\u00AC", exchange.Answer!.Header("x-back"));
    }
}
