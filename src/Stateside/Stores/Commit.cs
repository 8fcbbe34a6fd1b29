namespace Stateside.Stores;

/// <summary>One atomic write to one group.</summary>
/// <param name="Group">The group that all keys in it belong to.</param>
/// <param name="Turn">The turn that writes; half of each new version.</param>
public sealed record Commit(Group Group, TurnId Turn)
{
    /// <summary>The rows to check, write or touch; each key at most once.</summary>
    public IReadOnlyList<RowWrite> Rows { get; init; } = [];

    /// <summary>The receipt to claim or record, if the request bore a key.</summary>
    public ReceiptWrite? Receipt { get; init; }

    /// <summary>What is to be done after the commit, now or later. One with the id of an effect that is already there replaces it.</summary>
    public IReadOnlyList<EffectWrite> Effects { get; init; } = [];

    /// <summary>The ids of effects that have been done and are taken off.</summary>
    public IReadOnlyList<string> EffectsDone { get; init; } = [];

    /// <summary>The epoch under which a node commits, or null where no node owns the shard.</summary>
    public Fence? Fence { get; init; }

    /// <summary>Refuses a commit with a body that a store does not take, before anything of it is sent. Every store calls it first.</summary>
    /// <param name="maxBodyBytes">The store's <see cref="StoreCapabilities.MaxBodyBytes"/>.</param>
    /// <exception cref="StoreException">A row, event, receipt or effect has more bytes than that; nothing was written.</exception>
    public void EnsureFits(int maxBodyBytes)
    {
        var largest = Receipt?.Body.Length ?? 0;
        foreach (var row in Rows)
        {
            largest = Math.Max(largest, row.Body.Length);
            foreach (var e in row.Events) largest = Math.Max(largest, e.Length);
        }
        foreach (var effect in Effects) largest = Math.Max(largest, effect.Body.Length);
        if (largest > maxBodyBytes)
            throw new StoreException($"A commit holds a body of {largest} bytes, but the store takes at most {maxBodyBytes}. Nothing was written: keep less in one state.", Applied.No);
    }
}

/// <summary>What a commit does to a row.</summary>
public enum RowChange
{
    /// <summary>Leaves it, but it must still be at the expected version. With a time to live, that is set anew too.</summary>
    Check,

    /// <summary>Writes it, if it is at the expected version.</summary>
    Put,

    /// <summary>Deletes it, if it is at the expected version. The store remembers the version for <see cref="RowWrite.TombstoneLife"/>.</summary>
    Delete,

    /// <summary>Sets its time to live anew, if it is at the expected version; otherwise leaves it alone. Never a conflict: the version stays.</summary>
    Touch,
}

/// <summary>One row in a commit. The new version of a row that is put or deleted is <see cref="After"/>.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Change">What to do.</param>
/// <param name="Expected">The version that was loaded.</param>
public sealed record RowWrite(StateKey Key, RowChange Change, StateVersion Expected)
{
    /// <summary>How long a store remembers the version of a deleted or expired row at least, so that an unknown outcome can still be resolved.</summary>
    public static readonly TimeSpan TombstoneLife = TimeSpan.FromHours(1);

    /// <summary>
    /// The version that the row gets, if not the next after <see cref="Expected"/>: a write that sums up several turns leaves the row
    /// where the last of them left it in memory. Its counter is above that of <see cref="Expected"/>.
    /// </summary>
    public StateVersion? Becomes { get; init; }

    /// <summary>The version that a put or a delete gives the row.</summary>
    /// <param name="turn">The turn of the commit.</param>
    public StateVersion After(TurnId turn) => Becomes ?? Expected.Next(turn);

    /// <summary>The version of the state's shape (<see cref="RowChange.Put"/>).</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The number of the last event folded into the row that was loaded; the new row's is that plus the number of <see cref="Events"/>.</summary>
    public long Sequence { get; init; }

    /// <summary>The new content (<see cref="RowChange.Put"/>). The store may keep these very bytes, so nobody changes them afterwards.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>
    /// Its time to live from now, by the store's clock. Null: what is put stays for ever, what is checked keeps the time it has.
    /// </summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>The events to append to the key's journal, numbered from <see cref="Sequence"/> + 1 (<see cref="RowChange.Put"/>).</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Events { get; init; } = [];

    /// <summary>The decoded content, for stores in memory.</summary>
    internal object? Decoded { get; init; }
}

/// <summary>An effect to be done after the commit, at least once.</summary>
/// <param name="Id">Unique in the group.</param>
/// <param name="Name">The name under which its handler is registered.</param>
/// <param name="Body">Its data.</param>
/// <param name="After">How long after the commit it becomes due, by the store's clock; zero: at once.</param>
public sealed record EffectWrite(string Id, string Name, ReadOnlyMemory<byte> Body, TimeSpan After);

/// <summary>
/// The fence of a shard. A store keeps for each shard the highest epoch it has seen and refuses a commit with a lower
/// one, in the same atomic step; a higher one raises it.
/// </summary>
/// <param name="Shard">0 to 1,023: the shard of the commit's group.</param>
/// <param name="Epoch">1 or more.</param>
public readonly record struct Fence(int Shard, long Epoch);

/// <summary>What became of a commit that the store answered.</summary>
public abstract record CommitResult
{
    private CommitResult() { }

    /// <summary>Everything was written.</summary>
    public static CommitResult Committed { get; } = new CommittedResult();

    /// <summary>Nothing was written: a row was not at the expected version.</summary>
    /// <param name="Rows">The current row of every key in the commit, in its order, so that the turn can run again without another load.</param>
    public sealed record Conflict(IReadOnlyList<Row> Rows) : CommitResult;

    /// <summary>Nothing was written: the receipt was already there, or is claimed by another.</summary>
    /// <param name="Receipt">What is there; null if the claim that the commit relied on is gone.</param>
    public sealed record AlreadyRecorded(ReceiptRow? Receipt) : CommitResult;

    /// <summary>Nothing was written: the shard has passed to another owner.</summary>
    /// <param name="Epoch">The shard's epoch in the store.</param>
    public sealed record Fenced(long Epoch) : CommitResult;

    private sealed record CommittedResult : CommitResult;
}
