using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;
using Stateside.Check.Reports;
using Outcome = Stateside.Check.Reports.Outcome;

namespace Stateside.Check.Tests.Reports;

public sealed partial class ReportTests
{
    // What a hostile service may answer, and what breaks writers of HTML, XML and JSON.
    private const string Hostile = "<script>alert(1)</script></style></pre>]]>--><img src=x onerror=alert(1)> \"' &amp; \u0000\u0001\u001b[31m \u202egnp.exe \ud800 \uffff {{x}} `|javascript:alert(1)";

    private static readonly Action<CheckReport, TextWriter>[] s_writers = [HtmlReport.Write, SarifReport.Write, JUnitReport.Write, JsonReport.Write];

    [Fact]
    public void A_page_says_what_it_means_before_it_shows_the_evidence()
    {
        var page = Write(HtmlReport.Write, Example()).Split("<body>")[1];
        var places = new[] { "What users did is lost when a server process ends", "stateful: lost with the process", "Move it out.", "Five questions", "What fails", "curl http", "What was done", "Notices" }
            .Select(text => page.IndexOf(text, StringComparison.Ordinal)).ToList();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public void The_table_of_questions_names_no_places_and_headings_begin_in_upper_case()
    {
        var title = "on another replica, step 2 (me) shows \"nobody\" instead of \"ann\" at json:$.user";
        var report = Example();
        report = report with { Findings = [report.Findings[0] with { Title = title }, .. report.Findings.Skip(1)], Verdicts = [report.Verdicts[0] with { Reason = title }, .. report.Verdicts.Skip(1)] };
        var parts = System.Net.WebUtility.HtmlDecode(Write(HtmlReport.Write, report)).Split("<article", 2);
        Assert.Contains("<td>On another replica, step 2 (me) shows \"nobody\" instead of \"ann\"<br>", parts[0], StringComparison.Ordinal);
        Assert.DoesNotContain("json:$.user", parts[0], StringComparison.Ordinal);
        Assert.Contains("<h3>On another replica, step 2 (me) shows \"nobody\" instead of \"ann\" at json:$.user</h3>", parts[1], StringComparison.Ordinal);
        Assert.Equal("Step 1 sent twice makes two: /a, then /b", Words.Plain("step 1 sent twice makes two: header:location is /a, then /b", "header:location"));
    }

    [Fact]
    public void An_error_without_a_reproduction_says_why_in_every_report()
    {
        var report = Example();
        report = report with { Findings = [.. report.Findings.Select(f => f with { Reproduction = null })] };
        Assert.All(s_writers, write => Assert.Contains("There are no commands that show it", Write(write, report), StringComparison.Ordinal));
        Assert.Null(Words.NoReproduction(report.Findings[2]));
    }

    [Fact]
    public void A_page_leads_from_each_question_to_its_evidence()
    {
        var page = Write(HtmlReport.Write, Example());
        var links = Links().Matches(page).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.Single(Regex.Matches(page, $" id=\"{link}\"")));
    }

