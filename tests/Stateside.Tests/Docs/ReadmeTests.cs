using System.Text.RegularExpressions;

namespace Stateside.Tests.Docs;

/// <summary>The README shows code that compiles and commands that exist.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void Its_program_is_the_one_that_compiles()
    {
        var shown = Blocks("csharp").Single();
        Assert.Equal(File.ReadAllText(Path.Combine(Repository.Root, "samples", "Readme", "Program.cs")).Trim(), shown.Trim());
    }

    [Fact]
    public void Its_commands_are_commands_of_the_tool()
    {
        var known = Directory.GetFiles(Path.Combine(Repository.Root, "src", "Stateside.Tool"), "*Command.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetFileName(f)!.Replace("Command.cs", "", StringComparison.Ordinal).ToLowerInvariant()).ToHashSet();
        var shown = CommandPattern().Matches(Readme).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(shown);
        Assert.All(shown, command => Assert.Contains(command, known));
    }

    private static IEnumerable<string> Blocks(string language) =>
        Regex.Matches(Readme, $"```{language}\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value);

    [GeneratedRegex(@"\./stateside ([a-z]+)")]
    private static partial Regex CommandPattern();
}
