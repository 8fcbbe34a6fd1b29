using System.Text.RegularExpressions;

namespace Stateside.Tests.Style;

/// <summary>The bars of the design that a machine can hold.</summary>
public partial class StyleTests
{
    private const int MaxFileLines = 500;
    private const int MaxBlockLines = 70;

    [Fact]
    public void A_file_has_at_most_500_lines_and_a_method_at_most_70()
    {
        var files = SourceFile.In("src", "samples").Where(f => f.Is(".cs")).ToArray();
        Assert.True(files.Length > 50);
        Assert.DoesNotContain(files, f => f.Lines > MaxFileLines);
        Assert.Empty(files.SelectMany(f => CodeBlock.In(f.Text).Where(b => b.Lines > MaxBlockLines + 2).Select(b => $"{f}:{b.Line} {b.Lines} lines: {b.Header}")));
    }

    [Fact]
    public void The_scanner_sees_long_methods_and_is_not_led_astray_by_braces_in_texts()
    {
        var body = string.Concat(Enumerable.Repeat("        var a = \"{\"; // }\n", 80));
        var code = $"namespace N;\nclass C\n{{\n    record R(int A);\n    class D(int a = 1) {{ }}\n    void M(char c = '{{')\n    {{\n{body}    }}\n    string T => \"\"\"\n        }} {{ {{\n        \"\"\";\n    int P {{ get; }}\n}}\n";
        var blocks = CodeBlock.In(code).ToArray();
        Assert.Equal([82, 1], blocks.Select(b => b.Lines));
        Assert.Contains("void M", blocks[0].Header, StringComparison.Ordinal);
    }

    [Fact]
    public void No_warning_is_silenced_in_src() =>
        Assert.Empty(Lines(SourceFile.In("src").Where(f => f.Is(".cs", ".csproj", ".props", ".targets")), Silenced()));

    /// <summary>The engine resumes wherever its caller runs it, so that a simulator can run it on one thread. (The compiler itself refuses an await inside a lock.)</summary>
    [Fact]
    public void The_engine_starts_no_threads_of_its_own() =>
        Assert.Empty(Lines(SourceFile.In("src/Stateside").Where(f => f.Is(".cs")), Banned()));

    [Fact]
    public void Event_ids_are_unique_and_lie_in_the_range_that_their_file_names()
    {
        var ids = new HashSet<int>();
        var ranges = new List<(int From, int To)>();
        foreach (var file in SourceFile.In("src").Where(f => f.Text.Contains("[LoggerMessage(", StringComparison.Ordinal)))
        {
            var range = EventRange().Match(file.Text);
            Assert.True(range.Success, $"{file} does not say \"Event ids … to …\".");
            var (from, to) = (Number(range.Groups[1]), Number(range.Groups[2]));
            Assert.DoesNotContain(ranges, r => from <= r.To && r.From <= to);
            ranges.Add((from, to));
            var messages = EventId().Matches(file.Text);
            Assert.Equal(file.Text.Split("[LoggerMessage(").Length - 1, messages.Count);
            Assert.All(messages, m => Assert.InRange(Number(m.Groups[1]), from, to));
            Assert.All(messages, m => Assert.True(ids.Add(Number(m.Groups[1])), $"{file}: {m.Groups[1].Value} is used twice."));
        }
        Assert.True(ids.Count > 5);
    }

    [Fact]
    public void No_file_names_a_package_registry_or_a_path_of_one_machine() =>
        Assert.Empty(Lines(SourceFile.All.Where(f => f.Path != "tests/Stateside.Tests/Style/StyleTests.cs"), OfOneMachine()));

    private static IEnumerable<string> Lines(IEnumerable<SourceFile> files, Regex forbidden) =>
        from file in files
        from line in file.Text.Split('\n').Index()
        where forbidden.IsMatch(line.Item)
        select $"{file}:{line.Index + 1} {line.Item.Trim()}";

    private static int Number(Capture digits) => int.Parse(digits.ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"NoWarn|#pragma\s+warning\s+disable|WarningsNotAsErrors|#nullable\s+disable")]
    private static partial Regex Silenced();

    [GeneratedRegex(@"\bTask\.Run\b|\bTask\.Factory\b|ConfigureAwait\(false\)|\.ContinueWith\(|\bParallel\.|new Thread\(|ThreadPool\.|new Pipe\(\)")]
    private static partial Regex Banned();

    [GeneratedRegex(@"Event ids (\d+) to (\d+)")]
    private static partial Regex EventRange();

    [GeneratedRegex(@"\[LoggerMessage\((?:EventId\s*=\s*)?(\d+)")]
    private static partial Regex EventId();

    [GeneratedRegex(@"nuget\.org|npmjs\.(?:org|com)|pypi\.org|crates\.io|/v3/index\.json|(?<![\w.~$}>*-])/(?:work|root|home|Users|tmp/wt|tmp/brief)/")]
    private static partial Regex OfOneMachine();
}
