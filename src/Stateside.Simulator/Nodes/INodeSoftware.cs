using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What runs in the process of one node: made anew for each life of the process.</summary>
internal interface INodeSoftware
{
    /// <summary>Comes up; requests are handled only afterwards.</summary>
    ValueTask StartAsync();

    /// <summary>Goes down cleanly: no request that it has taken is left without its reply. The process ends afterwards.</summary>
    ValueTask StopAsync();

    /// <summary>Which of its lives it is in, as it says to nodes that connect to it; 0: it is none that others connect to.</summary>
    UInt128 Incarnation => 0;

    /// <summary>Under which epoch it takes itself for the owner of a shard, so that it answers from memory; 0: it does not.</summary>
    long EpochOf(int shard);

    /// <summary>Handles one request. What it throws but a cancellation of <paramref name="aborted"/> fails the run.</summary>
    ValueTask<SimReply> HandleAsync(SimRequest request, CancellationToken aborted);
}

/// <summary>What the software of a node is made with.</summary>
/// <param name="World">What everything runs in.</param>
/// <param name="Process">Its process.</param>
/// <param name="Clock">The clock of its machine.</param>
/// <param name="Store">Its client of the store.</param>
internal sealed record NodeSetting(World World, SimProcess Process, TimeProvider Clock, IStore Store);

/// <summary>What a client asks.</summary>
internal enum OperationKind
{
    /// <summary>Appends the operation's number to the key's ledger, and to its notes.</summary>
    Append,

    /// <summary>The same, if the ledger has the length that the client expects.</summary>
    AppendIf,

    /// <summary>Appends the operation's number to the key's ledger, and deletes its notes.</summary>
    Clear,

    /// <summary>Reads the ledger.</summary>
    Read,
}

/// <summary>A request as it travels.</summary>
/// <param name="Operation">The number of the operation; all attempts at it bear the same.</param>
/// <param name="Kind">What is asked.</param>
/// <param name="Key">The number of the key.</param>
/// <param name="Expected">The length that the ledger must have (<see cref="OperationKind.AppendIf"/>).</param>
/// <param name="IsIdempotent">Whether it bears an idempotency key, so that it may be sent again.</param>
internal sealed record SimRequest(int Operation, OperationKind Kind, int Key, int Expected, bool IsIdempotent)
{
    /// <summary>How often it was passed on from node to node.</summary>
    public int Hops { get; init; }

    /// <summary>Whether it was passed on before to a node that has not answered.</summary>
    public bool IsAgain { get; init; }

    /// <summary>The number of the view of the node that passed it on; 0: it comes from a client.</summary>
    public long View { get; init; }
}

/// <summary>A reply as it travels.</summary>
/// <param name="Code">Why it was refused or failed; null: it was done.</param>
/// <param name="Applied">Whether it took effect.</param>
/// <param name="Mark">What stands in the ledger after it.</param>
/// <param name="Notes">What stands in the notes after it.</param>
internal sealed record SimReply(string? Code, Applied Applied, LedgerMark Mark, LedgerMark Notes)
{
    /// <summary>The number of the view of the node that refused it; 0: it does not say.</summary>
    public long View { get; init; }

    public static SimReply Of(LedgerMark mark, LedgerMark notes) => new(null, Applied.Yes, mark, notes);

    public static SimReply Refused(string code, Applied applied) => new(code, applied, default, default);
}
