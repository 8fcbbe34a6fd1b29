using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>The forwarder as a proxy, from the client's end and from the owner's.</summary>
public sealed class ForwarderTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("GET", 0), InlineData("POST", 0), InlineData("POST", 1), InlineData("PUT", 100_000), InlineData("DELETE", 10), InlineData("PURGE", 3)]
    public async Task Method_and_body_arrive_whole(string method, int length)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.Response.Headers["X-Method"] = c.Request.Method;
            await c.Request.Body.CopyToAsync(c.Response.Body);
        }));
        var body = new byte[length];
        Random.Shared.NextBytes(body);
        using var request = new HttpRequestMessage(new HttpMethod(method), "/") { Content = method == "GET" ? null : new ByteArrayContent(body) };
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal(method, response.Headers.GetValues("X-Method").Single());
        Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task At_the_end_of_the_process_a_request_is_refused_as_one_that_nobody_has_seen()
    {
        var handshake = new NodeHandshake(() => new byte[32], () => new NodePeer("front", 3), TimeProvider.System);
        var forwarder = new HttpForwarder(handshake, new KestrelServerOptions(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System);
        await forwarder.DisposeAsync();
        var context = new DefaultHttpContext { Request = { Method = "POST", Path = "/", Scheme = "http", Host = new HostString("shop.example") } };
        var refused = await Assert.ThrowsAsync<StatesideException>(() => forwarder.SendAsync(context, new NodeAddress("owner", 7, "127.0.0.1", 1), 1, 1, false, CancellationToken.None));
        Assert.Equal(("SS4001", Stateside.Stores.Applied.No), (refused.Code, refused.Applied));
    }

    [Theory]
    [InlineData("GET /a%2Fb/%252e/x//y?q=%2F&r=a+b HTTP/1.1", "/a%2Fb/%252e/x//y?q=%2F&r=a+b")]
    [InlineData("GET /a;b=1/(c)'!*?x=[1]|{} HTTP/1.1", "/a;b=1/(c)'!*?x=[1]|{}")]
    [InlineData("OPTIONS * HTTP/1.1", "*")]
    public async Task The_target_arrives_byte_for_byte(string line, string target)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c => c.Response.WriteAsync(c.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget)));
        Assert.EndsWith(target, await RawAsync(pair.Client.BaseAddress!, $"{line}\r\nHost: shop.example\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_lengths_the_nodes_believe_the_same_one()
    {
        var seen = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            using var body = new StreamReader(c.Request.Body);
            seen.Enqueue($"{c.Request.Method} {c.Request.Path} [{await body.ReadToEndAsync()}]");
        }));
        await RawAsync(pair.Client.BaseAddress!, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        // The server ends such a connection after its first request, so what follows reaches nobody.
        Assert.Equal(["POST / []"], seen);
    }

    [Fact]
    public async Task An_owner_that_does_not_read_holds_the_client_back()
    {
        const int Block = 64 * 1024;
        var sent = 0;
        var go = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await go.Task;
            await c.Request.Body.CopyToAsync(Stream.Null);
        }));
        using var client = new TcpClient { SendBufferSize = Block };
        await client.ConnectAsync(pair.Client.BaseAddress!.Host, pair.Client.BaseAddress.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {800 * Block}\r\n\r\n"));
        client.Client.Blocking = false;
        // The socket takes no more long before the end: nobody buffers 50 MB.
        while (sent < 800 * Block && client.Client.Poll(TimeSpan.FromSeconds(1), SelectMode.SelectWrite)) sent += client.Client.Send(new byte[Math.Min(Block, (800 * Block) - sent)]);
        Assert.InRange(sent, Block, 16 * 1024 * 1024);
        go.SetResult();
        client.Client.Blocking = true;
        for (; sent < 800 * Block; sent += Block) await stream.WriteAsync(new byte[Math.Min(Block, (800 * Block) - sent)]).AsTask().WaitAsync(Soon);
        Assert.StartsWith("HTTP/1.1 200", await new StreamReader(stream).ReadToEndAsync().WaitAsync(Soon), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_owner_sees_the_client_and_a_forged_hop_has_no_effect()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
        {
            var hop = c.Features.Get<INodeHop>();
            return c.Response.WriteAsync($"{c.Request.Host} {c.Request.Scheme} {c.Connection.RemotePort} {hop?.PeerName} {hop?.Hops} {hop?.View} [{c.Request.Headers["Stateside-Hop"]}] {c.Request.Headers["X-Forwarded-For"]}");
        }));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = "shop.example";
        request.Headers.Add("Stateside-Hop", "9 9 request 6.6.6.6:6 https evil");
        request.Headers.Add("X-Forwarded-For", "192.0.2.9");
        var text = await (await pair.Client.SendAsync(request)).Content.ReadAsStringAsync();
        Assert.Matches(@"^shop\.example http \d+ front 1 42 \[\] 192\.0\.2\.9$", text);
        request.Dispose();

        using var direct = new HttpRequestMessage(HttpMethod.Get, new Uri(pair.OwnerUrl, "/"));
        direct.Headers.Add("Stateside-Hop", "1 9 request 6.6.6.6:6 https evil");
        Assert.Matches(@"^127\.0\.0\.1:\d+ http \d+    \[\] $", await (await new HttpClient().SendAsync(direct)).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Headers_keep_their_values_and_those_of_the_connection_stay_behind()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
        {
            c.Response.Headers.SetCookie = new(["a=1", "b=2"]);
            return c.Response.WriteAsync(string.Join('|', c.Request.Headers.Select(h => h.Key.ToLowerInvariant() + "=" + h.Value)));
        }));
        var answer = await RawAsync(pair.Client.BaseAddress!, "GET / HTTP/1.0\r\nHost: h\r\nConnection: X-Other, X-Named\r\nX-Named: 1\r\nKeep-Alive: 5\r\nCookie: x=\"y z\"; w=é\r\nX-Odd: a, \"b\";q=é\r\nUser-Agent: (odd\r\nContent-Type: text/x; odd\r\nTE: trailers\r\n\r\n");
        Assert.Contains("cookie=x=\"y z\"; w=é|", answer, StringComparison.Ordinal);
        Assert.Contains("x-odd=a, \"b\";q=é", answer, StringComparison.Ordinal);
        Assert.Contains("user-agent=(odd", answer, StringComparison.Ordinal);
        Assert.Contains("content-type=text/x; odd", answer, StringComparison.Ordinal);
        Assert.Contains("te=trailers", answer, StringComparison.Ordinal);
        Assert.Contains("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("x-named=1|", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("keep-alive", answer, StringComparison.Ordinal);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(answer, "\r\nDate:"));
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(answer, "\r\nServer:"));
    }

    [Fact]
    public void The_connection_header_names_what_stays_behind() =>
        Assert.Equal(["close", "X-Named"], HopHeaders.Named("close, X-Named")!);

    [Fact]
    public async Task An_event_arrives_before_the_next_is_written_and_a_client_that_goes_is_noticed()
    {
        var gone = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.Response.ContentType = "text/event-stream";
            await c.Response.WriteAsync("data: 1\n\n");
            await c.Response.Body.FlushAsync();
            c.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        }));
        using (var response = await pair.Client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead))
        {
            var stream = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[9];
            await stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(Soon);
            Assert.Equal("data: 1\n\n", Encoding.ASCII.GetString(buffer));
        }
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(HttpProtocols.Http1), InlineData(HttpProtocols.Http2)]
    public async Task A_response_that_the_owner_cuts_never_ends_cleanly(HttpProtocols front)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await c.Response.WriteAsync("half");
            await c.Response.Body.FlushAsync();
            c.Abort();
        }), new Pair { Front = front });
        await Assert.ThrowsAsync<HttpRequestException>(() => pair.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task Trailers_of_the_response_arrive()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.Response.DeclareTrailer("X-Sum");
            await c.Response.WriteAsync("body");
            c.Response.AppendTrailer("X-Sum", "7");
        }), new Pair { Front = HttpProtocols.Http2 });
        using var response = await pair.Client.GetAsync("/");
        await response.Content.ReadAsStringAsync();
        Assert.Equal("7", response.TrailingHeaders.GetValues("X-Sum").Single());
    }

    [Fact]
    public async Task A_node_that_is_not_there_was_sent_nothing()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c => c.Response.WriteAsync("?")));
        pair.Owner = pair.Owner with { Incarnation = 99, Port = 1 };
        Assert.Equal("NotSent 0 True", await Text(pair.Client.PostAsync("/", new StringContent("x"))));
        // The right port, but another start of the node: the handshake finds it out.
        pair.Owner = pair.Owner with { Incarnation = 98, Port = pair.OwnerPort.Port };
        Assert.Equal("NotSent 0 True", await Text(pair.Client.PostAsync("/", new StringContent("x"))));
    }

    [Fact]
    public async Task A_node_that_is_not_the_owner_misdirects_and_one_that_dies_loses()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            if (c.Request.Path == "/die")
            {
                await c.Request.Body.CopyToAsync(Stream.Null);
                c.Abort();
                return;
            }
            c.Response.StatusCode = 421;
            if (c.Request.Path == "/view") c.Response.Headers["Stateside-View"] = "77";
        }));
        Assert.Equal("Misdirected 77 True", await Text(pair.Client.GetAsync("/view")));
        using (var relayed = await pair.Client.GetAsync("/")) Assert.Equal(421, (int)relayed.StatusCode);
        Assert.Equal("Lost 0 False", await Text(pair.Client.PostAsync("/die", new StringContent("x"))));
    }

    /// <summary>Somebody still asks for an earlier start of the node, as its view is a moment old, and the way to the present one is made anew.</summary>
    [Fact]
    public async Task A_request_that_was_sent_is_never_taken_for_unsent_because_the_way_was_made_twice()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await c.Request.Body.CopyToAsync(Stream.Null);
            if (c.Request.Path == "/die") c.Abort();
        }));
        var present = pair.Owner;
        using (var first = await pair.Client.GetAsync("/")) Assert.Equal(200, (int)first.StatusCode);
        pair.Owner = present with { Incarnation = 6 };
        Assert.Equal("NotSent 0 True", await Text(pair.Client.GetAsync("/")));
        pair.Owner = present;
        Assert.Equal("Lost 0 False", await Text(pair.Client.PostAsync("/die", new StringContent("x"))));
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(16_383), InlineData(16_384), InlineData(16_385), InlineData(16_408), InlineData(32_768), InlineData(40_000), InlineData(300_000)]
    public async Task A_response_of_any_length_arrives_whole(int length)
    {
        var body = new byte[length];
        Random.Shared.NextBytes(body);
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await c.Request.Body.CopyToAsync(Stream.Null);
            c.Response.ContentLength = length;
            await c.Response.Body.WriteAsync(body);
        }));
        for (var i = 0; i < 20; i++)
        {
            using var response = await pair.Client.PostAsync("/", new StringContent("x")).WaitAsync(Soon);
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync().WaitAsync(Soon));
        }
    }

    [Fact]
    public async Task What_was_lost_never_passes_for_unsent_also_where_an_earlier_start_of_the_node_was_asked_meanwhile()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
        {
            if (c.Request.Path == "/die") c.Abort();
            return Task.CompletedTask;
        }));
        var owner = pair.Owner;
        (await pair.Client.GetAsync("/")).EnsureSuccessStatusCode();
        // Somebody whose view is old asks the start before.
        pair.Owner = owner with { Incarnation = 6, Port = 1 };
        Assert.Equal("NotSent 0 True", await Text(pair.Client.GetAsync("/")));
        pair.Owner = owner;
        Assert.Equal("Lost 0 True", await Text(pair.Client.GetAsync("/die")));
    }

    [Fact]
    public async Task A_request_that_goes_in_circles_is_refused_unapplied()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c => c.Response.WriteAsync("?")), new Pair { Hops = 4 });
        using var response = await pair.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        var problem = await response.Content.ReadAsStringAsync();
        Assert.Contains("SS4008", problem, StringComparison.Ordinal);
        Assert.Contains("\"applied\":\"no\"", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_requests_at_once_share_one_connection()
    {
        var all = new TaskCompletionSource();
        var connections = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var count = 0;
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            connections[c.Connection.Id] = 1;
            if (c.Request.Path == "/first") return;
            if (Interlocked.Increment(ref count) == 1000) all.SetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }));
        // Once the connection stands, the front knows how many streams it may have.
        (await pair.Client.GetAsync("/first")).EnsureSuccessStatusCode();
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async _ => (await pair.Client.GetAsync("/")).EnsureSuccessStatusCode()));
        Assert.Single(connections);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1), InlineData(HttpProtocols.Http2)]
    public async Task A_WebSocket_speaks_and_closes_through_the_node(HttpProtocols front)
    {
        await using var pair = await Pair.StartAsync(app => app.Map("/ws", async (HttpContext c) =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync("chat");
            var buffer = new byte[100];
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (got.MessageType == WebSocketMessageType.Close) break;
                await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, CancellationToken.None);
            }
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
        }), new Pair { Front = front });
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("chat");
        client.Options.HttpVersion = front == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        await client.ConnectAsync(new UriBuilder(pair.Client.BaseAddress!) { Scheme = "ws", Path = "/ws" }.Uri, invoker, CancellationToken.None).WaitAsync(Soon);
        Assert.Equal("chat", client.SubProtocol);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var reply = new byte[100];
        var result = await client.ReceiveAsync(reply, CancellationToken.None).WaitAsync(Soon);
        Assert.Equal(("hello", WebSocketMessageType.Text), (Encoding.ASCII.GetString(reply, 0, result.Count), result.MessageType));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).WaitAsync(Soon);
        Assert.Equal("bye", client.CloseStatusDescription);
    }

    private static async Task<string> Text(Task<HttpResponseMessage> sending)
    {
        using var response = await sending;
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<string> RawAsync(Uri address, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        var answer = await reader.ReadToEndAsync().WaitAsync(Soon);
        // The chunks of the body, joined.
        return System.Text.RegularExpressions.Regex.Replace(answer, "\r\n[0-9a-f]+\r\n(?=.)|\r\n0\r\n\r\n$", "\r\n").TrimEnd('\r', '\n');
    }
}
