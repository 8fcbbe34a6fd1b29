using Microsoft.AspNetCore.Http.Features;
using Stateside.AspNetCore.Tests.Support;

namespace Stateside.AspNetCore.Tests.Http;

/// <summary>What commits and what does not, and what a response that is held back may be.</summary>
public class CommitRuleTests
{
    private static async Task<string> TallyAsync(TestApp app) => (await app.GetAsync("/tallies/1")).Text;

    private static Task<TestApp> StartAsync(Delegate handler, AppSetup? setup = null) => TestApp.StartAsync(app =>
    {
        app.MapPost("/f/{id}", handler).DisableAntiforgery();
        app.MapGet("/tallies/{id}", ([RouteKey("id")] Snapshot<Tally> tally) => tally.Value.Value);
    }, setup);

    [Theory]
    [InlineData(200, true)]
    [InlineData(302, true)]
    [InlineData(400, true)]
    [InlineData(404, true)]
    [InlineData(409, true)]
    [InlineData(499, true)]
    [InlineData(500, false)]
    [InlineData(503, false)]
    [InlineData(599, false)]
    public async Task A_status_of_500_and_more_commits_nothing_and_every_other_commits_what_was_changed(int status, bool commits)
    {
        await using var app = await StartAsync(([RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return Results.Text("body", statusCode: status); });
        var reply = await app.PostAsync("/f/1");
        Assert.Equal((status, "body"), (reply.Status, reply.Text));
        Assert.Equal(commits ? "1" : "0", await TallyAsync(app));
        Assert.Equal(commits ? 1 : 0, app.Store.Commits);
    }

    [Fact]
    public async Task A_handler_that_throws_commits_nothing_and_what_it_wrote_does_not_leave()
    {
        await using var app = await StartAsync(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            tally.Update(t => t.Add());
            response.Headers["X-Half"] = "1";
            await response.WriteAsync("half");
            throw new FormatException("secret-detail");
        });
        var reply = await app.PostAsync("/f/1");
        Assert.Equal((500, "", null), (reply.Status, reply.Text, reply["X-Half"]));
        Assert.Equal("0", await TallyAsync(app));
    }

