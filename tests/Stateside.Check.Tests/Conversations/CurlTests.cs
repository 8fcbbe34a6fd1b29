using System.Diagnostics;
using System.Text;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Conversations;

public sealed class CurlTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly CancellationToken _ct = CancellationToken.None;

    public void Dispose() => _folder.Dispose();

    private Scenario Scenario(string text) => ScenarioFile.Read(_folder.Write("s.http", text));

    /// <summary>Runs a script as it would be pasted into a shell.</summary>
    private static async Task<string> Run(string script, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        Process process;
        try { process = Process.Start(start)!; }
        catch (System.ComponentModel.Win32Exception) { throw new InvalidOperationException("bash is not there; install the packages bash and curl"); }
        using (process)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await process.StandardInput.WriteAsync(script);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (await output + await errors).ReplaceLineEndings("\n");
        }
    }

    private static string Ok(string body, string type, params string[] headers) => RawServer.Response("200 OK", body, ["Content-Type: " + type, .. headers]);

    [Fact]
    public async Task A_pasted_script_does_what_the_exchanges_did_with_values_of_its_own_run()
    {
        var issued = new HashSet<string>();
        string New()
        {
            lock (issued)
            {
                var value = Guid.NewGuid().ToString("N")[..20] + "/+%";
                issued.Add(value);
                return value;
            }
        }
        bool Issued(string? value) { lock (issued) return value is not null && issued.Contains(value); }
        string Answer(RawRequest r) => r.Target.Split('?')[0] switch
        {
            "/form" => Ok($"<html><form><input type=\"hidden\" name=\"other\" value=\"x1\">\n<input type=\"hidden\" name=\"csrf\" value=\"{New()}\"></form>", "text/html", "Set-Cookie: sid=" + Guid.NewGuid().ToString("N") + "; Path=/; Secure"),
            "/login" when Issued(Uri.UnescapeDataString(r.Text.Split('&')[0].Split('=')[^1])) && r.Text.Contains("it%27s+%24HOME", StringComparison.Ordinal) && r["Cookie"] is { Length: 36 } =>
                RawServer.Response("303 See Other", "", "Location: /welcome/" + Guid.NewGuid().ToString("N"), "X-Token: " + New()),
            "/items" when Issued(r["Authorization"]?["Bearer ".Length..]) && Guid.TryParse(r["Idempotency-Key"], out _) => Ok($"{{\"list\":[{{\"id\":\"{New()}\"}},{{\"id\":\"{New()}\",\"x\":\"it's\"}}],\"n\":{issued.Count}}}", "application/json"),
            var path when path.StartsWith("/welcome/", StringComparison.Ordinal) && Guid.TryParse(path["/welcome/".Length..], out _) => Ok("home", "text/plain"),
            var path when path.StartsWith("/items/", StringComparison.Ordinal) && Issued(Uri.UnescapeDataString(path["/items/".Length..])) => Ok("deleted by " + r["Cookie"]![..4], "text/plain"),
            _ => RawServer.Response("400 Bad Request", $"refused: {r.Method} {r.Target} {r["Authorization"]} {r.Text}"),
        };
        await using var a = new RawServer(Answer);
        await using var b = new RawServer(Answer);
        var scenario = Scenario("""
            @password = it%27s+%24HOME
            # @name form
            GET /form
            ###
            # @name login
            # @no-redirect
            POST /login
            Content-Type: application/x-www-form-urlencoded

            csrf={{form.response.html:form[0].field[csrf]|form}}&user=ann&password={{password}}
            ###
            GET /welcome/{{login.response.header:location/1}}
            ###
            # @name items
            POST /items
            Authorization: Bearer {{login.response.headers.x-token}}
            Idempotency-Key: {{$guid}}
            Content-Type: application/json

            {"name":"it's a \"$HOME\" `id` !x", "api_key":"literal-secret-1"}
            ###
            DELETE /items/{{items.response.body.$.list[1].id|percent}}
            """);
        using var talk = new Conversation(scenario, [a.Url, b.Url], new ConversationOptions(), TimeProvider.System);
        var exchanges = new List<Exchange>();
        foreach (var step in scenario.Steps) exchanges.Add(await talk.SendAsync(step, step.Number % 2, _ct));
        Assert.Equal([200, 303, 200, 200, 200], exchanges.Select(e => e.Answer!.Status));

        var script = Curl.Of(exchanges, new Dictionary<int, string> { [4] = "# here replica 0 was restarted" });
        Assert.DoesNotContain("it%27s", script);
        Assert.DoesNotContain("literal-secret-1", script);
        lock (issued) Assert.All(issued, value => Assert.DoesNotContain(value, script));
        Assert.Contains(": \"${SECRET_1:?set SECRET_1 to the value of password}\"", script);
        Assert.Contains("\n# here replica 0 was restarted\n# Step 5: DELETE", script);
        var output = await Run(script, ("SECRET_1", "it%27s+%24HOME"), ("SECRET_2", "literal-secret-1"));
        Assert.Equal("step 1 at replica 1: 200\nstep 2 at replica 0: 303\nstep 3 at replica 1: 200\nstep 4 at replica 0: 200\nstep 5 at replica 1: 200", string.Join('\n', output.Split('\n').Where(l => l.StartsWith("step", StringComparison.Ordinal))));
        Assert.EndsWith("deleted by sid=", output.TrimEnd());
        Assert.Contains("it's a \\\"$HOME\\\" `id` !x", a.Requests[^1].Text);
        Assert.Equal(a.Requests[0]["Host"], b.Requests[^1]["Host"]);
        Assert.Contains("set SECRET_1 to the value of password", await Run(script));
    }

    [Theory]
    [InlineData("Bearer abcdefghijklmnop-4711", "abcdefghijklmnop-4711")]
    [InlineData("Basic YW5uOnBlcHBlcg==", "YW5uOnBlcHBlcg==")]
    [InlineData("abcdefghijklmnop-4711", "abcdefghijklmnop-4711")]
    public async Task A_credential_out_of_a_variable_is_masked_whatever_the_variable_is_called(string value, string credential)
    {
        await using var server = new RawServer(r => RawServer.Response("200 OK", $"you are {r["Authorization"]}"));
        var scenario = Scenario($"@who = {value}\nGET /me\nAuthorization: {{{{who}}}}\n");
        using var talk = new Conversation(scenario, [server.Url], new ConversationOptions(), TimeProvider.System);
        var exchange = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var script = Curl.Of([exchange]);
        Assert.DoesNotContain(credential, script);
        Assert.DoesNotContain(credential, Masks.Of(exchange, talk.Secrets));
        Assert.Contains("set SECRET_1 to the value of the header field Authorization", script);
        Assert.Contains($"you are {value}", await Run(script, ("SECRET_1", credential)));
    }

    [Fact]
    public async Task Redirects_that_were_followed_are_followed_step_by_step_at_the_same_replica()
    {
        await using var server = new RawServer(r => r.Target == "/go" ? RawServer.Response("302 Found", "", $"Location: http://{r["Host"]}/to/{Guid.NewGuid():N}", "Set-Cookie: a=1") : RawServer.Response("200 OK", $"{r.Method} {r["Cookie"]}"));
        var scenario = Scenario("POST /go\nContent-Type: text/plain\n\nx\n");
        using var talk = new Conversation(scenario, [server.Url], new ConversationOptions(), TimeProvider.System);
        var script = Curl.Of([await talk.SendAsync(scenario.Steps[0], 0, _ct)]);
        Assert.EndsWith("GET a=1", (await Run(script)).TrimEnd());
        Assert.Equal(2, server.Requests.Select(r => r.Target).Where(t => t != "/go").Distinct().Count());
    }

    [Fact]
    public async Task Cookies_that_are_not_the_jars_are_sent_by_hand_out_of_the_response_that_set_them()
    {
        await using var server = new RawServer(r => RawServer.Response("200 OK", "cookie " + r["Cookie"], $"Set-Cookie: s={Guid.NewGuid():N}"));
        var scenario = Scenario("GET /\n");
        using var talk = new Conversation(scenario, [server.Url], new ConversationOptions(), TimeProvider.System);
        var first = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var old = talk.Jar["s"]!.Value;
        var second = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var third = await talk.SendAsync(scenario.Steps[0], 0, _ct, new() { Cookies = [new("s", old)] });
        var none = await talk.SendAsync(scenario.Steps[0], 0, _ct, new() { WithoutCookies = true });
        var script = Curl.Of([first, second, third, none]);
        Assert.DoesNotContain(old, script);
        await Run(script);
        var sent = server.Requests.Skip(4).Select(r => r["Cookie"]).ToList();
        Assert.Equal((null, sent[1], null), (sent[0], sent[2], sent[3]));
        Assert.NotNull(sent[1]);
    }

    [Fact]
    public async Task What_was_sent_at_once_is_sent_at_once()
    {
        var together = new TaskCompletionSource();
        var waiting = 0;
        await using var server = new RawServer(async (r, stream, ct) =>
        {
            if (r.Method == "POST" && Interlocked.Increment(ref waiting) % 2 == 0) together.TrySetResult();
            if (r.Method == "POST") await together.Task.WaitAsync(ct);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(RawServer.Response("200 OK", "x")), ct);
        });
        var scenario = Scenario("GET /\n###\nPOST /a\n###\nPOST /b\n");
        using var talk = new Conversation(scenario, [server.Url], new ConversationOptions(), TimeProvider.System);
        using var fork = talk.Fork();
        var first = await talk.SendAsync(scenario.Steps[0], 0, _ct);
        var both = await Task.WhenAll(talk.SendAsync(scenario.Steps[1], 0, _ct), fork.SendAsync(scenario.Steps[2], 0, _ct));
        (together, waiting) = (new(), 0);
        var output = await Run(Curl.Of([first, both[0], both[1]], atOnce: new HashSet<int> { 2 }));
        Assert.Equal(3, output.Split('\n').Count(l => l.StartsWith("step", StringComparison.Ordinal) && l.EndsWith("200", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Bodies_of_bytes_and_names_with_line_breaks_do_no_harm()
    {
        await using var server = new RawServer(_ => RawServer.Response("200 OK", "x"));
        var step = new Step { Number = 1, Name = "x\ntouch never", Method = "PATCH", Target = "/a'$(touch never)`x`", Body = new(null, new byte[] { 0, 255, 39, 10 }), Headers = [new("X-Odd", "'; touch never; '")] };
        using var talk = new Conversation(new Scenario("s", [step], new Dictionary<string, string>(), []), [server.Url], new ConversationOptions(), TimeProvider.System);
        await Run(Curl.Of([await talk.SendAsync(step, 0, _ct)]));
        var (sent, again) = (server.Requests[0], server.Requests[1]);
        Assert.Equal((sent.Method, sent.Target, sent["X-Odd"]), (again.Method, again.Target, again["X-Odd"]));
        Assert.Equal(sent.Body, again.Body);
        Assert.False(File.Exists("never"));
    }
}
