using Stateside.Stores;

namespace Stateside.Testing.Tests;

public sealed class CrashingStoreTests
{
    private static readonly StateKey Key = new(Group.Keyed("a"), "cart");

    /// <summary>What the death of the process is in these tests: nothing after it is done.</summary>
    private sealed class Death : Exception;

    public static TheoryData<CrashStep, bool> Steps() => new()
    {
        { CrashStep.BeforeLoad, false }, { CrashStep.AfterLoad, false }, { CrashStep.BeforeCommit, false }, { CrashStep.DuringCommit, true }, { CrashStep.AfterCommit, true },
    };

    [Theory, MemberData(nameof(Steps))]
    public async Task It_crashes_at_the_step_and_what_was_committed_before_stays(CrashStep step, bool written)
    {
        var memory = new MemoryStore(new ManualClock());
        await using var store = new CrashingStore(memory, () => throw new Death());
        store.Arm(step);
        await Assert.ThrowsAsync<Death>(() => TurnAsync(store));
        var row = (await memory.LoadAsync(new LoadRequest([Key]), default)).Rows[0];
        Assert.Equal(written, row.Exists);
    }

    [Theory, MemberData(nameof(Steps))]
    public async Task It_crashes_once_after_letting_as_many_pass_as_it_was_told(CrashStep step, bool _)
    {
        var (turns, crashed) = (0, new List<int>());
        await using var store = new CrashingStore(new MemoryStore(new ManualClock()), () => crashed.Add(turns));
        store.Arm(step, skip: 2);
        for (turns = 1; turns <= 5; turns++) await TurnAsync(store);
        Assert.Equal([3], crashed);
    }

    [Fact]
    public async Task Between_the_start_and_the_end_of_a_commit_the_store_has_it_and_has_not_answered()
    {
        #region crash
        var slow = new TestStore(new ManualClock());
        var died = false;
        await using var store = new CrashingStore(slow, crash: () => died = true);   // in earnest: Environment.FailFast("crash")
        store.Arm(CrashStep.DuringCommit);

        using var gate = slow.Hold(StoreVerb.Commit);
        var commit = store.CommitAsync(new Commit(Key.Group, TurnId.New()), default).AsTask();
        Assert.True(died && !commit.IsCompleted);
        #endregion
        gate.Open();
        Assert.Equal(CommitResult.Committed, await commit);
    }

    [Fact]
    public async Task A_refused_commit_is_not_the_step_after_a_commit()
    {
        var crashed = 0;
        var memory = new MemoryStore(new ManualClock());
        await using var store = new CrashingStore(memory, () => crashed++);
        store.Arm(CrashStep.AfterCommit);
        await store.CommitAsync(new Commit(Key.Group, TurnId.New()) { Rows = [new RowWrite(Key, RowChange.Check, new StateVersion(7, default))] }, default);
        Assert.Equal(0, crashed);
    }

    private static async Task TurnAsync(CrashingStore store)
    {
        var row = (await store.LoadAsync(new LoadRequest([Key]), default)).Rows[0];
        await store.CommitAsync(new Commit(Key.Group, TurnId.New()) { Rows = [new RowWrite(Key, RowChange.Put, row.Version)] }, default);
    }
}
