using System.Diagnostics;
using System.Text.Json;
using Stateside.Simulator;

namespace Stateside.Tool.Tests;

public sealed class SimulateTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Seeds_that_hold_are_counted()
    {
        var (code, output, _) = await Tool.RunAsync(_directory.Path, "simulate", "--seeds", "7", "--from", "100");
        Assert.Equal(0, code);
        Assert.Contains("7 seeds from 100 in", output);
        Assert.EndsWith("holds: no promise was broken\n", output);
    }

    [Fact]
    public async Task Watchers_are_simulated_too()
    {
        var (code, output, _) = await Tool.RunAsync(_directory.Path, "simulate", "--watch", "--seeds", "3", "--from", "100");
        Assert.Equal(0, code);
        Assert.Matches(@"^3 seeds from 100 in [0-9.]+ s, each with the rooms on nodes and in the store: [1-9][0-9,]* events, heard in [1-9][0-9,]* streams, hash [0-9a-f]{16}\n", output[output.IndexOf("3 seeds from", StringComparison.Ordinal)..]);
        Assert.EndsWith("holds: every watcher heard every event once and in order\n", output);
    }

    [Fact]
    public async Task What_watchers_heard_is_a_document_too()
    {
        var report = await RunApartAsync("simulate", "--watch", "--seeds", "2", "--json");
        Assert.True(report.GetProperty("holds").GetBoolean());
        Assert.True(report.GetProperty("events").GetInt64() > 0);
        Assert.Equal(JsonValueKind.Null, report.GetProperty("failure").ValueKind);
    }

    /// <summary>The runtime hashes texts differently in each process, so an order that follows from a hash shows only here.</summary>
    [Fact]
    public async Task A_seed_is_the_same_run_in_every_process()
    {
        var hashes = new HashSet<string?>();
        for (var i = 0; i < 3; i++) hashes.Add((await RunApartAsync("simulate", "--seeds", "20", "--json")).GetProperty("hash").GetString());
        Assert.Single(hashes);
    }

    [Fact]
    public async Task A_seed_that_does_not_hold_is_named_with_the_command_that_repeats_it_and_its_trace()
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var surroundings = new Surroundings(output, error, false, _directory.Path, TimeProvider.System);
        // Nothing can serve again in no time at all.
        var command = SimulateCommand.Create(surroundings, _ => new SimulationOptions { Recovery = TimeSpan.Zero });
        Assert.Equal(1, await command.Parse(["--seeds", "50", "--json"]).InvokeAsync());

        var report = JsonDocument.Parse(output.ToString()).RootElement;
        Assert.False(report.GetProperty("holds").GetBoolean());
        var failure = report.GetProperty("failure");
        var seed = failure.GetProperty("seed").GetUInt64();
        Assert.Equal($"./stateside simulate --seeds 1 --from {seed}", failure.GetProperty("replay").GetString());
        Assert.Contains(failure.GetProperty("violations").EnumerateArray(), v => v.GetString()!.StartsWith("every key serves again once the faults are over: ", StringComparison.Ordinal));
        var trace = failure.GetProperty("trace").GetString()!;
        Assert.Contains("VIOLATION every key serves again once the faults are over", await File.ReadAllTextAsync(trace));
        File.Delete(trace);
    }

    private static async Task<JsonElement> RunApartAsync(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.Sample("Stateside.Tool"), .. args]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await error);
        return JsonDocument.Parse(output).RootElement;
    }
}
