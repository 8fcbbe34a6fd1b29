using Stateside.States;
using Stateside.Stores;

namespace Stateside.Places;

/// <summary>What one commit of a group carries to the store, for one turn or several.</summary>
internal sealed class NodeBatch
{
    private readonly List<RowWrite> _writes = [];
    private readonly TaskCompletionSource<CommitResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Commit? _first;
    private TurnId _turn;

    /// <summary>Whether it holds what only one turn can have in a commit.</summary>
    public bool IsAlone { get; private set; }

    /// <summary>The rows of memory that are in it.</summary>
    public List<(NodeGroup.Entry Entry, Row Row, (StateVersion Sent, long Sequence) Before)> Sent { get; } = [];

    /// <summary>Its outcome, for those who did not send it themselves.</summary>
    public Task<CommitResult> Done => _done.Task;

    public void Add(Commit commit, bool isAlone, List<RowWrite>? others)
    {
        // Rows in memory know their own turns; only what is alone takes its turn from the commit.
        if (isAlone || !IsAlone) _turn = commit.Turn;
        if (isAlone) (IsAlone, _first) = (true, commit);
        if (others is null) return;
        foreach (var row in others)
        {
            _writes.RemoveAll(w => w.Key == row.Key);
            _writes.Add(row);
        }
    }

    public void Take(NodeGroup.Entry entry, Row row, (StateVersion Sent, long Sequence) before, RowWrite write)
    {
        Sent.Add((entry, row, before));
        _writes.Add(write);
    }

    /// <summary>The commit; null if there is nothing to write.</summary>
    public Commit? ToCommit(Group group, Fence fence) => _writes.Count == 0 && _first is null ? null : new Commit(group, _turn == default ? TurnId.New() : _turn)
    {
        Rows = _writes, Fence = fence, Receipt = _first?.Receipt, Effects = _first?.Effects ?? [], EffectsDone = _first?.EffectsDone ?? [],
    };

    public void Complete(CommitResult result) => _done.TrySetResult(result);

    /// <summary>It was not sent, and never will be: what it rests on is void.</summary>
    public void Refuse() => Complete(NodePlace.Stale);

    public void Fail(Exception e) => _done.TrySetException(e);
}

/// <summary>How a turn's commit reaches the store from memory.</summary>
/// <param name="WaitsForStore">The reply waits until it is there.</param>
/// <param name="IsAlone">It has what only one turn can have in a commit: a receipt, effects, events that bear its id, rows that are not in memory.</param>
/// <param name="Ends">It deletes a state.</param>
internal readonly record struct NodeCommitKind(bool WaitsForStore, bool IsAlone, bool Ends)
{
    public static NodeCommitKind Of(Commit commit, Func<string, StateDefinition?> definitions)
    {
        var isAlone = commit.Receipt is not null || commit.Effects.Count > 0 || commit.EffectsDone.Count > 0;
        var (waits, ends) = (isAlone, false);
        foreach (var row in commit.Rows)
        {
            var definition = definitions(row.Key.Name);
            if (!IsKept(row, definition))
            {
                var counts = row.Change != RowChange.Check || row.TimeToLive is not null || definition is { Place: not Place.Node };
                (waits, isAlone) = (waits | counts, isAlone | (counts && row.Change is not (RowChange.Check or RowChange.Touch)));
                continue;
            }
            if (row.Change is RowChange.Check or RowChange.Touch || definition?.Durability == NodeDurability.None) continue;
            var isDelete = row.Change == RowChange.Delete;
            waits |= isDelete || definition?.Durability != NodeDurability.Checkpoint;
            ends |= isDelete;
            isAlone |= isDelete || (row.Events.Count > 0 && definition?.Durability == NodeDurability.Commit);
        }
        return new(waits, isAlone, ends);
    }

    /// <summary>Whether memory keeps the row: those of states in place Node, and the session's.</summary>
    public static bool IsKept(RowWrite row, StateDefinition? definition) =>
        definition is { Place: Place.Node } ? true : definition is null && row.Key.Name == Sessions.SessionHandle.RowName && row.Change is RowChange.Put or RowChange.Delete;
}
