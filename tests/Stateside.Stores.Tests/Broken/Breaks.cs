using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Broken;

/// <summary>A way to break a store on purpose, and a case that must find it.</summary>
/// <param name="Name">The break.</param>
/// <param name="Apply">Breaks a store.</param>
/// <param name="Case">The case that finds it.</param>
/// <param name="Rule">The rule that it says is broken; null where chance decides which is broken first.</param>
internal sealed record StoreBreak(string Name, Func<IStore, IStore> Apply, string Case, string? Rule)
{
    /// <summary>Runs the case on the stores of a harness, broken in this way; the case must find it.</summary>
    public async Task IsFoundAsync(StoreHarness harness)
    {
        await using var broken = new BrokenHarness(harness, Apply);
        var found = await Assert.ThrowsAsync<StoreConformanceException>(() => StoreConformance.RunAsync(Case, broken));
        if (Rule is not null) Assert.Equal(Rule, found.Rule);
        Assert.Contains(Case, found.Message, StringComparison.Ordinal);
    }

    public override string ToString() => $"{Name}: {Case}";
}

/// <summary>The breaks that every store is tried with, and those that show what else the suite finds.</summary>
internal static class Breaks
{
    private const string Sequence = "Any sequence of verbs is answered as the model answers it";

    /// <summary>No version compare, the receipt outside the commit, the epoch ignored: on every store, on its real server.</summary>
    public static IReadOnlyList<StoreBreak> OfEveryStore { get; } =
    [
        new("no version compare", s => new NoVersionCompare(s), "A commit on another version conflicts and brings every current row in its order", "A commit on a version that has passed is a conflict."),
        new("no version compare", s => new NoVersionCompare(s), "Sixty-four writers of one key count exactly", "Of all commits that were acknowledged none is lost and none counts twice."),
        new("no version compare", s => new NoVersionCompare(s), Sequence, null),
        new("receipt outside the commit", s => new ReceiptOutsideTheCommit(s), "A commit that is refused leaves nothing behind", "A commit that is refused for its receipt leaves no row."),
        new("receipt outside the commit", s => new ReceiptOutsideTheCommit(s), "Of many commits with one receipt one is committed and all others learn of it", "Only the row of the one is there."),
        new("epoch ignored", s => new EpochIgnored(s), "An older epoch is refused, an equal one passes, a newer one rises", "An older epoch is refused."),
        new("epoch ignored", s => new EpochIgnored(s), "The fence is checked before the receipt and the receipt before the versions", "The fence is checked before the receipt and the versions."),
    ];

    /// <summary>What a harness with a clock and two stores finds besides.</summary>
    public static IReadOnlyList<StoreBreak> OfData { get; } =
    [
        new("half a commit", s => new HalfACommit(s), "A commit that is refused leaves nothing behind", "No row of a conflict is there."),
        new("half a commit", s => new HalfACommit(s), Sequence, null),
        new("torn load", s => new TornLoad(s), "A load sees each commit whole", "All rows of a load are as of one moment: a commit is seen whole or not at all."),
        new("resurrected versions", s => new ResurrectedVersions(s), "A deleted key never returns to a version it had", "A deleted row is absent with the next version."),
        new("resurrected versions", s => new ResurrectedVersions(s), "A row past its time is absent with the version it had", "A row past its time is absent, with the version it had."),
        new("time to live ignored", s => new TimeToLiveIgnored(s), "A row past its time is absent with the version it had", "What is left of a time to live runs down by the store's clock."),
        new("time to live ignored", s => new TimeToLiveIgnored(s), "A journal expires with its row and the next begins anew", "A row that has expired has no journal."),
        new("lost write acknowledged", s => new LostWriteAcknowledged(s), "Sixty-four writers of sixty-four keys count exactly", "Of all commits that were acknowledged none is lost and none counts twice."),
        new("lost write acknowledged", s => new LostWriteAcknowledged(s), "Of many commits at once the one in the middle that conflicts is refused and the others land", "What was committed is there, what was refused is not."),
        new("clean-up over its bound", s => new CleanUpOverItsBound(s), "A clean-up removes no more than its limit and says when nothing is left", "A clean-up removes no more than its limit."),
        new("clean-up that stops early", s => new CleanUpThatStopsEarly(s), "A clean-up removes no more than its limit and says when nothing is left", "A clean-up that removes less than its limit leaves nothing to remove."),
        new("silent watch", s => new SilentWatch(s), "A watcher hears of every change that another store makes to what it has loaded", "A change to a row that a store has loaded is told to its watcher."),
    ];

    /// <summary>What a harness with a network and a server finds besides.</summary>
    public static IReadOnlyList<StoreBreak> OfNetwork { get; } =
    [
        new("unknown reported as no", s => new UnknownReportedAsNo(s), "A commit whose answer is lost tells the truth", "What failed with Applied.No is not written, now or later."),
        new("unknown reported as no", s => new UnknownReportedAsNo(s), "A commit whose answer never comes tells the truth in bounded time", "What failed with Applied.No is not written, now or later."),
        new("blind retry", s => new BlindRetry(s), "A commit whose answer is lost tells the truth", "Nobody else writes these rows."),
        new("half a commit", s => new HalfACommit(s), "A commit whose answer is lost tells the truth", "A commit is written whole or not at all: all its rows."),
        new("lost write acknowledged", s => new LostWriteAcknowledged(s), "What was acknowledged survives the death of the server and nothing is half done", null),
        new("empty on failure", s => new EmptyOnFailure(s), "A load that is cut fails and never answers an empty row", "A load answers what is there, or fails."),
        new("empty on failure", s => new EmptyOnFailure(s), "While the server is away every verb fails in bounded time and afterwards none does", "A verb without a server fails."),
        new("silent watch", s => new SilentWatch(s), "A watcher that was cut off hears that something may have changed", "A watcher that was cut off hears of the change itself, or that any row may have changed."),
    ];
}
