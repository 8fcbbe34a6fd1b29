using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stateside.Check.Reports;

/// <summary>The report as JSON, the documented contract (docs/check.md): names in snake_case, enumerations as words, durations in seconds.</summary>
public static class JsonReport
{
    /// <summary>The version of the contract. Fields may be added; one that changes its meaning makes it another version.</summary>
    public const int Version = 1;

    /// <summary>Writes it, with a new line at the end.</summary>
    public static void Write(CheckReport report, TextWriter writer)
    {
        var form = new Form(
            Version, report.Unrepeatable is null ? Outcomes(report) : "unrepeatable", [.. report.Verdicts.Where(v => v.Outcome != Outcome.CannotTell).Select(v => Say(v.Question))], report.Scenarios, report.Replicas, Say(report.Architecture), Words.Of(report.Architecture), report.Advice,
            [.. report.Verdicts.Select(v => new VerdictForm(Say(v.Question), Words.Asks(v.Question), Say(v.Outcome), v.Reason, v.Evidence))],
            [.. report.Findings.Select(f => new FindingForm(f.Id, f.Rule, Say(f.Severity), f.Question is { } q ? Say(q) : null, f.Experiment, f.Title, f.Detail, f.Scenario,
                f.Step, f.MadeBy, f.Place, f.Expected, f.Actual, f.ExpectedExchange, f.ActualExchange, f.Reproduction, Words.NoReproduction(f)))],
            [.. report.Experiments.Select(e => new ExperimentForm(e.Name, e.Scenario, e.Runs, e.Requests, Math.Round(e.Elapsed.TotalSeconds, 3), e.LeftOut))],
            report.Notices, report.Unrepeatable, Math.Round(report.Elapsed.TotalSeconds, 3));
        writer.WriteLine(JsonSerializer.Serialize(form, JsonForms.Default.Form));
    }

    private static string Outcomes(CheckReport report) => report.Fails ? "fails"
        : report.Verdicts.Any(v => v.Outcome == Outcome.Holds) ? "holds" : "cannot_tell";

    private static string Say<T>(T word) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(word.ToString());

    internal sealed record Form(
        int Version, string Result, IReadOnlyList<string> Answered, IReadOnlyList<string> Scenarios, IReadOnlyList<string> Replicas, string Architecture, string ArchitectureLine, string? Advice,
        IReadOnlyList<VerdictForm> Verdicts, IReadOnlyList<FindingForm> Findings, IReadOnlyList<ExperimentForm> Experiments, IReadOnlyList<string> Notices,
        string? Unrepeatable, double ElapsedSeconds);

    internal sealed record VerdictForm(string Question, string Asks, string Outcome, string Reason, IReadOnlyList<string> Evidence);

    internal sealed record FindingForm(
        string Id, string Rule, string Severity, string? Question, string Experiment, string Title, string Detail, string Scenario, int? Step, int? MadeBy, string? Place,
        string? Expected, string? Actual, string? ExpectedExchange, string? ActualExchange, string? Reproduction, string? NoReproduction);

    internal sealed record ExperimentForm(string Name, string Scenario, int Runs, int Requests, double ElapsedSeconds, string? LeftOut);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JsonReport.Form))]
internal sealed partial class JsonForms : JsonSerializerContext;

/// <summary>Questions and answers in plain words, the same in all reports.</summary>
public static class Words
{
    /// <summary>The question as the field asks it.</summary>
    public static string Asks(Question question) => question switch
    {
        Question.Context => "Does each request carry everything needed to serve it?",
        Question.External => "Is session data kept outside the process?",
        Question.Retry => "Are retries idempotent and safe?",
        Question.Spread => "Does it scale out without sticky sessions?",
        _ => "Is authentication stateless, that is, independent of the server that issued the credential?",
    };

    /// <summary>The answer.</summary>
    public static string Of(Outcome outcome) => outcome switch { Outcome.Holds => "holds", Outcome.Fails => "fails", _ => "cannot tell" };

    /// <summary>Where the state lives.</summary>
    public static string Of(Architecture architecture) => architecture switch
    {
        Architecture.Stateless => "stateless",
        Architecture.Hybrid => "hybrid: state outside the process",
        Architecture.NeedsStickiness => "stateful: needs stickiness, survives restart",
        Architecture.LostWithProcess => "stateful: lost with the process",
        _ => "cannot tell",
    };

    /// <summary>Which replica is meant by a number, in a sentence.</summary>
    public static string Replicas(CheckReport report)
    {
        // What is launched is called by its command, the same for all.
        var names = report.Replicas.Select((name, i) => name.EndsWith($" (replica {i})", StringComparison.Ordinal) ? name[..name.LastIndexOf(" (", StringComparison.Ordinal)] : name).ToList();
        return names.Count > 1 && names.TrueForAll(n => n == names[0])
            ? $"Replicas 0 to {names.Count - 1} are processes of their own, each launched with: {names[0]}"
            : "Replicas are numbered from 0: " + string.Join(", ", names.Select((name, i) => $"replica {i} is {name}"));
    }

    /// <summary>Why an error has no commands that show it, or null.</summary>
    public static string? NoReproduction(Finding finding) => finding.Severity != Severity.Error || finding.Reproduction is not null ? null
        : finding.Rule == "CHK-CRASH" ? "There are no commands that show it: the service ended in the midst of many requests, and which of them ended it is not known."
        : "There are no commands that show it: what showed it is not one run of requests.";

    /// <summary>A title or reason without the place, which only an engineer can read, and beginning in upper case.</summary>
    public static string Plain(string text, string? place)
    {
        if (!string.IsNullOrEmpty(place) && place is not ("status" or "trouble")) text = text.Replace($" at {place}", "", StringComparison.Ordinal).Replace($"{place} is ", "", StringComparison.Ordinal);
        return Begin(text);
    }

    /// <summary>A sentence or heading beginning in upper case.</summary>
    public static string Begin(string text) => text.Length > 0 && char.IsAsciiLetterLower(text[0]) ? char.ToUpperInvariant(text[0]) + text[1..] : text;

    /// <summary>What <c>--only</c> left unexamined, in a sentence, or null.</summary>
    public static string? Only(CheckReport report)
    {
        var left = report.Experiments.Where(e => e.LeftOut?.Contains("--only", StringComparison.Ordinal) == true).Select(e => e.Name).Distinct().ToList();
        var done = CheckRun.Experiments.Except(left).ToList();
        return left.Count == 0 ? null : $"Only {string.Join(", ", done)} {(done.Count == 1 ? "was" : "were")} asked for (--only): what rests on the other experiments ({string.Join(", ", left)}) was not examined, and cannot be told.";
    }
}
