using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

public sealed class PrivateFolderTests
{
    [Fact]
    public async Task What_a_killed_process_left_is_removed_when_replicas_are_launched_and_what_is_in_use_or_unknown_stays()
    {
        using var used = PrivateFolder.Create();
        Directory.CreateDirectory(Path.Combine(used.Path, "replica-0"));
        // As a kill leaves it: the name is there, and nobody holds the lock.
        var left = Directory.CreateTempSubdirectory("stateside-check-");
        File.WriteAllText(Path.Combine(left.FullName, "owner.lock"), "");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(left.FullName, "replica-0")).FullName, "data"), "x");
        var unknown = Directory.CreateTempSubdirectory("stateside-check-");
        var open = Directory.CreateTempSubdirectory("stateside-check-");
        File.WriteAllText(Path.Combine(open.FullName, "owner.lock"), "");
        if (!OperatingSystem.IsWindows()) open.UnixFileMode |= UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        try
        {
            var launched = new LaunchedSource(new LaunchOptions { Command = "exit 1 # {port}" }, TimeProvider.System);
            await Assert.ThrowsAsync<ReplicaException>(() => launched.OpenAsync(CancellationToken.None));
            Assert.False(Directory.Exists(left.FullName));
            Assert.All((string[])[Path.Combine(used.Path, "replica-0"), unknown.FullName, open.FullName], folder => Assert.True(Directory.Exists(folder), folder));
        }
        finally
        {
            unknown.Delete(recursive: true);
            open.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_folder_goes_with_its_owner()
    {
        var folder = PrivateFolder.Create();
        folder.Dispose();
        Assert.False(Directory.Exists(folder.Path));
    }
}
