using System.Globalization;
using System.Text;
using Stateside.Check.Reports;

namespace Stateside.Tool.Check;

/// <summary>The report for the terminal.</summary>
internal static class CheckView
{
    private const int MostDetailed = 12;
    private const int MostWidth = 120;

    private static int Width => !Console.IsOutputRedirected && Console.WindowWidth is > 40 and < MostWidth ? Console.WindowWidth : MostWidth;

    public static void Write(CheckReport report, bool isStrict, Surroundings surroundings)
    {
        var output = surroundings.Out;
        if (report.Unrepeatable is { } fault)
        {
            output.WriteLine($"No verdict: {fault}");
            foreach (var notice in report.Notices) output.WriteLine($"  note: {notice}");
            return;
        }
        output.WriteLine(Words.Of(report.Architecture));
        if (Words.Only(report) is { } only) Wrap(output, only, 0);
        output.WriteLine();
        foreach (var (verdict, number) in report.Verdicts.Select((v, i) => (v, i + 1)))
        {
            output.WriteLine($"{number}. {Words.Of(verdict.Outcome).ToUpperInvariant(),-11}  {verdict.Question}: {Words.Asks(verdict.Question)}");
            Wrap(output, verdict.Reason + (verdict.Evidence.Count > 0 ? $" [{string.Join(", ", verdict.Evidence)}]" : ""), 16);
        }
        if (!isStrict && !report.Fails && report.Verdicts.All(v => v.Outcome == Outcome.CannotTell))
        {
            output.WriteLine();
            Wrap(output, "Nothing was proved, and since nothing fails the exit code is 0. With --strict it is 1 wherever a question cannot be told.", 0);
        }
        if (report.Advice is { } advice)
        {
            output.WriteLine();
            Wrap(output, $"What would help most: {advice}", 0);
        }
        if (report.Findings.Count > 0)
        {
            output.WriteLine();
            Wrap(output, Words.Replicas(report), 0);
        }
        var detailed = report.Findings.Where(f => f.Severity == Severity.Error).Take(MostDetailed).ToList();
        foreach (var finding in detailed) Write(finding, output);
        // One is enough to see it; the others would fill the screen.
        if (detailed.Find(f => f.Reproduction is not null) is { Reproduction: { } script } shown) Write(shown, script, detailed.Count(f => f.Reproduction is not null) - 1, output);
        var others = report.Findings.Except(detailed).ToList();
        if (others.Count > 0) output.WriteLine();
        foreach (var finding in others) Wrap(output, $"{finding.Severity.ToString().ToLowerInvariant()} {finding.Id}: {finding.Title}. {finding.Detail}", 2, hanging: true);
        output.WriteLine();
        foreach (var notice in report.Notices) Wrap(output, $"note: {notice}", 2, hanging: true);
        foreach (var experiment in report.Experiments.Where(e => e.LeftOut is not null && !e.LeftOut.Contains("--only", StringComparison.Ordinal))) Wrap(output, $"left out: {experiment.Name} ({experiment.LeftOut})", 2, hanging: true);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Experiments.Sum(e => e.Runs)} runs, {report.Experiments.Sum(e => e.Requests)} requests, {report.Elapsed.TotalSeconds:0.0} s"));
    }

    private static void Write(Finding finding, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine(finding.Id);
        Wrap(output, finding.Title, 2);
        Wrap(output, finding.Detail, 2);
        if (Words.NoReproduction(finding) is { } none) Wrap(output, none, 2);
        if (finding.Place is null || (Says(finding, finding.Expected) && Says(finding, finding.Actual))) return;
        output.WriteLine($"  {finding.Place}");
        output.WriteLine($"    expected  {finding.Expected ?? "nothing"}");
        output.WriteLine($"    got       {finding.Actual ?? "nothing"}");
    }

    private static bool Says(Finding finding, string? value) => value is null || finding.Title.Contains(value, StringComparison.Ordinal);

    private static void Write(Finding finding, string script, int more, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine($"Paste this to see {finding.Id} by itself{(more > 0 ? $" ({more} more in the files of --html and --json)" : "")}:");
        output.WriteLine();
        output.WriteLine(script.TrimEnd('\n'));
    }

    /// <summary>Writes a text in lines that a terminal shows whole.</summary>
    private static void Wrap(TextWriter output, string text, int indent, bool hanging = false)
    {
        foreach (var (paragraph, number) in text.Split('\n').Select((p, i) => (p, i)))
        {
            var line = new StringBuilder(new string(' ', hanging && number == 0 ? 0 : indent));
            var isEmpty = true;
            foreach (var word in paragraph.Split(' '))
            {
                if (!isEmpty && line.Length + word.Length >= Width)
                {
                    output.WriteLine(line);
                    line.Clear().Append(' ', indent);
                    isEmpty = true;
                }
                line.Append(isEmpty ? "" : " ").Append(word);
                isEmpty = false;
            }
            output.WriteLine(line);
        }
    }
}
