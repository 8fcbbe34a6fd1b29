using System.Globalization;
using System.Security.Cryptography;
using Stateside.Sqlite;
using Stateside.Stores.Tests.Child;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>Several processes on one file, and processes that are killed.</summary>
public sealed class SqliteProcessTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Two_processes_on_one_file_share_it_fairly_and_count_exactly()
    {
        // SQLite's own waiting let one of the two wait for one to three seconds in most rounds. A disk may stall for as long,
        // but not in two rounds of three.
        var fair = 0;
        var rounds = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            var results = await ShareAsync(_directory.File($"{round}.db"));
            var (fewest, all, longest) = (results.Min(r => r.Commits), results.Sum(r => r.Commits), results.Max(r => r.LongestWait));
            if (fewest >= all / 5 && longest < 800 && ++fair == 2) return;
            rounds.Add($"{fewest} of {all} commits, longest wait {longest} ms");
        }
        Assert.Fail("Not fair: " + string.Join("; ", rounds));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_killed_process_acknowledged_is_there_and_nothing_needs_repair(bool anotherHasItOpen)
    {
        await using var other = TempDirectory.Store(_directory.File());
        if (anotherHasItOpen) await other.OpenAsync(default);
        var acknowledged = new int[Writers.Callers];
        for (var round = 0; round < 4; round++)
        {
            using (var child = ChildProcess.Start("endless", _directory.File()))
            {
                for (var left = RandomNumberGenerator.GetInt32(1, 600); left > 0; left--) Note(acknowledged, await child.ReadLineAsync());
                await child.KillAsync();
                // What it said before it died is still in the pipe; a last line may be cut.
                var rest = await child.Output.ReadToEndAsync();
                foreach (var line in rest[..(rest.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)) Note(acknowledged, line);
            }
            if (anotherHasItOpen)
            {
                await CheckAsync(other, acknowledged);
                await Writers.IncrementAsync(other, Writers.Counter);
            }
            else
            {
                await using var store = TempDirectory.Store(_directory.File());
                await store.OpenAsync(default);
                await CheckAsync(store, acknowledged);
                Assert.Equal("ok", ((SqliteStore)store).Writing!.Text("PRAGMA integrity_check"));
            }
        }
        Assert.All(acknowledged, n => Assert.True(n > 0));
    }

    [Fact]
    public async Task A_full_disk_is_told_loses_nothing_and_works_again_once_there_is_space()
    {
        var mount = Path.Combine(_directory.Root, "small");
        Directory.CreateDirectory(mount);
        var ballast = Path.Combine(mount, "ballast");
        using var child = ChildProcess.StartWithMounts(
            $"mount -t tmpfs -o size=6m tmpfs '{mount}'; dd if=/dev/zero of='{ballast}' bs=1M count=3 2>/dev/null", "fill", Path.Combine(mount, "store.db"), ballast);
        if (child is not null) Assert.Equal("done", await child.ReadLineAsync());
        // Where a test may not mount, a limit of SQLite's own gives the same answer from the same place.
        await FullDisk.RunAsync(_directory.File(),
            store => store.Writing!.Number("PRAGMA max_page_count = 500"),
            store => store.Writing!.Number("PRAGMA max_page_count = 100000"));
    }

    [Fact]
    public async Task A_disk_that_fails_in_a_commit_leaves_the_outcome_unknown_and_the_rest_intact()
    {
        if (OperatingSystem.IsWindows()) return;
        // No file of that process may grow beyond 400 KB; the write that would is answered with an error that is not "full".
        // (The runtime itself keeps code in a file in memory unless it is told not to.)
        using var child = ChildProcess.StartAfter("trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -f 800", "until-failure", _directory.File());
        var said = (await child.ReadLineAsync()).Split(' ', 3);
        Assert.Equal("Unknown", said[1]);
        Assert.Contains("failed", said[2], StringComparison.Ordinal);
        await child.KillAsync();

        await using var store = TempDirectory.Store(_directory.File());
        await store.OpenAsync(default);
        var acknowledged = int.Parse(said[0], CultureInfo.InvariantCulture);
        Assert.InRange(acknowledged, 1, 1000);
        for (var i = 0; i < acknowledged; i++)
            Assert.Equal(5000, (await store.LoadAsync(new LoadRequest([Writers.Own("failing", i)]), default)).Rows[0].Body.Length);
        Assert.Equal("ok", ((SqliteStore)store).Writing!.Text("PRAGMA integrity_check"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_refused()
    {
        await using (var store = TempDirectory.Store(_directory.File())) await store.OpenAsync(default);
        using var child = ChildProcess.StartWithMounts($"mount --bind '{_directory.Root}' '{_directory.Root}'; mount -o remount,ro,bind '{_directory.Root}'", "open", _directory.File());
        if (child is not null) Assert.Contains("cannot be written", await child.ReadLineAsync(), StringComparison.Ordinal);
        if (Environment.IsPrivilegedProcess || OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(_directory.File(), UnixFileMode.UserRead);
        var refused = await Assert.ThrowsAsync<StoreException>(async () => await TempDirectory.Store(_directory.File()).OpenAsync(default));
        Assert.Contains("cannot be written", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<(int Commits, int LongestWait)[]> ShareAsync(string file)
    {
        using var a = ChildProcess.Start("share", file, "a", "3000");
        using var b = ChildProcess.Start("share", file, "b", "3000");
        foreach (var child in new[] { a, b }) Assert.Equal("ready", await child.ReadLineAsync());
        foreach (var child in new[] { a, b }) child.WriteLine("go");
        var said = new List<int[]>();
        foreach (var child in new[] { a, b }) said.Add([.. (await child.ReadLineAsync()).Split(' ').Select(n => int.Parse(n, CultureInfo.InvariantCulture))]);

        await using var store = TempDirectory.Store(file);
        await store.OpenAsync(default);
        var counter = (await store.LoadAsync(new LoadRequest([Writers.Counter]), default)).Rows[0];
        Assert.Equal(said.Sum(r => r[2]), int.Parse(counter.Body.Span, CultureInfo.InvariantCulture));
        return [.. said.Select(r => (r[0], r[1]))];
    }

    private static void Note(int[] acknowledged, string line)
    {
        var parts = line.Split(' ');
        acknowledged[int.Parse(parts[0], CultureInfo.InvariantCulture)] = int.Parse(parts[1], CultureInfo.InvariantCulture);
    }

    private static async Task CheckAsync(IStore store, int[] acknowledged)
    {
        for (var caller = 0; caller < acknowledged.Length; caller++)
        {
            var row = (await store.LoadAsync(new LoadRequest([Writers.Own("killed", caller)]), default)).Rows[0];
            var value = row.Exists ? int.Parse(row.Body.Span, CultureInfo.InvariantCulture) : 0;
            // The last commit may have been written without its answer having left.
            Assert.InRange(value, acknowledged[caller], acknowledged[caller] + 1);
            acknowledged[caller] = value;
        }
    }
}
