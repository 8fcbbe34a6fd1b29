using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Stateside.Check.Replicas;
using Stateside.Check.Tests.Experiments;

namespace Stateside.Check.Tests.Replicas;

public sealed class GivenReplicasTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("stateside-check-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_command_that_restarts_nothing_is_not_believed()
    {
        await using var launched = await LaunchedAsync();
        await using var set = await OpenAsync(launched, "true {i}");
        var error = await Assert.ThrowsAsync<ReplicaException>(() => set.RestartAsync([1], CancellationToken.None));
        Assert.Contains("replica 1 still holds a connection from before", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_restarts_is()
    {
        await using var launched = await LaunchedAsync();
        // Both know the replica by its port alone: killed by the one, started by the other.
        var kill = $"kill -9 $(cat {_folder.FullName}/pid-{{i}})";
        var ports = string.Join(' ', launched.Addresses.Select(a => a.Port.ToString(CultureInfo.InvariantCulture)));
        var start = $"set -- {ports}; shift {{i}}; /usr/bin/python3 -m http.server $1 --bind 127.0.0.1 --directory {_folder.FullName} & echo $! > {_folder.FullName}/pid-{{i}}";
        foreach (var (address, i) in launched.Addresses.Select((a, i) => (a, i))) await File.WriteAllTextAsync(Path.Combine(_folder.FullName, $"pid-{i}"), Pid(address));
        await using var set = await OpenAsync(launched, start, kill);
        var before = await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "pid-1"));
        await set.RestartAsync([1], CancellationToken.None);
        var after = await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "pid-1"));
        Assert.NotEqual(before.Trim(), after.Trim());
        using var process = System.Diagnostics.Process.GetProcessById(int.Parse(after, CultureInfo.InvariantCulture));
        process.Kill();
    }

    [Fact]
    public async Task A_command_that_fails_takes_only_the_answers_that_rest_on_a_restart()
    {
        await using var shop = await new InProcessSource((app, s) =>
        {
            app.MapPost("/n/{id}", (string id) => { s.Shared[id] = 1; return Results.NoContent(); });
            app.MapGet("/n/{id}", (string id) => Results.Json(new { n = s.Shared.Count(e => e.Key == id) }));
        }).OpenAsync(CancellationToken.None);
        var source = new GivenSource(new GivenOptions(shop.Addresses, "exit 3 # {i}", null), TimeProvider.System);
        var scenario = Checking.Read("@id = {{$guid}}\n\nPOST /n/{{id}}\n\n###\nGET /n/{{id}}\n");
        var report = await new CheckRun([scenario], source, new CheckOptions(), TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.Equal("h?hh?", Checking.Answers(report));
        Assert.Equal("no replica could be restarted: the --restart command \"exit 3 # 0\" failed with exit code 3", report.Verdicts[1].Reason);
        Assert.Equal(["fresh", "restart"], report.Experiments.Where(e => e.LeftOut == report.Verdicts[1].Reason).Select(e => e.Name).Order());
    }

    [Fact]
    public async Task A_command_that_only_kills_is_no_start_of_a_check()
    {
        await using var launched = await LaunchedAsync();
        var error = await Assert.ThrowsAsync<ReplicaException>(() => new GivenSource(
            new GivenOptions(launched.Addresses, $"case {{i}} in 1) kill -9 {Pid(launched.Addresses[1])};; esac", null) { ReadyWithin = TimeSpan.FromSeconds(5) }, TimeProvider.System).OpenAsync(CancellationToken.None));
        Assert.Contains("the restart did not succeed", error.Message, StringComparison.Ordinal);
        Assert.Contains(launched.Addresses[1].Authority, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Stopped at many moments of the check: what is wrong is not said to hold, and what is right not to fail.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Of_replicas_that_are_stopped_meanwhile_nothing_is_said_that_was_not_seen(bool isShared)
    {
        var told = 0;
        for (var after = 60; after <= 300; after += 60)
        {
            var requests = 0;
            ReplicaSet shop = null!;
            await using var opened = shop = await new InProcessSource((app, s) =>
            {
                var numbers = isShared ? s.Shared : s.Memory;
                app.Use((http, next) =>
                {
                    if (Interlocked.Increment(ref requests) == after) _ = shop.RestartAsync([0, 1], CancellationToken.None);
                    return next(http);
                });
                app.MapPut("/n/{id}", (string id) => { numbers[id] = 1; return Results.NoContent(); });
                app.MapGet("/n/{id}", (string id) => Results.Json(new { n = numbers.Count(e => e.Key == id) }));
            }, mostRestarts: 0).OpenAsync(CancellationToken.None);
            var source = new GivenSource(new GivenOptions(shop.Addresses, null, null), TimeProvider.System);
            try
            {
                var report = await new CheckRun([Checking.Read("@id = {{$guid}}\n\nPUT /n/{{id}}\n\n###\nGET /n/{{id}}\n")], source, new CheckOptions(), TimeProvider.System).RunAsync(CancellationToken.None);
                var answers = Checking.Answers(report);
                Assert.True(isShared ? !answers.Contains('f', StringComparison.Ordinal) : answers[0] != 'h' && answers[3] != 'h', $"stopped after {after} requests: {answers}");
                if (requests < after) continue;
                Assert.Contains("is gone: nothing listens at http://127.0.0.1:", Assert.Single(report.Findings, f => f.Rule == "CHK-CRASH").Title, StringComparison.Ordinal);
                Assert.True(report.Fails);
                told++;
            }
            catch (ReplicaException e)
            {
                Assert.Contains("is gone: nothing listens at", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.True(told > 0, "it was always over before, or while it was still learned what comes undisturbed");
    }

    private string Pid(Uri address)
    {
        foreach (var process in System.Diagnostics.Process.GetProcesses())
            using (process)
            {
                var line = Path.Combine("/proc", process.Id.ToString(CultureInfo.InvariantCulture), "cmdline");
                try
                {
                    var words = File.ReadAllText(line).Split('\0');
                    if (words[0].Contains("python3", StringComparison.Ordinal) && words.Contains(address.Port.ToString(CultureInfo.InvariantCulture)) && words.Contains(_folder.FullName)) return process.Id.ToString(CultureInfo.InvariantCulture);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It has ended meanwhile.
                }
            }
        throw new InvalidOperationException($"nobody serves {address}");
    }

    private async Task<ReplicaSet> LaunchedAsync() => await new LaunchedSource(
        new LaunchOptions { Command = $"/usr/bin/python3 -m http.server {{port}} --directory {_folder.FullName}", ReadyWithin = TimeSpan.FromSeconds(60) }, TimeProvider.System).OpenAsync(CancellationToken.None);

    private static async Task<ReplicaSet> OpenAsync(ReplicaSet launched, string restart, string? stop = null) =>
        await new GivenSource(new GivenOptions(launched.Addresses, restart, stop) { ReadyWithin = TimeSpan.FromSeconds(60) }, TimeProvider.System).OpenAsync(CancellationToken.None);
}
