using System.Globalization;
using Stateside.Check.Replicas;

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
