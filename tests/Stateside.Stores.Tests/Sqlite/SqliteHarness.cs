using System.Diagnostics;
using Stateside.Testing;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>SQLite files, a new one for each case.</summary>
internal sealed class SqliteHarness : StoreHarness
{
    private readonly TempDirectory _directory = new();
    // A little ahead of the system's clock, by which the other process lives: what that wrote is due here.
    private readonly ManualClock _clock = new(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
    private int _files;

    public const HarnessAbilities Can = HarnessAbilities.SecondStore | HarnessAbilities.ClockStands | HarnessAbilities.ClockForward
        | HarnessAbilities.ClockHours | HarnessAbilities.ClockBack | HarnessAbilities.Process;

    public override HarnessAbilities Abilities => Can;

    public override int Sequences => 200;

    private string File => _directory.File($"a dir/st#re%20.{_files}.db");

    public override IStore CreateStore() => TempDirectory.Store(File, _clock);

    public override Task ResetAsync()
    {
        _files++;
        return Task.CompletedTask;
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        _clock.SetUtcNow(_clock.GetUtcNow() + by);
        return Task.CompletedTask;
    }

    public override Process StartProcess() => ChildProcess.Start("conformance", File).Process;

    public override ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return base.DisposeAsync();
    }
}
