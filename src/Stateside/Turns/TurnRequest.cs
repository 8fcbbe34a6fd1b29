using Stateside.Places;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Turns;

/// <summary>One state that a turn takes.</summary>
/// <param name="Definition">Which state.</param>
/// <param name="Key">Under which key.</param>
/// <param name="Writes">True for <see cref="State{T}"/>, false for <see cref="Snapshot{T}"/>.</param>
/// <param name="IsNew">The key is made by this turn, so it is not loaded and must be absent at the commit.</param>
internal readonly record struct SlotRequest(StateDefinition Definition, StateKey Key, bool Writes, bool IsNew = false);

/// <summary>The receipt that a request asks for with its <c>Idempotency-Key</c>.</summary>
/// <param name="Id">Where it is kept in the group that the turn writes.</param>
/// <param name="Fingerprint">A hash of the request.</param>
/// <param name="CallsOutside">The handler calls the outside world: claim first, and never run twice.</param>
/// <param name="SafeToRepeat">Its calls are safe to repeat with the turn's ids, so a claim that broke off may be taken over.</param>
internal sealed record ReceiptRequest(ReceiptId Id, ReceiptId Fingerprint, bool CallsOutside, bool SafeToRepeat);

/// <summary>What a turn reads and writes, once the session is known.</summary>
internal sealed class TurnRequest
{
    public required SlotRequest[] Slots { get; init; }

    /// <summary>The group that the turn may write; null for a turn that only reads.</summary>
    public Group? Group { get; init; }

    public ReceiptRequest? Receipt { get; init; }

    /// <summary>The rows that the request brought itself, one for each slot; null for a slot that only the store knows. Null: it brought none.</summary>
    public Row?[]? Held { get; init; }

    /// <summary>The same request with what it brought.</summary>
    public TurnRequest With(SlotRequest[] slots, Row?[] held) => new() { Slots = slots, Group = Group, Receipt = Receipt, TaggedSlot = TaggedSlot, Held = held };

    /// <summary>The turn's right to the memory of its group; null where no state of it lives on a node.</summary>
    public NodeEntry? Owned { get; private set; }

    /// <summary>The same request, inside the shard.</summary>
    public TurnRequest On(NodeEntry? owned)
    {
        Owned = owned;
        return this;
    }

    /// <summary>The group whose owner the turn runs on: the one that it writes, if states of it live on a node, else that of the first it reads; null if none does.</summary>
    public Group? Home
    {
        get
        {
            Group? read = null;
            foreach (var slot in Slots)
            {
                if (slot.Definition.Place != Place.Node) continue;
                if (slot.Writes) return Group;
                read ??= slot.Key.Group;
            }
            return read;
        }
    }

    /// <summary>The slot that <c>If-Match</c> and <c>ETag</c> speak of; -1 for none.</summary>
    public int TaggedSlot { get; init; } = -1;
}

/// <summary>What a host (HTTP, a background job, a test) does for the runner.</summary>
internal interface ITurnHost
{
    /// <summary>Called once, first: reads what of the request must be at hand before the keys are known.</summary>
    ValueTask PrepareAsync();

    /// <summary>The session that the request brought or could begin; null if the endpoint takes no heed of sessions.</summary>
    SessionHandle? Session { get; }

    /// <summary>Hop 1: which states under which keys. Called again with a fresh session if the one that was brought proves invalid.</summary>
    TurnRequest Bind(SessionHandle? session, TurnSeed seed);

    /// <summary>Called with what was loaded, before each run: preconditions. Throws what it refuses.</summary>
    void Check(TurnRequest request, IReadOnlyList<Row> rows);

    /// <summary>Hop 4: runs the handler on <paramref name="run"/>. What an earlier run left behind is discarded first.</summary>
    ValueTask<TurnReply> RunAsync(TurnRun run);

    /// <summary>What the client carries; null where there is no client.</summary>
    IClientCarrier? Carrier => null;

    CancellationToken Aborted { get; }
}

/// <summary>Puts itself around the host of every turn. No application has one; Stateside.Testing watches runs with it.</summary>
internal interface ITurnWatch
{
    ITurnHost Around(ITurnHost host);
}

/// <summary>One run of the handler: its own handles on the rows that were loaded, or that a conflict brought.</summary>
internal sealed class TurnRun(Turn turn, TurnRequest request, IStateSlot[] slots, SessionHandle? session)
{
    public Turn Turn { get; } = turn;

    public TurnRequest Request { get; } = request;

    public IStateSlot[] Slots { get; } = slots;

    public SessionHandle? Session { get; } = session;

    /// <summary>The states of the client that leave with the response, once the turn has committed.</summary>
    public IReadOnlyList<SealedState> Leaving { get; set; } = [];

    /// <summary>True if the credential of a sealed session has to be given anew, or a commit of this run makes a fresh session real, so that the response must carry its credential.</summary>
    public bool BeginsSession(bool writesReceipt)
    {
        if (Session is { IsDue: true }) return true;
        if (Session is not { IsFresh: true } fresh || Request.Group != fresh.Group) return false;
        if (writesReceipt) return true;
        foreach (var slot in Slots)
            if (slot.IsChanged) return true;
        return false;
    }

    /// <summary>The version of the tagged state after the commit; none if there is no such state or it is absent.</summary>
    public StateVersion TaggedVersion =>
        Request.TaggedSlot >= 0 && Slots[Request.TaggedSlot] is { Exists: true } slot ? slot.VersionAfter(Turn.Id) : StateVersion.None;
}

/// <summary>What a run came to.</summary>
/// <param name="Discard">The handler failed: what it changed is not committed.</param>
/// <param name="Receipt">The response to keep for retries, or null.</param>
internal readonly record struct TurnReply(bool Discard, ReceiptWrite? Receipt);

/// <summary>What a turn came to.</summary>
internal readonly record struct TurnOutcome(TurnRun? Run, ReceiptRow? Replay, SessionHandle? BegunSession)
{
    /// <summary>The states of the client that a replay gives again.</summary>
    public IReadOnlyList<SealedState>? Again { get; init; }
}