    [Fact]
    public void A_page_marks_the_place_at_which_the_two_responses_differ()
    {
        var page = Write(HtmlReport.Write, Example());
        Assert.Contains("<mark>ann</mark>", page, StringComparison.Ordinal);
        Assert.Contains("<mark>nobody</mark>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<span class=\"line\">Content-Type", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_has_no_script_nothing_from_elsewhere_and_a_policy_that_allows_neither()
    {
        var page = Write(HtmlReport.Write, Everywhere(Hostile));
        var tags = Tags().Matches(page).Select(m => m.Groups[1].Value).ToHashSet();
        Assert.Subset(new HashSet<string> { "html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "div", "h1", "h2", "h3", "h4", "p", "b", "i", "br", "span", "a", "code", "pre", "mark", "table", "thead", "tbody", "tr", "th", "td", "ul", "li" }, tags);
        Assert.All(Attributes().Matches(page).SelectMany(m => m.Groups[1].Captures).Select(c => c.Value), name => Assert.Contains(name, new[] { "lang", "charset", "http-equiv", "content", "name", "class", "scope", "href", "id" }));
        Assert.All(Links().Matches(page).Select(m => m.Groups[1].Value), link => Assert.StartsWith("finding-", link, StringComparison.Ordinal));
        var sheet = page[(page.IndexOf("<style>", StringComparison.Ordinal) + 7)..page.IndexOf("</style>", StringComparison.Ordinal)];
        var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(sheet)));
        Assert.Contains($"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'", System.Net.WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.DoesNotContain("url(", sheet, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_seen_or_turns_the_writing_is_shown_by_its_number()
    {
        foreach (var write in s_writers.Take(3))
        {
            var text = Write(write, Everywhere(Hostile));
            Assert.DoesNotContain('\u202e', text);
            Assert.DoesNotContain('\u0001', text);
            Assert.DoesNotContain('\u001b', text);
        }
        Assert.Contains("\\u202egnp.exe", Write(HtmlReport.Write, Everywhere(Hostile)), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_service_answers_every_report_can_be_read_by_its_readers() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>().Filter(s => s is not null), text =>
        {
            var report = Everywhere(text);
            _ = XDocument.Parse(Write(JUnitReport.Write, report));
            using var sarif = JsonDocument.Parse(Write(SarifReport.Write, report));
            using var json = JsonDocument.Parse(Write(JsonReport.Write, report));
            return Structure(report).SequenceEqual(Structure(Everywhere("plain")));
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Each_question_is_a_test_case_that_passed_failed_or_was_skipped()
    {
        var suite = XDocument.Parse(Write(JUnitReport.Write, Example())).Root!.Element("testsuite")!;
        Assert.Equal(("5", "2", "0", "1"), (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value, suite.Attribute("errors")!.Value, suite.Attribute("skipped")!.Value));
        var cases = suite.Elements("testcase").ToDictionary(c => c.Attribute("name")!.Value.Split(':')[0], c => c.Elements().SingleOrDefault());
        Assert.Equal(["Context", "External", "Retry", "Spread", "Auth"], cases.Keys);
        Assert.Null(cases["Retry"]);
        Assert.Equal("CHK-RESTART", cases["External"]!.Attribute("type")!.Value);
        Assert.Contains("curl http", cases["External"]!.Value, StringComparison.Ordinal);
        Assert.Equal("skipped", cases["Auth"]!.Name.LocalName);
    }

    [Fact]
    public void A_service_that_ended_fails_the_check_though_no_question_does()
    {
        var example = Example();
        var crash = example.Findings[0] with { Rule = "CHK-CRASH", Question = null, Severity = Severity.Error, Title = "the service ended at step 2" };
        var report = example with { Findings = [crash], Verdicts = [.. example.Verdicts.Select(v => v with { Outcome = Outcome.Holds, Evidence = [] })] };
        Assert.True(report.Fails);
        Assert.False((report with { Findings = [crash with { Severity = Severity.Warning }] }).Fails);
        var suite = XDocument.Parse(Write(JUnitReport.Write, report)).Root!.Element("testsuite")!;
        Assert.Equal(("6", "1"), (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value));
        Assert.Equal("the service ended at step 2", suite.Elements("testcase").Last().Element("failure")!.Attribute("message")!.Value);
        using var json = JsonDocument.Parse(Write(JsonReport.Write, report));
        Assert.Equal("fails", json.RootElement.GetProperty("result").GetString());
        Assert.Contains("<h1>The service ended while it was checked", Write(HtmlReport.Write, report), StringComparison.Ordinal);
    }

    [Fact]
    public void A_baseline_that_does_not_repeat_is_an_error_in_every_report_and_no_verdict()
    {
        var report = Example() with { Unrepeatable = "step 3 is answered 200, then 409", Findings = [], Advice = null };
        var suite = XDocument.Parse(Write(JUnitReport.Write, report)).Root!.Element("testsuite")!;
        Assert.Equal(("5", "0", "0"), (suite.Attribute("errors")!.Value, suite.Attribute("failures")!.Value, suite.Attribute("skipped")!.Value));
        Assert.Equal(5, suite.Descendants("error").Count());
        using var sarif = JsonDocument.Parse(Write(SarifReport.Write, report));
        var invocation = sarif.RootElement.GetProperty("runs")[0].GetProperty("invocations")[0];
        Assert.False(invocation.GetProperty("executionSuccessful").GetBoolean());
        Assert.Contains("409", invocation.GetProperty("toolExecutionNotifications")[0].GetProperty("message").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Contains("<h1>No verdict", Write(HtmlReport.Write, report), StringComparison.Ordinal);
    }

    [Fact]
    public void Sarif_has_a_rule_with_help_for_every_result_and_places_it_in_the_scenario()
    {
        using var sarif = JsonDocument.Parse(Write(SarifReport.Write, Example()));
        Assert.Equal("2.1.0", sarif.RootElement.GetProperty("version").GetString());
        var run = sarif.RootElement.GetProperty("runs")[0];
        var rules = run.GetProperty("tool").GetProperty("driver").GetProperty("rules");
        var results = run.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal(3, results.Count);
        Assert.All(results, result =>
        {
            var rule = rules[result.GetProperty("ruleIndex").GetInt32()];
            Assert.Equal(result.GetProperty("ruleId").GetString(), rule.GetProperty("id").GetString());
            Assert.NotEmpty(rule.GetProperty("help").GetProperty("text").GetString()!);
            var place = result.GetProperty("locations")[0].GetProperty("physicalLocation");
            Assert.Equal("a%20visit.http", place.GetProperty("artifactLocation").GetProperty("uri").GetString());
            Assert.Equal(1, place.GetProperty("region").GetProperty("startLine").GetInt32());
        });
        Assert.All(results, result =>
        {
            Assert.StartsWith("step 2 shows nobody", result.GetProperty("message").GetProperty("text").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain("curl", result.GetProperty("message").GetProperty("text").GetString(), StringComparison.Ordinal);
            Assert.StartsWith("curl http", result.GetProperty("properties").GetProperty("reproduction").GetString(), StringComparison.Ordinal);
        });
        Assert.Equal(["error", "error", "warning"], results.Select(r => r.GetProperty("level").GetString()));
    }

    [Fact]
    public void A_finding_keeps_its_fingerprint_when_only_values_change()
    {
        static string Fingerprint(CheckReport report)
        {
            using var sarif = JsonDocument.Parse(Write(SarifReport.Write, report));
            return sarif.RootElement.GetProperty("runs")[0].GetProperty("results")[0].GetProperty("partialFingerprints").GetProperty("finding/v1").GetString()!;
        }
        var report = Example();
        Assert.Equal(Fingerprint(report), Fingerprint(report with { Findings = [report.Findings[0] with { Actual = "somebody", Detail = "otherwise" }] }));
        Assert.NotEqual(Fingerprint(report), Fingerprint(report with { Findings = [report.Findings[0] with { Step = 9 }] }));
    }

    [Fact]
    public void Every_rule_says_what_it_means_and_what_to_do_and_stands_in_the_documentation()
    {
        var documentation = File.ReadAllText(Path.Combine(Root(), "docs", "check.md"));
        Assert.Equal(Rules.All.Count, Rules.All.Select(r => r.Code).Distinct().Count());
        Assert.All(Rules.All, rule =>
        {
            Assert.NotEmpty(rule.Meaning);
            Assert.NotEmpty(rule.Fix);
            Assert.Contains($"| `{rule.Code}` |", documentation, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void No_finding_can_have_a_rule_that_nobody_explained()
    {
        var sources = Directory.GetFiles(Path.Combine(Root(), "src", "Stateside.Check"), "*.cs", SearchOption.AllDirectories);
        var used = sources.SelectMany(file => Codes().Matches(File.ReadAllText(file)).Select(m => m.Value)).Distinct();
        Assert.Subset(Rules.All.Select(r => r.Code).ToHashSet(), used.ToHashSet());
    }

    [Fact]
    public void Every_report_says_expected_and_got_and_which_replica_a_number_means()
    {
        var report = Example() with { Replicas = ["http://127.0.0.1:5001", "http://127.0.0.1:5002"] };
        foreach (var write in new Action<CheckReport, TextWriter>[] { HtmlReport.Write, SarifReport.Write, JUnitReport.Write })
        {
            var text = Write(write, report);
            Assert.Matches("(?i)expected", text);
            Assert.Matches("(?i)\\bgot\\b", text);
            Assert.DoesNotMatch("(?i)\\bcame\\b|otherwise", text);
            Assert.Contains("replica 0 is http://127.0.0.1:5001, replica 1 is http://127.0.0.1:5002", text, StringComparison.Ordinal);
        }
        Assert.Equal("Replicas 0 to 1 are processes of their own, each launched with: node a.js {port}", Words.Replicas(report with { Replicas = ["node a.js {port} (replica 0)", "node a.js {port} (replica 1)"] }));
    }

    [Fact]
    public void What_was_not_asked_for_is_said_to_be_unexamined()
    {
        Assert.Null(Words.Only(Example()));
        var report = Example() with
        {
            Architecture = Architecture.CannotTell,
            Advice = null,
            Verdicts = [.. Example().Verdicts.Select(v => v with { Outcome = Outcome.CannotTell, Evidence = [] })],
            Findings = [],
            Experiments = [.. CheckRun.Experiments.Select(e => new ExperimentRecord(e, "a visit.http", 1, 1, TimeSpan.Zero, e == "move" ? null : "it was not asked for (--only)"))],
        };
        Assert.StartsWith("Only move was asked for (--only): what rests on the other experiments (spread, retry,", Words.Only(report), StringComparison.Ordinal);
        Assert.Contains("Only move was asked for", Write(HtmlReport.Write, report), StringComparison.Ordinal);
        Assert.Contains("<h1>Only a part was examined", Write(HtmlReport.Write, report), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_are_told_apart_as_a_reader_would()
    {
        var (left, right) = LineDifference.Of("a\nb\nc\nd", "a\nx\nc\nd\ne");
        Assert.Equal(["b"], left.Where(l => l.IsOnlyHere).Select(l => l.Text));
        Assert.Equal(["x", "e"], right.Where(l => l.IsOnlyHere).Select(l => l.Text));
    }

    private static CheckReport Example() => new(
        ["a visit.http"], ["node app.js --port {port} (replica 0)"], Architecture.LostWithProcess, "Move it out.",
        [
            new(Question.Context, Outcome.Fails, "on another replica step 2 shows nobody", ["CHK-MOVE-1"]),
            new(Question.External, Outcome.Fails, "after a restart step 2 shows nobody", ["CHK-RESTART-1"]),
            new(Question.Retry, Outcome.Holds, "once is once", []),
            new(Question.Spread, Outcome.Holds, "no difference", []),
            new(Question.Auth, Outcome.CannotTell, "nobody logs in", []),
        ],
        [
            Found("CHK-MOVE-1", Severity.Error, Question.Context),
            Found("CHK-RESTART-1", Severity.Error, Question.External),
            Found("CHK-COOKIE-1", Severity.Warning, null),
        ],
        [new("move", "a visit.http", 3, 12, TimeSpan.FromSeconds(1.5), null), new("credential", "a visit.http", 0, 0, TimeSpan.Zero, "nobody logs in")],
        ["Step 3 is answered 401 in the undisturbed scenario too."], null, TimeSpan.FromSeconds(4));

    private static Finding Found(string id, Severity severity, Question? question) => new(
        id, id[..^2], severity, question, "move", "step 2 shows nobody", "It went elsewhere.", "a visit.http", 2, 1, "json:$.user", "ann", "nobody",
        "GET /me HTTP/1.1\n\nHTTP/1.1 200\nContent-Type: application/json\n\n{\"user\":\"ann\"}\n", "GET /me HTTP/1.1\n\nHTTP/1.1 200\nContent-Type: application/json\n\n{\"user\":\"nobody\"}\n",
        "curl http://127.0.0.1:5001/me");

    /// <summary>The same text wherever a report has text that a scenario or a service may have made.</summary>
    private static CheckReport Everywhere(string text) => Example() with
    {
        Scenarios = [text],
        Replicas = [text],
        Advice = text,
        Notices = [text],
        Verdicts = [.. Example().Verdicts.Select(v => v with { Reason = text })],
        Experiments = [new(text, text, 1, 1, TimeSpan.Zero, text)],
        Findings = [.. Example().Findings.Select(f => f with { Title = text, Detail = text, Scenario = text, Place = text, Expected = text, Actual = text, ExpectedExchange = "x", ActualExchange = text.ReplaceLineEndings(" "), Reproduction = text, Experiment = text })],
    };

    /// <summary>The tags of the page, without those that mark what differs, which follow the text.</summary>
    private static IEnumerable<string> Structure(CheckReport report) => Tags().Matches(Write(HtmlReport.Write, report)).Select(m => m.Groups[1].Value).Where(tag => tag is not ("mark" or "span"));

    private static string Write(Action<CheckReport, TextWriter> write, CheckReport report)
    {
        using var writer = new StringWriter();
        write(report, writer);
        return writer.ToString();
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Stateside.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex("<([a-z0-9]+)[ >]")]
    private static partial Regex Tags();

    [GeneratedRegex("<[a-z0-9]+(?: ([a-z-]+)=\"[^\"]*\")+>")]
    private static partial Regex Attributes();

    [GeneratedRegex("href=\"#([^\"]*)\"")]
    private static partial Regex Links();

    [GeneratedRegex("(?<=\")CHK-[A-Z0-9]+(?=\")")]
    private static partial Regex Codes();
}
