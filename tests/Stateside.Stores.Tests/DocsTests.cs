using System.Text.RegularExpressions;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests;

/// <summary>The page for authors of stores says what the code says.</summary>
public sealed partial class DocsTests
{
    private static readonly string s_root = FindRoot();

    private static readonly string s_page = File.ReadAllText(Path.Combine(s_root, "docs", "stores", "conformance.md"));

    [Theory]
    [InlineData("tests", "Remote/RemoteStoreTests.cs"), InlineData("harness", "Remote/RemoteHarness.cs"), InlineData("process", "Child/Program.cs"), InlineData("break", "Broken/BrokenStores.cs")]
    public void The_code_in_the_page_is_the_code_that_runs_here(string region, string file)
    {
        var lines = File.ReadAllLines(Path.Combine(s_root, "tests", "Stateside.Stores.Tests", file)).SkipWhile(l => l.Trim() != "#region " + region).Skip(1).TakeWhile(l => l.Trim() != "#endregion").ToArray();
        Assert.NotEmpty(lines);
        var indent = lines.Where(l => l.Length > 0).Min(l => l.Length - l.TrimStart().Length);
        Assert.Contains($"```csharp\n{string.Join("\n", lines.Select(l => l.Length > 0 ? l[indent..] : l))}\n```", s_page, StringComparison.Ordinal);
        Assert.Equal(4, CodeBlock().Count(s_page));
    }

    [Fact]
    public void The_page_lists_every_case_with_what_it_needs()
    {
        var listed = CaseLine().Matches(s_page).Select(m => m.Value);
        Assert.Equal(StoreConformance.Cases.Select(c => $"- {c.Name}{(c.Needs == HarnessAbilities.None ? "" : $" (`{c.Needs}`)")}"), listed);
    }

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Stateside.slnx"))) return at;
        throw new InvalidOperationException("The tests run inside the repository.");
    }

    [GeneratedRegex("^```csharp$", RegexOptions.Multiline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("(?<=^## The cases\n(?:.*\n)*)- .*$", RegexOptions.Multiline)]
    private static partial Regex CaseLine();
}
