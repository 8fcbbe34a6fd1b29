using System.Net.Sockets;
using Microsoft.AspNetCore.Http.Features;
using System.Text;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>Requests that no honest client sends: each is a clear 4xx, says nothing of the inside, and harms nothing.</summary>
public class BadInputTests
{
    private static Task<TestApp> StartAsync() => TestApp.StartAsync(app =>
    {
        app.MapPost("/tallies/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        app.MapPost("/items/{id}", (Item item, [RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add(item.Count)).Value);
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
        app.MapPost("/basket/{item}", (State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length);
    }, new() { Build = b => b.Services.AddProblemDetails(), Before = a => { a.UseExceptionHandler(); a.UseStatusCodePages(); } });

    [Theory]
    [InlineData("a%0D%0ASet-Cookie:x=1", 400)]
    [InlineData("%0A", 400)]
    [InlineData("a%7Fb", 400)]
    [InlineData("%C2%85", 400)]
    [InlineData("%1B%5B31m", 400)]
    [InlineData("%EF%BF%BD", 400)]
    [InlineData("%E2%82", 200)]
    [InlineData("%FF%FE", 200)]
    [InlineData("%ED%A0%80", 200)]
    [InlineData("%00", 400)]
    [InlineData("a%00b", 400)]
    [InlineData("%F0%9F%9B%92", 200)]
    [InlineData("a%2Fb", 200)]
    [InlineData("%2e%2e%2f%2e%2e%2fetc", 200)]
    [InlineData("%27%20OR%201%3D1--", 200)]
    [InlineData("%20", 200)]
    [InlineData("s", 200)]
    [InlineData("$session", 200)]
    public async Task An_id_of_any_bytes_is_kept_as_it_is_or_refused(string id, int status)
    {
        await using var app = await StartAsync();
        var reply = await RawAsync(app, $"POST /tallies/{id} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status}", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\nSet-Cookie", reply, StringComparison.Ordinal);
        Assert.Equal(status == 200 ? 1 : 0, app.Store.Commits);
        Assert.Equal("1", (await app.PostAsync("/tallies/plain")).Text);
    }

    [Theory]
    [InlineData(512, 200)]
    [InlineData(513, 400)]
    [InlineData(65_536, 414)]
    public async Task An_id_is_taken_whole_up_to_its_limit_and_never_cut(int length, int status)
    {
        await using var app = await StartAsync();
        var id = new string('x', length);
        var reply = await app.PostAsync("/tallies/" + id);
        Assert.Equal(status, reply.Status);
        if (status == 400) Problem.Is(reply, "SS1011", 400);
        if (status == 200) Assert.Equal("0", (await app.GetAsync("/tallies/" + id[1..])).Text);
    }

    [Theory]
    [InlineData("{\"name\":", "application/json", 400)]
    [InlineData("", "application/json", 400)]
    [InlineData("null", "application/json", 400)]
    [InlineData("{\"name\":1}", "application/json", 400)]
    [InlineData("{\"name\":\"\\ud800\"}", "application/json", 400)]
    [InlineData("<x/>", "text/xml", 415)]
    [InlineData("{}", "not a type", 415)]
    public async Task A_body_that_cannot_be_read_is_a_problem_document_and_applies_nothing(string body, string type, int status)
    {
        await using var app = await StartAsync();
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        var reply = await app.SendAsync(HttpMethod.Post, "/items/1", content);
        Assert.Equal((status, "application/problem+json"), (reply.Status, reply["Content-Type"]));
        Assert.Equal(status, reply.Json.GetProperty("status").GetInt32());
        Assert.DoesNotContain("Exception", reply.Text, StringComparison.Ordinal);
        Assert.Equal(0, app.Store.Commits);
    }

    [Fact]
    public async Task A_deeply_nested_body_is_refused()
    {
        await using var app = await StartAsync();
        var reply = await app.PostAsync("/items/1", new string('[', 100_000));
        Assert.Equal(400, reply.Status);
        Assert.Equal(0, app.Store.Commits);
    }

    [Fact]
    public async Task LIM_01_Ten_thousand_cookies_or_a_megabyte_of_headers_are_431_and_the_server_goes_on()
    {
        await using var app = await StartAsync();
        var many = string.Join("; ", Enumerable.Range(0, 10_000).Select(i => $"c{i}=v"));
        var lines = string.Concat(Enumerable.Range(0, 200).Select(i => $"Cookie: c{i}=v\r\n"));
        foreach (var headers in new[] { $"Cookie: {many}\r\n", $"X-Large: {new string('x', 1_000_000)}\r\n", lines })
        {
            var reply = await RawAsync(app, $"POST /basket/x HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
            Assert.True(reply.Length == 0 || reply.StartsWith("HTTP/1.1 431", StringComparison.Ordinal), reply);
        }
        Assert.Equal(0, app.Store.Commits);
        Assert.Equal("1", (await app.PostAsync("/basket/x")).Text);
    }

    [Fact]
    public async Task LIM_01_As_many_cookies_as_the_server_lets_in_hide_nobodys_session()
    {
        await using var app = await StartAsync();
        var session = await app.BeginSessionAsync("/basket/x");
        var many = string.Join("; ", Enumerable.Range(0, 3_000).Select(i => $"c{i}=v"));
        Assert.Equal("2", (await app.PostAsync("/basket/y", ("Cookie", $"{many}; {session.Value}"))).Text);
    }

    [Fact]
    public async Task CKI_08_Bytes_beyond_ASCII_in_the_Cookie_header_are_no_error_of_ours()
    {
        await using var app = await StartAsync();
        var reply = await RawAsync(app, "POST /basket/x HTTP/1.1\r\nHost: x\r\nCookie: id=\u00e9; =; ;; a; \"=\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Assert.Matches("^HTTP/1.1 (200|400)", reply);
    }

    [Theory]
    [InlineData("/x\r\nSet-Cookie: evil=1")]
    [InlineData("/x\nevil")]
    [InlineData("/x\0")]
    [InlineData("/x\u007f")]
    [InlineData("/\u00e9")]
    public async Task CKI_10_A_line_break_in_a_header_never_leaves_and_the_turn_commits_nothing(string location)
    {
        await using var app = await TestApp.StartAsync(a => a.MapPost("/f/{id}", (HttpResponse response, [RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); response.Headers.Location = location; }));
        var reply = await app.PostAsync("/f/1");
        Assert.Equal((500, null, null), (reply.Status, reply["Set-Cookie"], reply["Location"]));
        Assert.Equal(0, app.Store.Commits);
    }

    [Fact]
    public async Task A_body_that_breaks_off_applies_nothing()
    {
        await using var app = await StartAsync();
        await RawAsync(app, "POST /items/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"name\":\"x\"}", half: true);
        await RawAsync(app, "POST /items/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", half: true);
        Assert.Equal("1", (await app.PostAsync("/tallies/plain")).Text);
        Assert.Equal(1, app.Store.Commits);
        // The server may take a moment to see that the sender is gone.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (app.Gate.Turns > 0)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>HTTP/2 says it in this way, now and then before it cancels the request.</summary>
    [Fact]
    public async Task A_client_that_resets_its_request_is_no_error_of_the_application()
    {
        Exception? seen = null;
        await using var app = await TestApp.StartAsync(
            a => a.MapPost("/f/{id}", ([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value),
            new()
            {
                Before = a => a.Use(async (HttpContext http, RequestDelegate next) =>
                {
                    http.Features.Set<IRequestBodyPipeFeature>(new ResetBody());
                    try
                    {
                        await next(http);
                    }
                    catch (Exception e)
                    {
                        seen = e;
                    }
                }),
            });
        await app.SendAsync(HttpMethod.Post, "/f/1", new StringContent("{}"));
        Assert.Null(seen);
        Assert.Equal(0, app.Store.Commits);
    }

    private sealed class ResetBody : IRequestBodyPipeFeature
    {
        private readonly System.IO.Pipelines.Pipe _pipe = new();

        public ResetBody() => _pipe.Writer.Complete(new IOException("The client reset the request stream."));

        public System.IO.Pipelines.PipeReader Reader => _pipe.Reader;
    }

    /// <summary>Sends bytes as they are, and reads what comes until the server closes.</summary>
    private static async Task<string> RawAsync(TestApp app, string request, bool half = false)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, app.Address.Port);
        var answer = new StringBuilder();
        try
        {
            for (var rest = Encoding.Latin1.GetBytes(request).AsMemory(); rest.Length > 0;) rest = rest[await socket.SendAsync(rest)..];
            if (half) socket.Shutdown(SocketShutdown.Send);
            var buffer = new byte[8192];
            for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;) answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (SocketException)
        {
            // The server closes on what it does not read to its end.
        }
        return answer.ToString();
    }
}
