using System.Globalization;
using System.Text;
using System.Xml;

namespace Stateside.Check.Reports;

/// <summary>The verdicts as JUnit XML, for CI: each question is a test case, passed, failed, or skipped where it cannot be told; and one more, failed, where the service ended.</summary>
public static class JUnitReport
{
    private const int MostText = 20_000;

    /// <summary>Writes it.</summary>
    public static void Write(CheckReport report, TextWriter writer)
    {
        int Count(Outcome outcome) => report.Unrepeatable is null ? report.Verdicts.Count(v => v.Outcome == outcome) : 0;
        var errors = report.Unrepeatable is null ? 0 : report.Verdicts.Count;
        var crashes = report.Unrepeatable is null ? report.Crashes.ToList() : [];
        var more = crashes.Count > 0 ? 1 : 0;
        var name = string.Join(", ", report.Scenarios);
        using var xml = XmlWriter.Create(writer, new XmlWriterSettings { Indent = true, CloseOutput = false });
        xml.WriteStartDocument();
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        Attribute(xml, "name", $"stateside check: {name}");
        Attribute(xml, "tests", Number(report.Verdicts.Count + more));
        Attribute(xml, "failures", Number(Count(Outcome.Fails) + more));
        Attribute(xml, "errors", Number(errors));
        Attribute(xml, "skipped", Number(Count(Outcome.CannotTell)));
        Attribute(xml, "time", report.Elapsed.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture));
        foreach (var verdict in report.Verdicts)
        {
            WriteCaseStart(xml, name, $"{verdict.Question}: {Words.Asks(verdict.Question)}");
            WriteResult(xml, report, verdict);
            xml.WriteEndElement();
        }
        if (more > 0)
        {
            WriteCaseStart(xml, name, "Service: Does it stay up while it is checked?");
            Failure(xml, crashes[0].Title, crashes);
            xml.WriteEndElement();
        }
        xml.WriteStartElement("system-out");
        Text(xml, Summary(report));
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndDocument();
        xml.Flush();
        writer.WriteLine();
    }

    private static void WriteCaseStart(XmlWriter xml, string scenarios, string name)
    {
        xml.WriteStartElement("testcase");
        Attribute(xml, "classname", $"stateside check.{scenarios}");
        Attribute(xml, "name", name);
        // The time belongs to the experiments, which answer several questions at once.
        Attribute(xml, "time", "0");
    }

    private static void WriteResult(XmlWriter xml, CheckReport report, Verdict verdict)
    {
        if (report.Unrepeatable is { } unrepeatable) Result(xml, "error", "the undisturbed scenario is not repeatable", "unrepeatable", unrepeatable);
        else if (verdict.Outcome == Outcome.Fails) Failure(xml, verdict.Reason, [.. report.Findings.Where(f => verdict.Evidence.Contains(f.Id))]);
        else if (verdict.Outcome == Outcome.CannotTell) Result(xml, "skipped", $"cannot tell: {verdict.Reason}", null, null);
    }

    private static void Failure(XmlWriter xml, string reason, List<Finding> evidence)
    {
        var text = new StringBuilder();
        foreach (var finding in evidence)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{finding.Id}: {finding.Title}").AppendLine(finding.Detail);
            if (finding.Place is { } place) text.AppendLine(CultureInfo.InvariantCulture, $"{place}: expected {finding.Expected ?? "nothing"}, got {finding.Actual ?? "nothing"}");
            if (Rules.Of(finding.Rule).Fix is { Length: > 0 } fix) text.AppendLine(CultureInfo.InvariantCulture, $"Fix: {fix}");
            if (finding.Reproduction is { } reproduction) text.AppendLine("Reproduce it:").AppendLine(reproduction);
            else if (Words.NoReproduction(finding) is { } none) text.AppendLine(none);
            text.AppendLine();
        }
        Result(xml, "failure", reason, evidence.Count == 0 ? "fails" : evidence[0].Rule, text.ToString());
    }

    private static void Result(XmlWriter xml, string element, string message, string? type, string? text)
    {
        xml.WriteStartElement(element);
        Attribute(xml, "message", message);
        if (type is not null) Attribute(xml, "type", type);
        if (text is not null) Text(xml, text);
        xml.WriteEndElement();
    }

    private static string Summary(CheckReport report)
    {
        var text = new StringBuilder().AppendLine(Words.Of(report.Architecture));
        if (Words.Only(report) is { } only) text.AppendLine(only);
        if (report.Advice is { } advice) text.AppendLine(advice);
        if (report.Findings.Count > 0) text.AppendLine(Words.Replicas(report));
        foreach (var finding in report.Findings.Where(f => f.Severity != Severity.Error)) text.AppendLine(CultureInfo.InvariantCulture, $"{finding.Id} ({Severities.Of(finding.Severity)}): {finding.Title}");
        foreach (var notice in report.Notices) text.AppendLine(notice);
        return text.ToString();
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Attribute(XmlWriter xml, string name, string value) => xml.WriteAttributeString(name, Printable.Clip(Printable.Of(value), MostText));

    private static void Text(XmlWriter xml, string text) => xml.WriteString(Printable.Clip(Printable.Of(text), MostText));
}

/// <summary>How grave findings are, in words.</summary>
internal static class Severities
{
    public static string Of(Severity severity) => severity switch { Severity.Error => "error", Severity.Warning => "warning", _ => "note" };
}
