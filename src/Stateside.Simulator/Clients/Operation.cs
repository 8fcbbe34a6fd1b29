using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// One operation as its client saw it. Moments are steps of the scheduler: of two, the lower one was first, whatever the virtual time.
/// </summary>
/// <param name="Id">Its number, from 1; what an append writes into the ledger.</param>
/// <param name="Kind">What was asked.</param>
/// <param name="Key">Of which key.</param>
/// <param name="IsIdempotent">Whether all attempts at it bore one idempotency key.</param>
/// <param name="CalledAt">When it was first sent.</param>
internal sealed record Operation(int Id, OperationKind Kind, int Key, bool IsIdempotent, long CalledAt)
{
    /// <summary>When its reply came, or its client gave it up.</summary>
    public long ReturnedAt { get; set; } = long.MaxValue;

    /// <summary><see cref="Applied.Yes"/>: acknowledged. <see cref="Applied.No"/>: every attempt was refused. Else unknown, also while it runs.</summary>
    public Applied Applied { get; set; } = Applied.Unknown;

    /// <summary>What the reply said of the ledger after it; of an acknowledged operation.</summary>
    public LedgerMark Mark { get; set; }

    /// <summary>What the reply said of the notes after it.</summary>
    public LedgerMark Notes { get; set; }

    /// <summary>When its acknowledgement came, in virtual time.</summary>
    public long AcknowledgedAt { get; set; }

    public override string ToString() =>
        $"operation {Id} ({Kind}{(IsIdempotent ? ", idempotent" : "")}) on key {Key}, {Applied}{(Applied == Applied.Yes ? $" at length {Mark.Length}" : "")}, steps {CalledAt} to {(ReturnedAt == long.MaxValue ? "…" : ReturnedAt)}";
}
