using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Stateside.Check.Reports;

/// <summary>The findings as SARIF 2.1.0, for code scanning: each with its rule, and with the scenario as its place, since that is the file in the repository.</summary>
public static class SarifReport
{
    private const int MostText = 20_000;

    /// <summary>Writes it.</summary>
    public static void Write(CheckReport report, TextWriter writer)
    {
        using var buffer = new MemoryStream();
        // Text of services goes into pages of other tools, so the encoder is the strict one, which leaves no < or & as it is.
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.Default })) WriteLog(report, json);
        writer.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static void WriteLog(CheckReport report, Utf8JsonWriter json)
    {
        // Only the rules that have findings, in the order of the documentation: scanning services show all that they are given.
        var rules = report.Findings.Select(f => f.Rule).Distinct().Select(Rules.Of).OrderBy(r => Rules.All.ToList().IndexOf(r)).ToList();
        json.WriteStartObject();
        json.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "stateside check");
        json.WriteString("semanticVersion", typeof(SarifReport).Assembly.GetName().Version!.ToString(3));
        json.WriteStartArray("rules");
        foreach (var rule in rules) WriteRule(json, rule);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        WriteInvocation(json, report);
        json.WriteStartArray("results");
        foreach (var finding in report.Findings) WriteResult(json, report, finding, rules.FindIndex(r => r.Code == finding.Rule));
        json.WriteEndArray();
        json.WriteStartObject("properties");
        json.WriteString("architecture", Words.Of(report.Architecture));
        json.WriteString("replicas", Printable.Clip(Printable.Of(Words.Replicas(report)), MostText));
        foreach (var verdict in report.Verdicts) json.WriteString(verdict.Question.ToString().ToLowerInvariant(), Words.Of(verdict.Outcome));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRule(Utf8JsonWriter json, Rule rule)
    {
        json.WriteStartObject();
        json.WriteString("id", rule.Code);
        json.WriteString("name", rule.Name);
        WriteText(json, "shortDescription", rule.Title);
        WriteText(json, "fullDescription", rule.Meaning.Length == 0 ? rule.Title : rule.Meaning);
        WriteText(json, "help", $"{rule.Meaning} {rule.Fix}".Trim() is { Length: > 0 } help ? help : rule.Title);
        json.WriteEndObject();
    }

    private static void WriteInvocation(Utf8JsonWriter json, CheckReport report)
    {
        json.WriteStartArray("invocations");
        json.WriteStartObject();
        json.WriteBoolean("executionSuccessful", report.Unrepeatable is null);
        if (report.Unrepeatable is { } unrepeatable)
        {
            json.WriteStartArray("toolExecutionNotifications");
            json.WriteStartObject();
            json.WriteString("level", "error");
            WriteText(json, "message", unrepeatable);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, CheckReport report, Finding finding, int rule)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", finding.Rule);
        json.WriteNumber("ruleIndex", rule);
        json.WriteString("level", finding.Severity switch { Severity.Error => "error", Severity.Warning => "warning", _ => "note" });
        WriteText(json, "message", Message(finding));
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", Uri.EscapeDataString(finding.Scenario));
        json.WriteEndObject();
        json.WriteStartObject("region");
        json.WriteNumber("startLine", 1);
        json.WriteEndObject();
        json.WriteEndObject();
        if (finding.Step is { } step)
        {
            json.WriteStartArray("logicalLocations");
            json.WriteStartObject();
            json.WriteString("name", string.Create(CultureInfo.InvariantCulture, $"step {step}"));
            json.WriteString("kind", "member");
            json.WriteEndObject();
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("partialFingerprints");
        json.WriteString("finding/v1", Fingerprint(finding));
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("id", finding.Id);
        json.WriteString("experiment", Printable.Of(finding.Experiment));
        if (finding.Question is { } question) json.WriteString("question", question.ToString().ToLowerInvariant());
        if (finding.Place is { } place) json.WriteString("place", Printable.Of(place));
        if (finding.Reproduction is { } reproduction) json.WriteString("reproduction", Printable.Clip(Printable.Of(reproduction), MostText));
        else if (Words.NoReproduction(finding) is { } none) json.WriteString("noReproduction", none);
        if (report.Verdicts.FirstOrDefault(v => v.Evidence.Contains(finding.Id)) is { } verdict) json.WriteString("verdict", Words.Of(verdict.Outcome));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Message(Finding finding)
    {
        var text = new StringBuilder(finding.Title).AppendLine().AppendLine().Append(finding.Detail);
        if (finding.Place is { } place) text.AppendLine().Append(CultureInfo.InvariantCulture, $"{place}: expected {finding.Expected ?? "nothing"}, got {finding.Actual ?? "nothing"}");
        return text.ToString();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", Printable.Clip(Printable.Of(text), MostText));
        json.WriteEndObject();
    }

    // The same finding of a later run is recognised by what it is about, not by values, which vary.
    private static string Fingerprint(Finding finding) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{finding.Rule}\n{finding.Question}\n{finding.Scenario}\n{finding.Step}\n{finding.Place}"))))[..32];
}
