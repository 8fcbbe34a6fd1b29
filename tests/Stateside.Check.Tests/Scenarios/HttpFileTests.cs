using Stateside.Check.Scenarios;
using Stateside.Check.Tests.Conversations;

namespace Stateside.Check.Tests.Scenarios;

public sealed class HttpFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Scenario Read(string text, Dictionary<string, string>? variables = null, Corrections? corrections = null) =>
        ScenarioFile.Read(_folder.Write("s.http", text), variables, corrections);

    private string Fault(string text) => Assert.Throws<ScenarioException>(() => Read(text)).Message;

    [Fact]
    public void Requests_are_separated_by_three_hashes_and_named_by_a_note_a_title_or_their_path()
    {
        var scenario = Read("""
            @host = http://localhost:5000
            ### the first page, which is a sentence
            GET {{host}}/ HTTP/1.1
            Accept: text/html

            ###
            # @name login
            POST {{host}}/login
            Content-Type: application/json

            {"user": "a"}

            ### logout
            // a comment
            POST {{host}}/logout

            ###
            /bare?x=1
            """);
        Assert.Equal(["GET /", "login", "logout", "GET /bare"], scenario.Steps.Select(s => s.Name));
        Assert.Equal(["GET", "POST", "POST", "GET"], scenario.Steps.Select(s => s.Method));
        Assert.Equal(["/", "/login", "/logout", "/bare?x=1"], scenario.Steps.Select(s => s.Target));
        Assert.Equal("{\"user\": \"a\"}", scenario.Steps[1].Body!.Template);
        Assert.Null(scenario.Steps[2].Body);
        Assert.Equal(KeyValuePair.Create("Accept", "text/html"), Assert.Single(scenario.Steps[0].Headers));
        Assert.Equal([1, 2, 3, 4], scenario.Steps.Select(s => s.Number));
    }

    [Theory]
    [InlineData("GET http://localhost:5000/a/b?c=d", "/a/b?c=d")]
    [InlineData("GET https://example.com", "/")]
    [InlineData("get http://example.com?x=1", "/?x=1")]
    [InlineData("https://user@example.com/a#fragment", "/a")]
    [InlineData("GET {{base}}/items HTTP/2", "/api/v1/items")]
    [InlineData("GET {{nested}}/items", "/api/v1/more/items")]
    [InlineData("GET http://{{name}}:{{port}}/x/{{port}}", "/x/{{port}}")]
    [InlineData("GET {{unknownHost}}/x", "/x")]
    [InlineData("GET {{name}}/x", "/x")]
    [InlineData("GET //elsewhere.example/x", "//elsewhere.example/x")]
    public void The_origin_of_a_url_is_removed_and_its_path_stays(string line, string target)
    {
        var scenario = Read($"@base = http://localhost:5000/api/v1\n@nested = {{{{base}}}}/more\n@name = localhost\n@port=80\n{line}\n");
        Assert.Equal(target, scenario.Steps[0].Target);
    }

    [Fact]
    public void A_query_may_go_on_over_several_lines()
    {
        var step = Read("GET http://h/search\n    ?q=a b\n    &page=2\nAccept: */*\n\n").Steps[0];
        Assert.Equal("/search?q=a b&page=2", step.Target);
        Assert.Equal("Accept", Assert.Single(step.Headers).Key);
    }

    [Fact]
    public void A_form_may_stand_on_several_lines()
    {
        var step = Read("POST /login\nContent-Type: application/x-www-form-urlencoded\n\nuser=ann\n&password=a=b\n&go = yes &\nx=1\n\n").Steps[0];
        Assert.Equal("user=ann&password=a=b&go=yes&x=1", step.Body!.Template);
    }

    [Fact]
    public void A_multipart_body_has_the_line_ends_of_its_type_and_takes_files_of_its_folder()
    {
        _folder.Write("pic.png", [0x89, 0x50, 0xFF, 0x00]);
        _folder.Write("note.txt", "a {{b}}");
        var step = Read("POST /up\nContent-Type: multipart/form-data; boundary=B\n\n--B\nContent-Disposition: form-data; name=\"t\"\n\n< ./note.txt\n--B\nContent-Disposition: form-data; name=\"f\"; filename=\"p.png\"\n\n< ./pic.png\n--B--\n").Steps[0];
        var pieces = step.Body!.Pieces!;
        Assert.Equal(3, pieces.Count);
        Assert.Equal("--B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\na {{$open}}b}}\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"p.png\"\r\n\r\n", pieces[0].Template);
        Assert.Equal([0x89, 0x50, 0xFF, 0x00], pieces[1].Bytes!.Value.ToArray());
        Assert.Equal("\r\n--B--\r\n", pieces[2].Template);
    }

    [Fact]
    public void Only_files_of_the_scenarios_own_folder_are_read()
    {
        using var other = new TestFolder();
        var secret = other.Write("secret.txt", "s");
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "link.txt"), secret);
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "dir"), other.Path);
        _folder.Write("big.bin", new byte[(1 << 20) + 1]);
        _folder.Write("sub/ok.txt", "fine");
        Assert.Contains("s.http:3: '< ../../etc/passwd' lies outside of the scenario's folder", Fault("POST /\n\n< ../../etc/passwd\n"));
        Assert.Contains("lies outside", Fault($"POST /\n\n< {secret}\n"));
        Assert.Contains("lies outside", Fault($"POST /\n\n< ../{Path.GetFileName(_folder.Path)}2/x\n"));
        Assert.Contains("is a link", Fault("POST /\n\n< link.txt\n"));
        Assert.Contains("is a link", Fault("POST /\n\n< dir/secret.txt\n"));
        Assert.Contains("over 1 MiB", Fault("POST /\n\n< big.bin\n"));
        Assert.Contains("no such file", Fault("POST /\n\n< none.txt\n"));
        Assert.Equal("fine", Read("POST /\n\n< sub/ok.txt\n").Steps[0].Body!.Template);
    }

    [Fact]
    public void Notes_turn_redirects_and_cookies_off()
    {
        var steps = Read("# @no-redirect\n// @no-cookie-jar\nGET /a\n###\nGET /b\n").Steps;
        Assert.False(steps[0].FollowRedirects);
        Assert.False(steps[0].UsesCookies);
        Assert.True(steps[1].FollowRedirects);
        Assert.True(steps[1].UsesCookies);
    }

    [Fact]
    public void Scripts_and_response_files_are_passed_over_with_a_notice()
    {
        var scenario = Read("< {%\n  request.variables.set('a', 1)\n%}\nPOST /a\n\n{\"x\":1}\n\n> {%\n client.test('ok', () => {})\n\n%}\n>> out.json\n\n###\nGET /b\n\n> ./script.js\n");
        Assert.Equal("{\"x\":1}", scenario.Steps[0].Body!.Template);
        Assert.Equal(2, scenario.Steps.Count);
        Assert.Equal(4, scenario.Notices.Count);
        Assert.Contains("s.http:1: the script is not run", scenario.Notices[0]);
    }

    [Fact]
    public void A_file_in_the_body_is_sent_whatever_its_name_ends_in_and_a_script_stands_before_it()
    {
        _folder.Write("body.js", "let a = 1;");
        var scenario = Read("< ./before.js\nPOST /a\nContent-Type: text/javascript\n< ./also.js\n\n< ./body.js\n\n> ./after.js\n");
        Assert.Equal("let a = 1;", Assert.Single(scenario.Steps).Body!.Template);
        Assert.Equal(["s.http:1: the script is", "s.http:4: the script is", "s.http:8: the script is"], scenario.Notices.Select(n => string.Join(' ', n.Split(' ').Take(4))));
        Assert.Contains("s.http:3: '< ../x.js' lies outside of the scenario's folder", Fault("POST /\n\n< ../x.js\n"));
        Assert.Contains("no such file", Fault("POST /\n\n< ./none.js\n"));
        Assert.Null(Read("POST /\n\n< {% let a = 1 %}\n").Steps[0].Body);
    }

    [Fact]
    public void A_web_socket_is_a_get_that_asks_for_an_upgrade()
    {
        var steps = Read("WEBSOCKET ws://localhost/chat\n###\nGET ws://localhost/chat2\n###\nGET /chat3\nUpgrade: websocket\nConnection: Upgrade\n").Steps;
        Assert.All(steps, s => Assert.Equal(("GET", "websocket"), (s.Method, Assert.Single(s.Headers).Value)));
        Assert.Equal("one\n===\ntwo", Assert.Single(Read("WEBSOCKET /chat\n\none\n===\ntwo\n").Steps).Body!.Template);
        Assert.Equal("/chat", steps[0].Target);
    }

    [Theory]
    [InlineData("\n", "s.http:1: there is no request in it")]
    [InlineData("GET /\nnot a header\n", "s.http:2: 'not a header' is not a header field; write 'Name: value'")]
    [InlineData("GET\n", "s.http:1: 'GET' has no URL; write for instance 'GET /path'")]
    [InlineData("GET /{{id}}\n", "s.http:1: nothing is called 'id'; define it with '@id = value'")]
    [InlineData("@a = {{b}}\n@b = {{a}}\nGET /{{a}}\n", "a variable is defined by itself")]
    [InlineData("@a = {{c}}\n\nGET /{{a}}\n", "s.http:1: nothing is called 'c'")]
    [InlineData("GET /{{x.response.body.$.id}}\n", "s.http:1: no request is called 'x'; write '# @name x' above")]
    [InlineData("GET /{{later.response.body.$.id}}\n###\n# @name later\nGET /\n", "s.http:1: 'later' is sent only after this request")]
    [InlineData("# @name x\nGET /\n###\n\nGET /{{x.response.body.$.a[*]}}\n", "s.http:5: '$.a[*]' does not name one value")]
    [InlineData("# @name x\nGET /\n###\nGET /{{x.response.body.//id}}\n", "is an XPath, which is not supported")]
    [InlineData("# @name x\nGET /\n###\nGET /{{x.response.cookies}}\n", "is not part of a response")]
    [InlineData("GET /{{$nonsense}}\n", "is not a known function")]
    [InlineData("GET /{{$randomInt 5}}\n", "takes no numbers or two whole ones")]
    [InlineData("GET /{{$timestamp 3 centuries}}\n", "takes an offset such as -3 h")]
    [InlineData("GET /{{$dotenv X}}\n", "is not supported: give the value with --var")]
    [InlineData("@ = x\nGET /\n", "s.http:1: '@ = x' defines no variable")]
    [InlineData("# @prompt password\nGET /\n", "give it with --var password=VALUE")]
    [InlineData("GRAPHQL /graphql\n\nquery { a }\n", "GraphQL requests are not supported")]
    [InlineData("GRPC h/Service/Method\n", "gRPC requests are not supported")]
    [InlineData("nonsense here\n", "is not a request; write 'METHOD URL'")]
    public void A_fault_names_the_file_the_line_and_the_fix(string text, string message) => Assert.Contains(message, Fault(text));

    [Fact]
    public void What_is_no_scenario_is_refused()
    {
        Assert.Contains("give a .http or .rest file", Assert.Throws<ScenarioException>(() => ScenarioFile.Read(_folder.Write("s.txt", "GET /"))).Message);
        Assert.Contains("there is no such file", Assert.Throws<ScenarioException>(() => ScenarioFile.Read(Path.Combine(_folder.Path, "none.http"))).Message);
        Assert.Contains("is not UTF-8", Assert.Throws<ScenarioException>(() => ScenarioFile.Read(_folder.Write("b.http", [0x47, 0xFF, 0xFE]))).Message);
        Assert.Contains("is over 4 MiB", Assert.Throws<ScenarioException>(() => ScenarioFile.Read(_folder.Write("c.http", new byte[(4 << 20) + 1]))).Message);
    }

    [Fact]
    public void Given_variables_replace_those_of_the_file_and_secret_ones_are_known()
    {
        var scenario = Read("# @secret pet\n@pet = dog\n@password = hunter2\n@user = ann\nGET /{{user}}/{{pet}}\n", new() { ["user"] = "bob", ["apiToken"] = "x" });
        Assert.Equal("bob", scenario.Variables["user"]);
        Assert.Equal(["apiToken", "password", "pet"], scenario.SecretVariables.Order());
    }

    [Fact]
    public void A_variable_may_be_taken_from_a_response_and_defined_after_its_use()
    {
        var scenario = Read("# @name login\nPOST /login\n\n###\n@token = {{login.response.body.$.token}}\nGET /me\nAuthorization: Bearer {{token}}\n");
        Assert.Equal("{{login.response.body.$.token}}", scenario.Variables["token"]);
    }

    [Fact]
    public void Braces_that_open_no_expression_are_text()
    {
        var step = Read("POST /\nContent-Type: application/json\n\n{\"a\":{\"b\":{\n\"c\":1}}}\n").Steps[0];
        Assert.Equal("{\"a\":{\"b\":{\n\"c\":1}}}", step.Body!.Template);
        Assert.Equal(["{", "b", "}"], Template.Parse("{{{b}}}").Select(p => p.Text));
    }

    [Fact]
    public void A_correction_gives_a_name_to_a_place_of_a_response()
    {
        var scenario = Read("GET /form\n###\nPOST /form\n\ncsrf={{csrf}}\n", corrections: Corrections.Parse(["csrf=html:form[0].field[csrf]@1"], []));
        Assert.Equal(new Extraction("csrf", "html:form[0].field[csrf]", true), Assert.Single(scenario.Steps[0].Extractions));
        Assert.Contains("NAME=PLACE@STEP", Assert.Throws<ScenarioException>(() => Corrections.Parse(["csrf"], [])).Message);
        Assert.Contains("names step 9", Assert.Throws<ScenarioException>(() => Read("GET /\n", corrections: Corrections.Parse(["a=status@9"], []))).Message);
    }

    [Fact]
    public void Several_services_in_one_file_are_told()
    {
        var scenario = Read("GET http://a.example/\n###\nGET http://b.example/\n");
        Assert.Contains("names 2 services (a.example, b.example)", Assert.Single(scenario.Notices));
    }
}
