using System.Diagnostics;
using System.Text.RegularExpressions;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Zoo.Tests;

/// <summary>The page for newcomers can be followed: what it says to save is saved, what it says to run is run, and what it says to see is seen.</summary>
[Collection(nameof(Rig))]
public sealed partial class DocumentationTests
{
    [Fact]
    public async Task The_way_from_red_to_green_goes_as_the_page_says()
    {
        var page = await File.ReadAllTextAsync(Rig.InRepository("docs", "check.md"));
        var folder = Directory.CreateTempSubdirectory("stateside-doc-").FullName;
        var programs = Blocks(page, "js");
        var (app, fix) = (programs[0], programs[1]);
        await File.WriteAllTextAsync(Path.Combine(folder, "app.js"), app);
        await File.WriteAllTextAsync(Path.Combine(folder, "visit.http"), Blocks(page, "http")[0]);
        // The fix takes the place of sessions, load and save.
        var (from, to) = (app.IndexOf("const sessions", StringComparison.Ordinal), app.IndexOf("const escape", StringComparison.Ordinal));
        await File.WriteAllTextAsync(Path.Combine(folder, "fixed.js"), app[..from] + fix + app[to..]);

        var commands = Blocks(page, "sh");
        Assert.Equal(3, commands.Count);
        Assert.Contains("stateful: lost with the process", await RunAsync(commands[0], folder, 1), StringComparison.Ordinal);
        var green = await RunAsync(commands[1], folder, 0);
        Assert.Matches("(?m)^stateless$", green);
        Assert.Contains("CHK-OLDSEAL", green, StringComparison.Ordinal);
        await RunAsync(commands[2], folder, 0);
        foreach (var file in new[] { "red.html", "green.html", "check.xml", "check.sarif" }) Assert.NotEqual(0, new FileInfo(Path.Combine(folder, file)).Length);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_scenario_that_shows_what_may_be_written_is_read_without_a_complaint()
    {
        var folder = Directory.CreateTempSubdirectory("stateside-doc-").FullName;
        var file = Path.Combine(folder, "scenario.http");
        await File.WriteAllTextAsync(file, Blocks(await File.ReadAllTextAsync(Rig.InRepository("docs", "check.md")), "http")[1]);
        var scenario = ScenarioFile.Read(file);
        Assert.Equal(["login", "create", "read", "chat"], scenario.Steps.Select(s => s.Name));
        Assert.Equal("{{create.response.headers.Location}}", scenario.Steps[2].Target);
        Assert.Empty(scenario.Notices);
        Assert.Contains("contract", scenario.SecretVariables);
        Directory.Delete(folder, recursive: true);
    }

    private static List<string> Blocks(string page, string language) => [.. Block().Matches(page).Where(m => m.Groups[1].Value == language).Select(m => m.Groups[2].Value)];

    private static async Task<string> RunAsync(string command, string folder, int exitCode)
    {
        var line = command.Trim().Replace("./stateside", $"dotnet '{Rig.Built("Stateside.Tool")}'", StringComparison.Ordinal);
        var start = new ProcessStartInfo("/bin/bash", ["-c", line]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        var said = await output + await error;
        Assert.True(process.ExitCode == exitCode, $"{command}ended with {process.ExitCode}, not {exitCode}:\n{said}");
        return said;
    }

    [GeneratedRegex("^```(\\w+)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