    [Fact]
    public async Task Trips_a_write_is_one_load_and_one_commit_and_a_read_is_one_load()
    {
        await using var app = await StartAsync(([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value);
        await app.PostAsync("/f/1");
        Assert.Equal((1, 1), (app.Store.Loads, app.Store.Commits));
        await app.GetAsync("/tallies/1");
        Assert.Equal((2, 1), (app.Store.Loads, app.Store.Commits));
        app.Store.Conflicts = 1;
        await app.PostAsync("/f/1");
        Assert.Equal((3, 3), (app.Store.Loads, app.Store.Commits));
    }

    [Fact]
    public async Task Disposables_scopes_and_callbacks_of_each_run_end_once_and_only_the_last_runs_callbacks_run()
    {
        var log = new List<string>();
        var completed = new Gate();
        await using var app = await StartAsync((HttpContext http, Scoped scoped, Turn turn, [RouteKey("id")] State<Tally> tally) =>
        {
            var run = turn.Run;
            tally.Update(t => t.Add());
            scoped.Name = $"scope {run}";
            http.Response.RegisterForDispose(new Ends(log, $"sync {run}"));
            http.Response.RegisterForDisposeAsync(new Ends(log, $"async {run}"));
            http.Response.OnCompleted(() => { lock (log) log.Add($"completed {run}"); completed.Pass(); return Task.CompletedTask; });
            return "ok";
        }, new() { Build = b => b.Services.AddScoped(_ => new Scoped(log)) });
        app.Store.Conflicts = 2;
        Assert.Equal("ok", (await app.PostAsync("/f/1")).Text);
        await completed.ArrivedAsync();
        await app.DisposeAsync();
        lock (log)
        {
            Assert.Equal(log.Count, log.Distinct().Count());
            Assert.Equal(["async 1", "async 2", "async 3", "completed 3", "scope 1", "scope 2", "scope 3", "sync 1", "sync 2", "sync 3"], log.Order());
        }
    }

    [Fact]
    public async Task What_a_failing_run_registered_for_disposal_is_disposed()
    {
        var log = new List<string>();
        await using var app = await StartAsync((HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            http.Response.RegisterForDispose(new Ends(log, "sync"));
            return tally.Value.Value == 0 ? throw new FormatException() : "never";
        });
        Assert.Equal(500, (await app.PostAsync("/f/1")).Status);
        Assert.Equal(["sync"], log);
    }

    [Theory]
    [InlineData(1000, false)]
    [InlineData(1001, true)]
    public async Task A_response_up_to_the_limit_is_whole_and_above_it_is_refused_with_nothing_applied(int length, bool refused)
    {
        foreach (var way in new[] { "text", "stream", "pipe", "swallow", "json" })
        {
            await using var app = await StartAsync(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
            {
                tally.Update(t => t.Add());
                if (way == "text") await response.WriteAsync(new string('x', length));
                else if (way == "json") await response.WriteAsJsonAsync(new string('x', length - 2));
                else if (way == "stream") for (var i = 0; i < length; i++) await response.Body.WriteAsync("x"u8.ToArray());
                else if (way == "pipe") { response.BodyWriter.GetMemory(length).Span.Fill((byte)'x'); response.BodyWriter.Advance(length); }
                else try { await response.Body.WriteAsync(new byte[length]); } catch (StatesideException) { await response.WriteAsync("swallowed"); }
            }, new() { Settings = { ["Limits:ResponseBytes"] = "1000" } });
            var reply = await app.PostAsync("/f/1");
            if (refused) Problem.Is(reply, "SS1015", 500);
            else Assert.Equal((200, length), (reply.Status, reply.Content.Length));
            Assert.Equal(refused ? "0" : "1", await TallyAsync(app));
        }
    }

    [Fact]
    public async Task A_large_response_below_the_limit_is_whole_whatever_the_writer_asks_for()
    {
        var text = new string('x', 8_000_000);
        await using var app = await StartAsync(([RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); return new Item(text); });
        var reply = await app.PostAsync("/f/1");
        Assert.Equal((200, text.Length), (reply.Status, reply.Json.GetProperty("name").GetString()!.Length));
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("buffering")]
    [InlineData("swallowed")]
    [InlineData("upgrade")]
    public async Task A_state_endpoint_that_streams_or_upgrades_is_refused_and_nothing_is_applied(string way)
    {
        await using var app = await StartAsync(async (HttpContext http, [RouteKey("id")] State<Tally> tally) =>
        {
            tally.Update(t => t.Add());
            if (way == "sse") await TypedResults.ServerSentEvents(Numbers()).ExecuteAsync(http);
            if (way == "buffering") http.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
            if (way == "swallowed") try { http.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering(); } catch (StatesideException) { }
            if (way == "upgrade") await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        });
        Problem.Is(await app.PostAsync("/f/1", way == "upgrade" ? [("Connection", "Upgrade"), ("Upgrade", "test")] : []), "SS1016", 500);
        Assert.Equal("0", await TallyAsync(app));
    }

    [Fact]
    public async Task A_WebSocket_to_a_state_endpoint_is_refused_and_one_to_a_snapshot_endpoint_opens()
    {
        await using var app = await TestApp.StartAsync(a =>
        {
            a.MapMethods("/state/{id}", ["CONNECT"], async (HttpContext http, [RouteKey("id")] State<Tally> tally) => { tally.Update(t => t.Add()); await http.WebSockets.AcceptWebSocketAsync(); });
            a.MapMethods("/snapshot/{id}", ["CONNECT"], async (HttpContext http, [RouteKey("id")] Snapshot<Tally> tally) =>
            {
                using var socket = await http.WebSockets.AcceptWebSocketAsync();
                await socket.SendAsync(System.Text.Encoding.UTF8.GetBytes($"{tally.Value.Value}"), System.Net.WebSockets.WebSocketMessageType.Text, true, default);
                await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, default);
            });
        }, new() { Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2, Before = a => a.UseWebSockets() });
        using var socket = new System.Net.WebSockets.ClientWebSocket();
        (socket.Options.HttpVersion, socket.Options.HttpVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        var refused = await Assert.ThrowsAsync<System.Net.WebSockets.WebSocketException>(() => socket.ConnectAsync(new UriBuilder(app.Address) { Scheme = "ws", Path = "/state/1" }.Uri, invoker, default));
        Assert.Contains("500", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, app.Store.Commits);

        using var reading = new System.Net.WebSockets.ClientWebSocket();
        (reading.Options.HttpVersion, reading.Options.HttpVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        await reading.ConnectAsync(new UriBuilder(app.Address) { Scheme = "ws", Path = "/snapshot/1" }.Uri, invoker, default);
        var text = new byte[16];
        var received = await reading.ReceiveAsync(text, default);
        Assert.Equal("0", System.Text.Encoding.UTF8.GetString(text, 0, received.Count));
        Assert.Equal(System.Net.WebSockets.WebSocketMessageType.Close, (await reading.ReceiveAsync(text, default)).MessageType);
    }

    [Fact]
    public async Task An_endpoint_with_a_snapshot_only_streams_freely()
    {
        var gate = new Gate();
        await using var app = await TestApp.StartAsync(a => a.MapGet("/stream/{id}", async (HttpResponse response, [RouteKey("id")] Snapshot<Tally> tally) =>
        {
            await response.WriteAsync($"first {tally.Value.Value}");
            await response.Body.FlushAsync();
            await gate.WaitAsync();
            for (var i = 0; i < 100; i++) await response.Body.WriteAsync(new byte[1_000_000]);
        }));
        using var response = await app.Client.GetAsync(new Uri("/stream/1", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var first = new byte[7];
        await stream.ReadExactlyAsync(first);
        Assert.Equal("first 0"u8.ToArray(), first);
        gate.Open();
        var total = 0L;
        var buffer = new byte[1 << 16];
        for (int read; (read = await stream.ReadAsync(buffer)) > 0;) total += read;
        Assert.Equal(100_000_000, total);
    }

    [Theory]
    [InlineData(204, null)]
    [InlineData(304, null)]
    [InlineData(200, 3L)]
    [InlineData(200, 9L)]
    public async Task A_response_that_a_server_would_refuse_to_send_fails_before_the_commit(int status, long? length)
    {
        await using var app = await StartAsync(async (HttpResponse response, [RouteKey("id")] State<Tally> tally) =>
        {
            tally.Update(t => t.Add());
            (response.StatusCode, response.ContentLength) = (status, length);
            await response.Body.WriteAsync("four"u8.ToArray());
        });
        Assert.Equal(500, (await app.PostAsync("/f/1")).Status);
        Assert.Equal("0", await TallyAsync(app));
    }

    [Fact]
    public async Task A_turn_that_loses_each_run_is_a_visible_conflict()
    {
        await using var app = await StartAsync(([RouteKey("id")] State<Tally> tally) => tally.Update(t => t.Add()).Value, new() { Settings = { ["Limits:MaxRuns"] = "3" } });
        app.Store.Conflicts = 100;
        var reply = await app.PostAsync("/f/1");
        Problem.Is(reply, "SS1007", 409);
        Assert.Equal("1", reply["Retry-After"]);
        Assert.Equal(3, app.Store.Commits);
    }

    [Fact]
    public async Task A_state_that_has_grown_too_large_is_413_and_is_left_as_it_was()
    {
        await using var app = await TestApp.StartAsync(a => a.MapPost("/basket/{item}", (State<Basket> basket, string item) => basket.Update(b => b.Add(item)).Items.Length),
            new() { Settings = { ["States:basket:MaxBytes"] = "100" } });
        var session = await app.BeginSessionAsync("/basket/x");
        Problem.Is(await app.PostAsync("/basket/" + new string('x', 100), session), "SS1017", 413);
        Assert.Equal("2", (await app.PostAsync("/basket/y", session)).Text);
    }

    private static async IAsyncEnumerable<int> Numbers()
    {
        await Task.Yield();
        yield return 1;
    }

    private sealed class Ends(List<string> log, string name) : IDisposable, IAsyncDisposable
    {
        public void Dispose()
        {
            lock (log) log.Add(name);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private sealed class Scoped(List<string> log) : IDisposable
    {
        public string Name { get; set; } = "";

        public void Dispose()
        {
            lock (log) log.Add(Name);
        }
    }
}
