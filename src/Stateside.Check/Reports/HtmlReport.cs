using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Stateside.Check.Reports;

/// <summary>The report as one page: what it means in plain words first, the five questions, then the evidence that an engineer can act on.</summary>
/// <remarks>
/// It needs no script and nothing from elsewhere, and its policy allows neither, so that what a hostile service answered can do nothing even if it were not
/// encoded; and all of it is encoded.
/// </remarks>
public static class HtmlReport
{
    private const int MostValue = 2_000;
    private const int MostExchange = 20_000;

    /// <summary>Writes it.</summary>
    public static void Write(CheckReport report, TextWriter writer)
    {
        var page = new Page();
        var policy = $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(HtmlStyle.Sheet)))}'; base-uri 'none'; form-action 'none'";
        page.Raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"").Text(policy).Raw("\">\n")
            .Raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Element("title", $"{Words.Of(report.Architecture)}: {string.Join(", ", report.Scenarios)}")
            .Raw("<style>").Raw(HtmlStyle.Sheet).Raw("</style>\n</head>\n<body>\n<main>\n");
        Head(page, report);
        Questions(page, report);
        Findings(page, report);
        Experiments(page, report);
        Notices(page, report);
        page.Raw("</main>\n</body>\n</html>\n");
        writer.Write(page.ToString());
    }

    private static void Head(Page page, CheckReport report)
    {
        var (line, explanation) = HtmlWords.Headline(report);
        page.Raw("<header>\n").Element("p", $"stateside check: {string.Join(", ", report.Scenarios)}", "kicker")
            .Element("h1", line).Element("p", explanation, "lead");
        page.Raw("<p class=\"architecture ").Raw(HtmlWords.Tone(report)).Raw("\">").Text(report.Unrepeatable is null ? Words.Of(report.Architecture) : "no verdict").Raw("</p>\n");
        if (report.Unrepeatable is { } unrepeatable) page.Raw("<section class=\"advice\">\n<h2>What varied</h2>\n").Element("p", unrepeatable).Raw("</section>\n");
        if (Words.Only(report) is { } only) page.Element("p", only);
        if (report.Advice is { } advice) page.Raw("<section class=\"advice\">\n<h2>The one change that would help most</h2>\n").Element("p", advice).Raw("</section>\n");
        page.Raw("</header>\n");
    }

    private static void Questions(Page page, CheckReport report)
    {
        page.Raw("<section>\n<h2>Five questions</h2>\n<table class=\"questions\">\n<thead><tr><th scope=\"col\">Question</th><th scope=\"col\">Answer</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
        foreach (var verdict in report.Verdicts)
        {
            page.Raw("<tr><th scope=\"row\"><b>").Text(verdict.Question.ToString()).Raw("</b> ").Text(Words.Asks(verdict.Question)).Raw("</th><td><span class=\"answer ")
                .Raw(HtmlWords.Tone(verdict.Outcome)).Raw("\">").Text(Words.Of(verdict.Outcome)).Raw("</span></td><td>").Text(Words.Plain(verdict.Reason, report.Findings.FirstOrDefault(f => verdict.Evidence.Contains(f.Id))?.Place));
            if (verdict.Evidence.Count > 0) page.Raw("<br><span class=\"evidence\">Evidence: ");
            for (var i = 0; i < verdict.Evidence.Count; i++) page.Raw(i == 0 ? "" : ", ").Raw("<a href=\"#").Text(Anchor(report, verdict.Evidence[i])).Raw("\">").Text(verdict.Evidence[i]).Raw("</a>");
            if (verdict.Evidence.Count > 0) page.Raw("</span>");
            page.Raw("</td></tr>\n");
        }
        page.Raw("</tbody>\n</table>\n</section>\n");
    }

    private static void Findings(Page page, CheckReport report)
    {
        foreach (var (severity, heading) in new[] { (Severity.Error, "What fails"), (Severity.Warning, "What is weak or risky"), (Severity.Note, "What is worth knowing") })
        {
            var findings = report.Findings.Where(f => f.Severity == severity).ToList();
            if (findings.Count == 0) continue;
            page.Raw("<section>\n").Element("h2", heading);
            if (findings[0] == report.Findings[0]) page.Element("p", Words.Replicas(report), "tags");
            foreach (var finding in findings) Finding(page, report, finding);
            page.Raw("</section>\n");
        }
    }

    private static void Finding(Page page, CheckReport report, Finding finding)
    {
        page.Raw("<article id=\"").Text(Anchor(report, finding.Id)).Raw("\">\n").Element("h3", Words.Begin(finding.Title)).Raw("<p class=\"tags\">").Element("code", finding.Id);
        foreach (var tag in Tags(finding)) page.Raw(" · ").Text(tag);
        page.Raw("</p>\n").Element("p", finding.Detail, "detail");
        if (finding.Place is { } place)
        {
            page.Raw("<table class=\"values\">\n<tbody><tr><th scope=\"row\">Place</th><td><code>").Text(place).Raw("</code></td></tr>\n<tr><th scope=\"row\">Expected</th><td>");
            Value(page, finding.Expected);
            page.Raw("</td></tr>\n<tr><th scope=\"row\">Got</th><td>");
            Value(page, finding.Actual);
            page.Raw("</td></tr></tbody>\n</table>\n");
        }
        Exchanges(page, finding);
        if (finding.Reproduction is { } reproduction)
            page.Raw("<h4>See it for yourself</h4>\n<pre class=\"curl\">").Text(Printable.Clip(reproduction, MostExchange)).Raw("</pre>\n");
        else if (Words.NoReproduction(finding) is { } none) page.Element("p", none);
        var rule = Rules.Of(finding.Rule);
        if (rule.Meaning.Length > 0) page.Raw("<p class=\"rule\"><b>").Text(rule.Code).Raw("</b> ").Text(rule.Title).Raw(" ").Text(rule.Meaning).Raw(" <b>Fix:</b> ").Text(rule.Fix).Raw("</p>\n");
        page.Raw("</article>\n");
    }

    private static IEnumerable<string> Tags(Finding finding)
    {
        yield return Severities.Of(finding.Severity);
        if (finding.Question is { } question) yield return $"question {question}";
        yield return $"experiment {finding.Experiment}";
        yield return finding.Scenario;
        if (finding.Step is { } step) yield return string.Create(CultureInfo.InvariantCulture, $"shows at step {step}");
        if (finding.MadeBy is { } maker) yield return string.Create(CultureInfo.InvariantCulture, $"depends on step {maker}");
    }

    private static void Value(Page page, string? value)
    {
        if (value is null) page.Raw("<i>nothing</i>");
        else page.Raw("<code>").Text(Printable.Clip(value, MostValue)).Raw("</code>");
    }

    /// <summary>The two responses side by side: lines that are only in one are marked, and in them the value that differs.</summary>
    private static void Exchanges(Page page, Finding finding)
    {
        if (finding.ExpectedExchange is null && finding.ActualExchange is null) return;
        var (left, right) = LineDifference.Of(Printable.Clip(finding.ExpectedExchange ?? "", MostExchange), Printable.Clip(finding.ActualExchange ?? "", MostExchange));
        page.Raw("<div class=\"sides\">\n");
        Side(page, "Expected: undisturbed", finding.ExpectedExchange is null ? [] : left, finding.Expected);
        Side(page, "Got: under the experiment", finding.ActualExchange is null ? [] : right, finding.Actual);
        page.Raw("</div>\n");
    }

    private static void Side(Page page, string heading, IReadOnlyList<(string Text, bool IsOnlyHere)> lines, string? value)
    {
        page.Raw("<div>\n").Element("h4", heading).Raw("<pre>");
        if (lines.Count == 0) page.Raw("<i>no response</i>");
        foreach (var (text, isOnlyHere) in lines)
        {
            if (!isOnlyHere)
            {
                page.Text(text).Raw("\n");
                continue;
            }
            page.Raw("<span class=\"line\">");
            var at = string.IsNullOrEmpty(value) ? -1 : text.IndexOf(value, StringComparison.Ordinal);
            if (at < 0) page.Text(text);
            else page.Text(text[..at]).Element("mark", value!).Text(text[(at + value!.Length)..]);
            page.Raw("</span>\n");
        }
        page.Raw("</pre>\n</div>\n");
    }

    private static void Experiments(Page page, CheckReport report)
    {
        page.Raw("<section>\n<h2>What was done</h2>\n<table>\n<thead><tr><th scope=\"col\">Experiment</th><th scope=\"col\">Scenario</th><th scope=\"col\">Runs</th><th scope=\"col\">Requests</th><th scope=\"col\">Seconds</th><th scope=\"col\">Left out or broken off</th></tr></thead>\n<tbody>\n");
        foreach (var done in report.Experiments)
        {
            page.Raw("<tr>").Element("td", done.Name).Element("td", done.Scenario).Element("td", done.Runs.ToString("N0", CultureInfo.InvariantCulture), "number")
                .Element("td", done.Requests.ToString("N0", CultureInfo.InvariantCulture), "number").Element("td", done.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture), "number")
                .Element("td", done.LeftOut ?? "").Raw("</tr>\n");
        }
        page.Raw("</tbody>\n</table>\n").Element("p", string.Create(CultureInfo.InvariantCulture, $"{report.Experiments.Sum(e => e.Requests):N0} requests in {report.Elapsed.TotalSeconds:F1} s, to:")).Raw("<ul>\n");
        foreach (var replica in report.Replicas) page.Raw("<li><code>").Text(replica).Raw("</code></li>\n");
        page.Raw("</ul>\n</section>\n");
    }

    private static void Notices(Page page, CheckReport report)
    {
        if (report.Notices.Count == 0) return;
        page.Raw("<section>\n<h2>Notices</h2>\n<ul>\n");
        foreach (var notice in report.Notices) page.Element("li", notice);
        page.Raw("</ul>\n</section>\n");
    }

    /// <summary>Ids come from the report, which may have been read from a file: an anchor is its number.</summary>
    private static string Anchor(CheckReport report, string id) =>
        string.Create(CultureInfo.InvariantCulture, $"finding-{report.Findings.TakeWhile(f => f.Id != id).Count() + 1}");

    /// <summary>A page in the making: what is not the report's own markup goes through the encoder.</summary>
    private sealed class Page
    {
        private readonly StringBuilder _text = new();

        public Page Raw(string markup)
        {
            _text.Append(markup);
            return this;
        }

        public Page Text(string text)
        {
            _text.Append(HtmlEncoder.Default.Encode(Printable.Of(text)));
            return this;
        }

        public Page Element(string name, string text, string? style = null)
        {
            _text.Append('<').Append(name);
            if (style is not null) _text.Append(" class=\"").Append(style).Append('"');
            _text.Append('>');
            Text(text);
            _text.Append("</").Append(name).Append('>');
            if (name is not ("code" or "mark" or "td")) _text.Append('\n');
            return this;
        }

        public override string ToString() => _text.ToString();
    }
}
