using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.TestHost;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>The odd ends of HTTP, through two nodes as through one.</summary>
public sealed class ProxyTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task An_absolute_target_arrives_as_it_came_and_names_the_host()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
            c.Response.WriteAsync($"{c.Request.Host} {c.Request.Path} {c.Request.QueryString} {c.Features.Get<IHttpRequestFeature>()!.RawTarget}")));
        var answer = await RawAsync(pair, "GET http://shop.example/a%2Fb?q=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        Assert.Contains("shop.example /a%2Fb ?q=1 http://shop.example/a%2Fb?q=1", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_HTTP_1_0_gets_a_body_that_ends_with_the_connection()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await c.Response.WriteAsync($"[{c.Request.Host}]");
            await c.Response.Body.FlushAsync();
            await c.Request.Body.CopyToAsync(c.Response.Body);
        }));
        var answer = await RawAsync(pair, "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody");
        Assert.DoesNotContain("Transfer-Encoding", answer, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\n[]body", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_in_chunks_arrives_whole_and_its_trailers_stay_behind()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            using var body = new StreamReader(c.Request.Body);
            var text = await body.ReadToEndAsync();
            await c.Response.WriteAsync($"{text} {c.Request.ContentLength} {(c.Request.CheckTrailersAvailable() ? c.Request.GetTrailer("X-Sum").ToString() : "?")}|{c.Request.Headers["X-Sum"]}|");
        }));
        var answer = await RawAsync(pair, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n");
        // The client of .NET cannot send them on (docs/clusters.md says so): they are gone, and never mistaken for headers.
        Assert.Contains("abcde  ||", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_waits_for_100_sends_its_body_when_the_owner_asks_for_it_and_not_before()
    {
        var go = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            await go.Task;
            if (c.Request.Path == "/no") c.Response.StatusCode = 417;
            else await c.Request.Body.CopyToAsync(c.Response.Body);
        }));
        using var client = await ConnectAsync(pair);
        var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        await WriteAsync(client, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        var line = reader.ReadLineAsync();
        Assert.False(line.IsCompleted);
        go.SetResult();
        Assert.Equal("HTTP/1.1 100 Continue", await line.WaitAsync(Soon));
        Assert.Equal("", await reader.ReadLineAsync().WaitAsync(Soon));
        await WriteAsync(client, "body");
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync().WaitAsync(Soon));

        Assert.StartsWith("HTTP/1.1 417", await RawAsync(pair, "POST /no HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_without_a_body_keep_their_heads_and_leave_the_connection_in_step()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.Response.Headers.ETag = "\"1\"";
            if (c.Request.Path == "/head") c.Response.ContentLength = 5000;
            else if (c.Request.Path == "/last") await c.Response.WriteAsync("done");
            else c.Response.StatusCode = int.Parse(c.Request.Path.Value![1..], System.Globalization.CultureInfo.InvariantCulture);
        }));
        var answer = await RawAsync(pair,
            "HEAD /head HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        var answers = answer.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["200", "204", "304", "200"], answers.Select(a => a[..3]));
        Assert.Contains("Content-Length: 5000", answers[0], StringComparison.Ordinal);
        Assert.All(answers, a => Assert.Contains("ETag: \"1\"", a, StringComparison.Ordinal));
        Assert.All(answers[..3], a => Assert.EndsWith("\r\n\r\n", a, StringComparison.Ordinal));
        Assert.DoesNotContain("Content-Length", answers[1] + answers[2], StringComparison.Ordinal);
        Assert.Contains("done", answers[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n", 100, 50), InlineData("Transfer-Encoding: chunked\r\n\r\n64\r\n", 100, 50), InlineData("Content-Length: 100\r\n\r\n", 50, 100)]
    public async Task A_body_beyond_the_limit_of_either_node_is_answered_with_413(string head, int front, int owner)
    {
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = owner;
            await c.Request.Body.CopyToAsync(Stream.Null);
        }), new Pair { FrontOptions = k => k.Limits.MaxRequestBodySize = front });
        Assert.StartsWith("HTTP/1.1 413", await RawAsync(pair, $"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{head}{new string('x', 100)}\r\n0\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Very_many_and_very_large_headers_pass_up_to_the_limits_of_the_first_node()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
        {
            for (var i = 0; i < 500; i++) c.Response.Headers[$"X-Back-{i}"] = $"{i}";
            return c.Response.WriteAsync($"{c.Request.Headers.Count(h => h.Key.StartsWith("X-Many-", StringComparison.OrdinalIgnoreCase))} {c.Request.Headers["X-Large"].ToString().Length}");
        }));
        var many = string.Concat(Enumerable.Range(0, 90).Select(i => $"X-Many-{i}: {i}\r\n"));
        string Get(int large) => $"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{many}X-Large: {new string('x', large)}\r\n\r\n";
        var answer = await RawAsync(pair, Get(30_000));
        Assert.Contains("90 30000", answer, StringComparison.Ordinal);
        Assert.Equal(500, answer.Split("\r\nx-back-").Length - 1);
        Assert.StartsWith("HTTP/1.1 431", await RawAsync(pair, Get(33_000)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_head_beyond_all_measure_is_not_relayed_and_its_outcome_is_unknown()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(c =>
        {
            c.Response.Headers["X-Large"] = new string('x', 200 * 1024);
            return Task.CompletedTask;
        }));
        using var response = await pair.Client.GetAsync("/");
        Assert.Equal("Lost 0 True", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_stream_goes_on_to_its_end_while_its_owner_stops_and_new_requests_find_a_closed_door()
    {
        var go = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            if (c.Request.Path != "/stream") return;
            await c.Response.WriteAsync("one");
            await c.Response.Body.FlushAsync();
            await go.Task;
            await c.Response.WriteAsync("two");
        }));
        using var response = await pair.Client.GetAsync("/stream", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var buffer = new char[3];
        await reader.ReadBlockAsync(buffer).AsTask().WaitAsync(Soon);
        var stopping = pair.OwnerApp.StopAsync();
        string text;
        do
        {
            using var next = await pair.Client.GetAsync("/").WaitAsync(Soon);
            text = await next.Content.ReadAsStringAsync();
        }
        while (text.Length == 0);
        Assert.Equal("NotSent 0 True", text);
        go.SetResult();
        Assert.Equal("two", await reader.ReadToEndAsync().WaitAsync(Soon));
        await stopping.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_owner_back_and_its_end_frees_it()
    {
        const int Block = 64 * 1024;
        var (stood, gone) = (new TaskCompletionSource<int>(), new TaskCompletionSource());
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.RequestAborted.Register(gone.SetResult);
            for (var sent = 0; sent < 1600 * Block; sent += Block)
            {
                var writing = c.Response.Body.WriteAsync(new byte[Block], c.RequestAborted).AsTask();
                if (await Task.WhenAny(writing, Task.Delay(TimeSpan.FromSeconds(1))) != writing) stood.TrySetResult(sent);
                await writing;
            }
            stood.TrySetResult(int.MaxValue);
        }));
        using (var client = await ConnectAsync(pair))
        {
            client.ReceiveBufferSize = Block;
            await WriteAsync(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            Assert.InRange(await stood.Task.WaitAsync(Soon), Block, 40 * 1024 * 1024);
            Assert.False(gone.Task.IsCompleted);
            client.Client.LingerState = new LingerOption(true, 0);
        }
        await gone.Task.WaitAsync(Soon);
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf"), InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), InlineData("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")]
    public async Task A_client_that_goes_before_the_answer_or_within_its_body_is_noticed_by_the_owner(string head)
    {
        var (came, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var pair = await Pair.StartAsync(app => app.Run(async c =>
        {
            c.RequestAborted.Register(gone.SetResult);
            came.SetResult();
            try
            {
                await c.Request.Body.CopyToAsync(Stream.Null);
                await gone.Task;
            }
            catch (IOException)
            {
                // What was half sent must not look whole.
                gone.TrySetResult();
            }
        }));
        using (var client = await ConnectAsync(pair))
        {
            await WriteAsync(client, head);
            await came.Task.WaitAsync(Soon);
            client.Client.LingerState = new LingerOption(true, 0);
        }
        await gone.Task.WaitAsync(Soon);
    }

    [Fact]
    public async Task The_owner_sees_the_certificate_that_the_client_has_shown_and_no_forged_one()
    {
        using var server = NewCertificate("localhost");
        using var own = NewCertificate("ada");
        await using var pair = await Pair.StartAsync(
            app => app.Run(c => c.Response.WriteAsync($"{c.Request.IsHttps} {c.Connection.ClientCertificate?.Thumbprint} [{c.Request.Headers["Stateside-Certificate"]}]")),
            new Pair
            {
                FrontListen = listen => listen.UseHttps(https =>
                {
                    https.ServerCertificate = server;
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    https.AllowAnyClientCertificate();
                }),
            });
        Assert.Equal($"True {own.Thumbprint} []", await GetAsync(own));
        Assert.Equal("True  []", await GetAsync(null));

        async Task<string> GetAsync(X509Certificate2? certificate)
        {
            using var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, seen, _, _) => seen?.GetCertHashString() == server.Thumbprint } };
            if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
            using var client = new HttpClient(handler);
            client.DefaultRequestHeaders.Add("Stateside-Certificate", Convert.ToBase64String(server.RawData));
            return await client.GetStringAsync(pair.Client.BaseAddress).WaitAsync(Soon);
        }
    }

    [Fact]
    public async Task A_server_that_was_chosen_after_the_node_port_is_refused_with_a_reason()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddNodePort(_ => new NodePortSettings(IPAddress.Loopback, 0), _ => pair.Handshake("late", 1));
        builder.WebHost.UseTestServer();
        await using var app = builder.Build();
        await app.StartAsync();
        var port = app.Services.GetRequiredService<NodePortServer>();
        Assert.Contains("chosen after AddStateside", Assert.Throws<InvalidOperationException>(() => port.Port).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_test_server_that_was_chosen_before_the_node_port_serves_with_it()
    {
        await using var pair = await Pair.StartAsync(app => app.Run(_ => Task.CompletedTask));
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddNodePort(_ => new NodePortSettings(IPAddress.Loopback, 0), _ => pair.Handshake("tested", 11));
        await using var app = builder.Build();
        app.Run(c => c.Response.WriteAsync($"served {c.Features.Get<INodeHop>()?.PeerName}"));
        await app.StartAsync();
        var port = app.Services.GetRequiredService<NodePortServer>();
        using var client = ((TestServer)port.Inner).CreateClient();
        Assert.Equal("served ", await client.GetStringAsync("/"));
        pair.Owner = new NodeAddress("tested", 11, "127.0.0.1", port.Port);
        Assert.Equal("served front", await pair.Client.GetStringAsync("/"));
    }

    private static X509Certificate2 NewCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    private static async Task<TcpClient> ConnectAsync(Pair pair)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(pair.Client.BaseAddress!.Host, pair.Client.BaseAddress.Port);
        return client;
    }

    private static ValueTask WriteAsync(TcpClient client, string text) => client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>All that is answered until the connection ends.</summary>
    private static async Task<string> RawAsync(Pair pair, string request)
    {
        using var client = await ConnectAsync(pair);
        await WriteAsync(client, request);
        var answer = new StringBuilder();
        var buffer = new byte[64 * 1024];
        try
        {
            while (await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Soon) is var count and > 0) answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (IOException) when (answer.Length > 0)
        {
            // Reset after the answer: not all of the request was read.
        }
        return answer.ToString();
    }
}
