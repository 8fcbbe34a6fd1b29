using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;
using Stateside.Check.Tests.Conversations;

namespace Stateside.Check.Tests.Scenarios;

public sealed class HarTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Scenario Recording(string name, Corrections? corrections = null) =>
        ScenarioFile.Read(Path.Combine(AppContext.BaseDirectory, "Scenarios", "Recordings", name + ".har"), corrections: corrections);

    private static string? Header(Step step, string name) => step.Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();

    private Scenario Read(string har) => ScenarioFile.Read(_folder.Write("r.har", har));

    private string Fault(string har) => Assert.Throws<ScenarioException>(() => Read(har)).Message;

    private static object Entry(string method, string url, int status = 200, string body = "", string type = "application/json", string? sends = null, string sendsType = "application/json", params (string, string)[] answers) => new
    {
        request = new { method, url, headers = sends is null ? [] : new[] { new { name = "Content-Type", value = sendsType } }, postData = sends is null ? null : new { mimeType = sendsType, text = sends } },
        response = new { status, headers = answers.Select(a => new { name = a.Item1, value = a.Item2 }), content = new { mimeType = type, text = body } },
    };

    private static string Har(params object[] entries) => JsonSerializer.Serialize(new { log = new { entries } });

    [Fact]
    public void A_recording_of_a_server_rendered_shop_takes_its_tokens_and_ids_from_live_pages()
    {
        var scenario = Recording("chrome-shop");
        var steps = scenario.Steps;
        Assert.Equal(["GET /login", "POST /login", "GET /home", "GET /products/blue-mug-81245", "POST /cart", "GET /cart/7", "DELETE /cart/7/lines/1"], steps.Select(s => s.Name));
        Assert.Equal("_token={{token_1|form}}&email=ann%40example.com&password={{typed_password_1|form}}&remember=on", steps[1].Body!.Template);
        Assert.Equal(new Extraction("token_1", "html:form[0].field[_token]", true), Assert.Single(steps[0].Extractions));
        Assert.Equal("_token={{token_4|form}}&product={{product_4|form}}&quantity=2", steps[4].Body!.Template);
        Assert.Equal("/cart/{{cart_6|percent}}/lines/1", steps[6].Target);
        Assert.Equal("{{token_4}}", Header(steps[6], "X-CSRF-Token"));
        Assert.Equal(("{{$origin}}", "{{$origin}}/products/{{products_3|percent}}"), (Header(steps[4], "Origin"), Header(steps[4], "Referer")));
        Assert.DoesNotContain(steps.SelectMany(s => s.Headers), h => h.Key[0] == ':' || h.Key is "cookie" or "if-none-match");
        Assert.All(steps, s => Assert.False(s.FollowRedirects));
        Assert.Contains("step 2 sends 'token_1', which is taken from the form field '_token' of step 1 (GET /login)", scenario.Notices);
        Assert.Contains("left out: 1 request to another host (https://stats.example)", scenario.Notices);
        Assert.Contains("left out: 2 requests for images, fonts, styles and scripts", scenario.Notices);
    }

    [Fact]
    public void A_recording_of_a_single_page_application_takes_cookies_bearer_tokens_ids_and_etags_from_live_answers()
    {
        var scenario = Recording("chrome-app");
        var steps = scenario.Steps;
        Assert.Equal("{{XSRF_TOKEN_1|unpercent}}", Header(steps[1], "X-XSRF-TOKEN"));
        Assert.Equal(new Extraction("XSRF_TOKEN_1", "cookie:XSRF-TOKEN=", true), Assert.Single(steps[0].Extractions));
        Assert.Equal("Bearer {{accessToken_2}}", Header(steps[2], "Authorization"));
        Assert.Equal("/api/boards/{{id_3|percent}}/cards", steps[3].Target);
        Assert.Equal("{\"title\":\"Buy {{$open}}milk}}\",\"board\":\"{{id_3|json}}\",\"n\":42}", steps[3].Body!.Template);
        Assert.Equal("/api/cards/{{cards_4|percent}}", steps[4].Target);
        Assert.Equal("{{etag_4}}", Header(steps[4], "If-Match"));
        Assert.StartsWith("{\"id\":{{id_4}},", steps[4].Body!.Template);
        Assert.Null(Header(steps[5], "If-None-Match"));
        Assert.Equal("/api/cards?board={{board_4|percent}}&sort=title", steps[5].Target);
        Assert.Equal(("GET", "websocket", "live.v1", null), (steps[6].Method, Header(steps[6], "Upgrade"), Header(steps[6], "Sec-WebSocket-Protocol"), Header(steps[6], "Sec-WebSocket-Key")));
        Assert.Equal("{\"watch\":\"{{board_4|json}}\"}\n===\n{\"typing\":true}", steps[6].Body!.Template);
        Assert.Contains("steps 2, 4 and 5 send 'XSRF_TOKEN_1', which is taken from the cookie 'XSRF-TOKEN' of step 1 (GET /)", scenario.Notices);
        Assert.Contains("left out: 1 request that had no response in the recording", scenario.Notices);
    }

    [Fact]
    public void A_recording_of_a_login_by_redirects_takes_state_code_and_nonce_from_them_in_the_order_of_time()
    {
        var scenario = Recording("firefox-docs");
        var steps = scenario.Steps;
        Assert.Equal(["GET /app", "GET /authorize?client_id=web", "POST /authorize?client_id=web", "GET /cb", "GET /docs", "POST /docs", "GET /docs/poll", "GET /docs/d41d8cd98f00/raw", "POST /receipts"], steps.Select(s => s.Name));
        Assert.Equal("/authorize?client_id=web&redirect_uri={{redirect_uri_1|percent}}&state={{state_1|percent}}", steps[1].Target);
        Assert.Contains("password={{typed_password_1|form}}&__RequestVerificationToken={{RequestVerificationToken_2|form}}&Input.ReturnUrl={{Input_ReturnUrl_2|form}}", steps[2].Body!.Template);
        Assert.Equal("/cb?code={{code_3|percent}}&state={{state_3|percent}}", steps[3].Target);
        Assert.Contains("name=\"nonce\"\r\n\r\n{{nonce_5}}\r\n", steps[5].Body!.Template);
        Assert.Contains("n-552211 stays {{$open}}in}} a file", steps[5].Body!.Template);
        Assert.Equal("/docs/{{key_6|percent}}/raw", steps[7].Target);
        Assert.Null(Header(steps[7], "Range"));
        Assert.Equal("{\"receipt\": \"{{x_upload_receipt_6|json}}\", \"doc\": \"{{key_6|json}}\", \"user\": \"bob\"}", steps[8].Body!.Template);
    }

    [Fact]
    public async Task A_replayed_recording_satisfies_a_service_that_gives_new_tokens_and_ids_every_time()
    {
        var (token, cart, log) = ("", "", new List<string>());
        await using var server = new RawServer(r =>
        {
            var fresh = token.Length == 0 || r.Method == "GET" ? Guid.NewGuid().ToString("N") + "+/=" : token;
            var sent = r.Text.Split('&').Select(p => p.Split('=')).Where(p => p[0] == "_token").Select(p => Uri.UnescapeDataString(p[1])).FirstOrDefault() ?? r["X-CSRF-Token"];
            var refused = r.Method != "GET" && (sent != token || r["Origin"] is { } origin && origin != "http://" + r["Host"]);
            log.Add($"{r.Method} {r.Target.Replace(cart.Length > 0 ? cart : "\0", "CART", StringComparison.Ordinal)} {(refused ? 419 : 200)}");
            if (refused) return RawServer.Response("419 Page Expired", "");
            var form = $"<form action='/x'><input type=hidden name=_token value='{fresh}'><input type=hidden name=product value=81></form>";
            if (r.Method == "GET") token = fresh;
            if (r.Target == "/cart") return RawServer.Response("302 Found", "", "Location: /cart/" + (cart = Guid.NewGuid().ToString("N")));
            return RawServer.Response("200 OK", (r.Target is "/login" && r.Method == "GET") || r.Target.StartsWith("/products", StringComparison.Ordinal) ? form : "<a href='/products/blue-mug-81245'>x</a>" + (r.Target.StartsWith("/cart", StringComparison.Ordinal) ? form : ""), "Content-Type: text/html");
        });
        var scenario = Recording("chrome-shop");
        // The page of the cart gave no token when it was recorded; the one of the product is sent, as the browser did.
        using var talk = new Conversation(scenario, [server.Url], new ConversationOptions(), TimeProvider.System);
        foreach (var step in scenario.Steps.Take(6)) await talk.SendAsync(step, 0, CancellationToken.None);
        Assert.Equal(["GET /login 200", "POST /login 200", "GET /home 200", "GET /products/blue-mug-81245 200", "POST /cart 200", "GET /cart/CART 200"], log);
    }

    [Fact]
    public void A_found_value_can_be_left_as_it_was_recorded_and_another_one_named()
    {
        var scenario = Recording("chrome-app", Corrections.Parse(["card=json:$.id@4", "owner=json:$[0].owner@3"], ["plan_2"]));
        Assert.Equal("/api/cards/{{card|percent}}", scenario.Steps[4].Target);
        Assert.Equal("{\"id\":{{card}},\"title\":\"Buy oat milk\",\"plan\":\"premium\"}", scenario.Steps[4].Body!.Template);
        Assert.Contains("\"n\":{{owner}}}", scenario.Steps[3].Body!.Template);
        Assert.Contains("'plan_2' is sent as it was recorded, as asked", scenario.Notices);
        Assert.Contains(scenario.Steps[3].Extractions, e => e is { Name: "card", Place: "json:$.id" });
        Assert.DoesNotContain(scenario.Steps.SelectMany(s => s.Extractions), e => e.Name == "plan_2");
        Assert.Contains("nothing of that name was correlated; the names are", Assert.Throws<ScenarioException>(() => Recording("chrome-app", Corrections.Parse([], ["nope"]))).Message);
        Assert.Contains("has nothing at json:$.none", Assert.Throws<ScenarioException>(() => Recording("chrome-app", Corrections.Parse(["x=json:$.none@4"], []))).Message);
        Assert.Contains("names step 99", Assert.Throws<ScenarioException>(() => Recording("chrome-app", Corrections.Parse(["x=json:$.none@99"], []))).Message);
    }

    [Fact]
    public void What_the_user_typed_is_not_taken_from_its_echo()
    {
        var scenario = Read(Har(
            Entry("POST", "http://h/profile", sends: "{\"nick\":\"annie2026\",\"room\":7}", body: "{\"nick\":\"annie2026\",\"id\":7,\"code\":\"annie2026\"}"),
            Entry("POST", "http://h/say", sends: "{\"from\":\"annie2026\",\"id\":7}"),
            Entry("GET", "http://h/list", body: "{\"status\":\"pending\"}"),
            Entry("GET", "http://h/find?text=pending"),
            Entry("POST", "http://h/set", sends: "{\"status\":\"pending\"}")));
        Assert.Equal("{\"from\":\"annie2026\",\"id\":{{id_1}}}", scenario.Steps[1].Body!.Template);
        Assert.Equal("{\"status\":\"pending\"}", scenario.Steps[4].Body!.Template);
    }

    [Fact]
    public void The_most_recent_response_gives_a_value_that_several_hold()
    {
        var scenario = Read(Har(
            Entry("GET", "http://h/a", body: "{\"nonce\":\"abc123\"}"),
            Entry("GET", "http://h/b", body: "{\"list\":[{\"nonce\":\"abc123\"}]}"),
            Entry("POST", "http://h/c", sends: "{\"nonce\":\"abc123\"}"),
            Entry("GET", "http://h/d", body: "{\"nonce\":\"abc123\"}")));
        Assert.Equal("{\"nonce\":\"{{nonce_2|json}}\"}", scenario.Steps[2].Body!.Template);
        Assert.Equal("json:$.list[0].nonce", Assert.Single(scenario.Steps[1].Extractions).Place);
    }

    [Fact]
    public void Words_and_routes_are_no_values_of_a_run()
    {
        var scenario = Read(Har(
            Entry("GET", "http://h/items", body: "{\"status\":\"pending\",\"route\":\"settings\",\"api\":\"v2\"}"),
            Entry("GET", "http://h/settings?filter=pending&v=v2"),
            Entry("GET", "http://h/page", type: "text/html", body: "<a href='/account/settings/privacy'>x</a>"),
            Entry("GET", "http://h/account/settings/privacy")));
        Assert.Equal(["/items", "/settings?filter=pending&v=v2", "/page", "/account/settings/privacy"], scenario.Steps.Select(s => s.Target));
    }

    [Fact]
    public void Values_are_recognized_through_percent_and_base64_codings()
    {
        var hidden = Convert.ToBase64String(Encoding.UTF8.GetBytes("user-7781-key")).TrimEnd('=');
        var scenario = Read(Har(
            Entry("GET", "http://h/a", body: $"{{\"blob\":\"{hidden}\",\"link\":\"k%2Fey 1\"}}"),
            Entry("GET", "http://h/b?q=user-7781-key&l=k%2Fey+1")));
        Assert.Equal("/b?q={{blob_1|unbase64url|percent}}&l={{link_1|unpercent|percent}}", scenario.Steps[1].Target);
    }

    [Fact]
    public void Hidden_fields_of_any_length_go_back_by_their_own_name()
    {
        var scenario = Read(Har(
            Entry("GET", "http://h/f", type: "text/html", body: "<form><input type=hidden name='v' value='3'><input type=hidden name='w' value='3'><input type=hidden name='Input.Id' value='5'></form>"),
            Entry("POST", "http://h/f", sends: "w=3&v=3&x=3&Input.Id=5", sendsType: "application/x-www-form-urlencoded")));
        Assert.Equal("w={{w_1|form}}&v={{v_1|form}}&x=3&Input.Id={{Input_Id_1|form}}", scenario.Steps[1].Body!.Template);
    }

    [Fact]
    public void Base64_bodies_and_parameters_without_text_are_sent()
    {
        var scenario = Read("""
            {"log":{"entries":[
            {"request":{"method":"POST","url":"http://h/a","headers":[],"postData":{"mimeType":"application/octet-stream","encoding":"base64","text":"AAEC/w=="}},"response":{"status":200}},
            {"request":{"method":"POST","url":"http://h/b","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"c&d"},{"name":"e","value":"%20"}]}},"response":{"status":200}},
            {"request":{"method":"POST","url":"http://h/c","headers":[],"postData":{"mimeType":"multipart/form-data; boundary=B","params":[{"name":"x","value":"1"},{"name":"f","fileName":"../../etc/passwd"}]}},"response":{"status":200}}]}}
            """);
        Assert.Equal([0, 1, 2, 255], scenario.Steps[0].Body!.Bytes!.Value.ToArray());
        Assert.Equal("a%20b=c%26d&e=%20", scenario.Steps[1].Body!.Template);
        Assert.Equal("application/x-www-form-urlencoded", Header(scenario.Steps[1], "Content-Type"));
        Assert.Equal("--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"passwd\"\r\n\r\n\r\n--B--\r\n", scenario.Steps[2].Body!.Template);
    }

    [Fact]
    public void An_image_that_sets_a_cookie_is_no_asset()
    {
        var scenario = Read(Har(Entry("GET", "http://h/"), Entry("GET", "http://h/captcha.png", type: "image/png", answers: ("Set-Cookie", "captcha=1")), Entry("GET", "http://h/x.png", type: "image/png"), Entry("POST", "http://h/up.png", type: "image/png")));
        Assert.Equal(["GET /", "GET /captcha.png", "POST /up.png"], scenario.Steps.Select(s => s.Name));
    }

    [Fact]
    public void A_recording_without_cookies_says_how_to_export_them()
    {
        Assert.Contains(Read(Har(Entry("GET", "http://h/"))).Notices, n => n.Contains("export the HAR with sensitive data", StringComparison.Ordinal));
        Assert.DoesNotContain(Read(Har(Entry("GET", "http://h/", answers: ("Set-Cookie", "a=1")))).Notices, n => n.Contains("sensitive", StringComparison.Ordinal));
    }

    [Fact]
    public void The_service_is_the_origin_of_the_pages_and_not_of_the_most_beacons()
    {
        var beacons = Enumerable.Range(0, 20).Select(i => Entry("POST", "https://stats.example/" + i)).ToArray();
        Assert.Equal("GET /", Assert.Single(Read(Har([.. beacons, Entry("GET", "https://h/", type: "text/html")])).Steps).Name);
    }

    [Fact]
    public void Hostile_recordings_are_refused_with_the_file_and_the_fix()
    {
        Assert.Contains("r.har:1: is no JSON, or is nested over 64 deep", Fault("{\"log\":{\"entries\":" + new string('[', 10_000) + new string(']', 10_000) + "}}"));
        Assert.Contains("is no JSON", Fault("hello"));
        Assert.Contains("it has no log.entries", Fault("{}"));
        Assert.Contains("it has no log.entries", Fault("[1]"));
        Assert.Contains("has over 2000 entries", Fault(Har([.. Enumerable.Range(0, 2001).Select(_ => (object)1)])));
        Assert.Contains("entry 1 has no method", Fault("{\"log\":{\"entries\":[7]}}"));
        Assert.Contains("entry 1 has no method", Fault(Har(Entry("GET / HTTP/1.1\r\nX: 1", "http://h/"))));
        Assert.Contains("has no request to a web server", Fault(Har(Entry("GET", "file:///etc/passwd"), Entry("GET", "data:text/html,x"))));
        Assert.Contains("but for images, styles and scripts", Fault("{\"log\":{\"entries\":[{\"request\":{\"method\":\"GET\",\"url\":\"http://h/x\"},\"response\":{\"status\":0}}]}}"));
        Assert.Contains("no Unicode", Fault("{\"log\":{\"entries\":[{\"request\":{\"method\":\"GET\",\"url\":\"http://h/\\ud800\"}}]}}"));
        var big = Path.Combine(_folder.Path, "big.har");
        using (var file = File.Create(big)) file.SetLength((64L << 20) + 1);
        Assert.Contains("is over 64 MiB", Assert.Throws<ScenarioException>(() => ScenarioFile.Read(big)).Message);
    }

    [Fact]
    public void A_request_whose_body_is_nested_too_deep_is_sent_as_it_was()
    {
        var deep = new string('[', 10_000) + new string(']', 10_000);
        Assert.Equal(deep, Read(Har(Entry("POST", "http://h/", sends: deep, body: deep))).Steps[0].Body!.Template);
    }

    [Fact]
    public void A_recording_with_a_hundred_thousand_values_is_read_in_time()
    {
        var list = "[" + string.Join(",", Enumerable.Range(0, 10_000).Select(i => $"{{\"id\":\"id-{i:D6}\",\"n\":{i}}}")) + "]";
        var entries = Enumerable.Range(0, 10).SelectMany(i => new[] { Entry("GET", "http://h/list", body: list), Entry("POST", $"http://h/items/id-{i:D6}", sends: list) }).ToArray();
        var time = System.Diagnostics.Stopwatch.StartNew();
        var scenario = Read(Har(entries));
        Assert.Equal("/items/{{id_1|percent}}", scenario.Steps[1].Target);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void However_a_recording_is_damaged_it_is_read_or_refused()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "Recordings", "firefox-docs.har"));
        var damage = from at in Gen.Choose(0, text.Length - 1) from length in Gen.Choose(0, 40) from put in Gen.Elements("", "\"", "{", "[]", "null", ",", "7", "\\ud800", "{{", "http://h") select (at, length, put);
        Prop.ForAll(damage.ListOf().ToArbitrary(), list =>
        {
            var damaged = text;
            foreach (var (at, length, put) in list.Take(3))
                if (at < damaged.Length) damaged = damaged[..at] + put + damaged[Math.Min(damaged.Length, at + length)..];
            try { return Read(damaged).Steps.Count > 0; }
            catch (ScenarioException) { return true; }
        }).QuickCheckThrowOnFailure();
    }
}
