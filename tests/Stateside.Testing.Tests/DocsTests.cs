using System.Text.RegularExpressions;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests;

public sealed partial class DocsTests
{
    [Theory]
    [InlineData("handler", "Handlers/HandlerTests.cs"), InlineData("ten-lines", "Handlers/HandlerTests.cs"), InlineData("recipe", "ShopTests.cs")]
    [InlineData("mutation", "MutationTests.cs"), InlineData("gate", "TestStoreTests.cs"), InlineData("crash", "CrashingStoreTests.cs")]
    [InlineData("linearizable", "Histories/HandlerHistoryTests.cs")]
    public void The_code_in_the_page_on_testing_is_the_code_that_runs_here(string region, string file)
    {
        var code = Region(Files.Read("tests", "Stateside.Testing.Tests", file), region);
        var page = Files.Read("docs", "testing.md");
        Assert.Contains($"```csharp\n{code}\n```", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_code_block_of_the_page_is_held_to_a_region()
    {
        var regions = typeof(DocsTests).GetMethod(nameof(The_code_in_the_page_on_testing_is_the_code_that_runs_here))!.GetCustomAttributesData().Count(a => a.AttributeType == typeof(InlineDataAttribute));
        Assert.Equal(regions, CodeBlock().Count(Files.Read("docs", "testing.md")));
    }

    [Fact]
    public void The_test_without_a_server_has_ten_lines()
    {
        var code = Region(Files.Read("tests", "Stateside.Testing.Tests", "Handlers/HandlerTests.cs"), "ten-lines");
        Assert.InRange(code.Split('\n').Count(l => l.Trim() is not ("" or "{" or "}" or "[Fact]")), 1, 10);
    }

    /// <summary>The lines of a region, moved to the left edge.</summary>
    private static string Region(string source, string name)
    {
        var lines = source.Split('\n').SkipWhile(l => l.Trim() != "#region " + name).Skip(1).TakeWhile(l => l.Trim() != "#endregion").ToList();
        Assert.NotEmpty(lines);
        var indent = lines.Where(l => l.Length > 0).Min(l => l.Length - l.TrimStart().Length);
        return string.Join("\n", lines.Select(l => l.Length > 0 ? l[indent..] : l));
    }

    [GeneratedRegex("^```csharp$", RegexOptions.Multiline)]
    private static partial Regex CodeBlock();
}
