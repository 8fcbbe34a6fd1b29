using System.Xml;
using System.Xml.Linq;

namespace Stateside.Tool.Test;

/// <summary>The counts of one test project.</summary>
/// <param name="Project">Its name.</param>
/// <param name="Passed">Tests that passed.</param>
/// <param name="Failed">Tests that failed, and one more if the run broke off.</param>
/// <param name="Skipped">Tests that did not run.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record TestCounts(string Project, int Passed, int Failed, int Skipped, double Seconds)
{
    public static TestCounts operator +(TestCounts a, TestCounts b) => new("all", a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped, a.Seconds + b.Seconds);
}

/// <summary>Reads the result file that <c>dotnet test</c> writes.</summary>
internal static class TrxFile
{
    /// <summary>Counts the results in a file. One that is missing, broken off or empty, or an exit code without a failed test, counts as one failure.</summary>
    /// <param name="project">The project's name.</param>
    /// <param name="path">The file.</param>
    /// <param name="exitCode">The exit code of <c>dotnet test</c>.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="mayBeEmpty">Whether no result is right, too: a filter took all of the project's tests away.</param>
    public static TestCounts Read(string project, string path, int exitCode, double seconds, bool mayBeEmpty)
    {
        var outcomes = Outcomes(path);
        var (passed, skipped) = (outcomes?.Count(o => o == "Passed") ?? 0, outcomes?.Count(o => o == "NotExecuted") ?? 0);
        var failed = (outcomes?.Count ?? 0) - passed - skipped;
        if (failed == 0 && (exitCode != 0 || (outcomes is not { Count: > 0 } && !mayBeEmpty))) failed = 1;
        return new TestCounts(project, passed, failed, skipped, seconds);
    }

    /// <summary>What tests have measured: the first line that each of them wrote, with its name.</summary>
    public static IReadOnlyList<(string Test, string Line)> Figures(string path) =>
    [
        .. from result in Results(path) ?? []
           let said = result.Descendants().FirstOrDefault(e => e.Name.LocalName == "StdOut")?.Value.Trim()
           where !string.IsNullOrEmpty(said)
           select (Name(result), said.Split('\n')[0].Trim()),
    ];

    /// <summary>What failed, and how: its name, and the lines of its message.</summary>
    public static IReadOnlyList<(string Test, IReadOnlyList<string> Message)> Failures(string path) =>
    [
        .. from result in Results(path) ?? []
           where result.Attribute("outcome")?.Value is not ("Passed" or "NotExecuted")
           let message = result.Descendants().FirstOrDefault(e => e.Name.LocalName == "Message")?.Value.Trim() ?? ""
           select (Name(result), (IReadOnlyList<string>)message.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries)),
    ];

    /// <summary>Class and method, without the namespace, which is the project's.</summary>
    private static string Name(XElement result)
    {
        var name = result.Attribute("testName")?.Value ?? "";
        var (method, arguments) = name.IndexOf('(', StringComparison.Ordinal) is > 0 and var at ? (name[..at], name[at..]) : (name, "");
        return string.Join('.', method.Split('.').TakeLast(2)) + arguments;
    }

    private static List<string>? Outcomes(string path) => Results(path)?.Select(e => e.Attribute("outcome")?.Value ?? "").ToList();

    private static List<XElement>? Results(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            return [.. XDocument.Load(path).Descendants().Where(e => e.Name.LocalName == "UnitTestResult")];
        }
        catch (XmlException)
        {
            return null;
        }
    }
}
