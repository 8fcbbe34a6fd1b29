using System.Text;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Conversations;

public sealed class MaskTests
{
    private const string Jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

    [Fact]
    public void Equal_secrets_look_equal_and_different_ones_of_one_length_do_not()
    {
        Assert.Equal(Masks.Value("correct horse battery"), Masks.Value("correct horse battery"));
        Assert.NotEqual(Masks.Value("correct horse battery"), Masks.Value("correct horse batterx"));
        Assert.Matches(@"^corr…\[21:[0-9a-f]{4}\]$", Masks.Value("correct horse battery"));
        Assert.Matches(@"^…\[7:[0-9a-f]{4}\]$", Masks.Value("hunter2"));
        Assert.Equal("", Masks.Value(""));
        Assert.Equal(Masks.Value("hunter2"), Masks.Value(Masks.Value("hunter2")));
    }

    [Theory]
    [InlineData("{\"user\":\"ann\",\"password\":\"hunter2!\",\"n\":1}", "hunter2!")]
    [InlineData("{ \"access_token\" : \"abc\\\"def\" }", "abc")]
    [InlineData("user=ann&password=hunter2!&x=1", "hunter2!")]
    [InlineData("/cb?code=q8w7e6&state=5", "q8w7e6")]
    [InlineData("<input type=\"hidden\" name=\"csrf_token\" value=\"s3cr3t\">", "s3cr3t")]
    [InlineData("<meta name='csrf-token' content='s3cr3t'>", "s3cr3t")]
    [InlineData("nothing but " + Jwt + " here", "dozjgNryP4J3")]
    [InlineData("sid=opaque; connect.sid=other", "other")]
    [InlineData("cannot connect to postgres://ann:hunter2!@db.example/shop", "hunter2!")]
    [InlineData("serve --port 80 --admin-password hunter2! -v", "hunter2!")]
    [InlineData("serve --token='hunter2!' x", "hunter2!")]
    public void What_looks_like_a_secret_by_its_name_or_form_is_masked_in_any_text(string text, string secret)
    {
        var masked = Masks.Text(text);
        Assert.DoesNotContain(secret, masked);
        Assert.Contains("…[", masked);
        Assert.Equal(masked, Masks.Text(masked));
    }

    [Theory]
    [InlineData("{\"user\":\"ann\",\"monkey\":\"x\",\"key_count\":\"3\"}")]
    [InlineData("user=ann&compass=north&token_type=bearer&expires_in=3600")]
    [InlineData("keyboard passenger")]
    [InlineData("node app.js --port 80 --verbose --key-ring /a --token --next http://127.0.0.1:80/a@b")]
    public void What_does_not_is_left(string text) => Assert.Equal(text, Masks.Text(text));

    [Fact]
    public void Known_secrets_are_masked_wherever_they_stand_also_percent_encoded()
    {
        var masked = Masks.Text("hello s3cr3t/x, s3cr3t%2Fx", ["s3cr3t/x", "abc"]);
        Assert.DoesNotContain("s3cr3t", masked);
        Assert.Equal("abc", Masks.Text("abc", ["abc"]));
    }

    [Theory]
    [InlineData("Authorization", "Bearer abc.def", "Bearer …[")]
    [InlineData("authorization", "rawtoken", "…[")]
    [InlineData("Cookie", "sid=abc; theme=dark", "sid=…[")]
    [InlineData("Set-Cookie", "sid=abc; Path=/; HttpOnly", "]; Path=/; HttpOnly")]
    [InlineData("X-Api-Key", "abc", "…[")]
    [InlineData("X-CSRF-Token", "abc", "…[")]
    [InlineData("Location", "/cb?code=abc&n=1", "…[3:")]
    public void Headers_keep_their_shape_and_lose_their_secrets(string name, string value, string expected)
    {
        Assert.Contains(expected, Masks.Header(name, value));
        Assert.DoesNotContain("abc", Masks.Header(name, value));
        Assert.DoesNotContain("rawtoken", Masks.Header(name, value));
    }

    [Fact]
    public void An_idempotency_key_is_shown_since_reports_about_retries_need_it() => Assert.Equal("k-1", Masks.Header("Idempotency-Key", "k-1"));

    [Fact]
    public void Facts_are_masked_by_the_name_of_their_place()
    {
        Assert.StartsWith("…[", Masks.Fact("cookie:sid=", "abc"));
        Assert.StartsWith("…[", Masks.Fact("json:$.a.token", "abc"));
        Assert.StartsWith("…[", Masks.Fact("html:form[0].field[csrf]#2", "abc"));
        Assert.StartsWith("…[", Masks.Fact("header:location?code", "abc"));
        Assert.Equal("abc", Masks.Fact("json:$.name", "abc"));
        Assert.Equal("set; httponly", Masks.Fact("cookie:sid", "set; httponly"));
    }

    [Fact]
    public void An_exchange_as_text_holds_no_secret_and_no_binary()
    {
        var step = new Step { Number = 1, Name = "x", Method = "POST", Target = "/", Extractions = [new("x", "header:x-receipt", true)] };
        var request = new SentRequest("POST", new Uri("http://h/login?api_key=QQQQ1"), [new("Host", "h"), new("Cookie", "s=QQQQ2"), new("Content-Type", "application/json")], Encoding.UTF8.GetBytes("{\"password\":\"QQQQ3\"}"));
        var answer = new Answer(200, [new("Set-Cookie", "s=QQQQ4; Path=/"), new("X-Receipt", "QQQQ6"), new("Content-Type", "image/png")], new byte[] { 0, 1, 2 }, true);
        var hop = new Exchange(step, 0, request, answer with { Status = 302, Headers = [new("Location", "/next?code=QQQQ7")] }, null, null, TimeSpan.Zero);
        var text = Masks.Of(new Exchange(step, 0, request with { Method = "GET", Url = new Uri("http://h/next?code=QQQQ7") }, answer, null, "token=QQQQ5", TimeSpan.Zero) { Hops = [hop] });
        Assert.Contains(" answered 302 → GET /next?code=", text);
        Assert.DoesNotContain("QQQQ", text);
        Assert.Contains("POST /login?api_key=", text);
        Assert.Contains("(3 bytes, SHA-256 ", text);
        Assert.Contains("… (more followed)", text);
    }
}
