using System.Globalization;
using Stateside.Check.Reports;

namespace Stateside.Tool.Check;

/// <summary>The report for the terminal.</summary>
internal static class CheckView
{
    private const int MostDetailed = 8;

    public static void Write(CheckReport report, Surroundings surroundings)
    {
        var output = surroundings.Out;
        if (report.Unrepeatable is { } fault)
        {
            output.WriteLine($"No verdict: {fault}");
            foreach (var notice in report.Notices) output.WriteLine($"  note: {notice}");
            return;
        }
        output.WriteLine(Words.Of(report.Architecture));
        if (report.Advice is { } advice) output.WriteLine($"What would help most: {advice}");
        output.WriteLine();
        Tables.Write(surroundings, ["question", "", "answer", "why"],
            report.Verdicts.Select(v => new[] { v.Question.ToString(), Words.Asks(v.Question), Words.Of(v.Outcome), v.Reason + (v.Evidence.Count > 0 ? $" [{string.Join(", ", v.Evidence)}]" : "") }));
        var detailed = report.Findings.Where(f => f.Severity == Severity.Error).Take(MostDetailed).ToList();
        foreach (var finding in detailed) Write(finding, output);
        foreach (var finding in report.Findings.Except(detailed)) output.WriteLine($"{finding.Severity.ToString().ToLowerInvariant()} {finding.Id}: {finding.Title}. {finding.Detail}");
        output.WriteLine();
        foreach (var experiment in report.Experiments)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{experiment.Name}: {(experiment.LeftOut is { } reason ? $"left out: {reason}" : $"{experiment.Runs} runs, {experiment.Requests} requests, {experiment.Elapsed.TotalSeconds:0.0} s")}"));
        foreach (var notice in report.Notices) output.WriteLine($"note: {notice}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Experiments.Sum(e => e.Requests)} requests in {report.Elapsed.TotalSeconds:0.0} s"));
    }

    private static void Write(Finding finding, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine($"{finding.Id}: {finding.Title}");
        output.WriteLine($"  {finding.Detail}");
        if (finding.Place is not null) output.WriteLine($"  at {finding.Place}: expected {finding.Expected ?? "nothing"}, got {finding.Actual ?? "nothing"}");
        if (finding.Reproduction is null) return;
        output.WriteLine("  Paste this to see it:");
        foreach (var line in finding.Reproduction.TrimEnd('\n').Split('\n')) output.WriteLine("    " + line);
    }
}
