using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>The parameters of a commit statement, in the order in which <see cref="Statements.Commit"/> numbers them.</summary>
internal sealed class CommitColumns
{
    private readonly Columns _columns;
    private readonly RowColumns? _rows;
    private readonly EventColumns? _events;
    private readonly ReceiptColumns? _receipts;
    private readonly FenceColumns? _fences;
    private readonly DoneColumns? _done;
    private readonly EffectColumns? _effects;

    public CommitColumns(NpgsqlParameterCollection parameters, CommitParts parts)
    {
        var c = _columns = new Columns(parameters);
        if ((parts & CommitParts.Rows) != 0)
            _rows = new(c.Ints(), c.Texts(), c.Texts(), c.Texts(), c.Shorts(), c.Longs(), c.Turns(), c.Longs(), c.Turns(), c.Ints(), c.Longs(), c.Longs(), c.Longs(), c.Bodies());
        if ((parts & CommitParts.Events) != 0) _events = new(c.Ints(), c.Texts(), c.Texts(), c.Texts(), c.Longs(), c.Turns(), c.Ints(), c.Bodies());
        if ((parts & CommitParts.Receipts) != 0)
            _receipts = new(c.Ints(), c.Texts(), c.Bodies(), c.Shorts(), c.Bodies(), c.Turns(), c.Booleans(), c.Turns(), c.Longs(), c.Longs(), c.Bodies());
        if ((parts & CommitParts.Fences) != 0) _fences = new(c.Ints(), c.Ints(), c.Longs());
        if ((parts & CommitParts.Done) != 0) _done = new(c.Ints(), c.Texts(), c.Texts());
        if ((parts & CommitParts.Effects) != 0) _effects = new(c.Ints(), c.Texts(), c.Texts(), c.Texts(), c.Longs(), c.Bodies());
    }

    /// <summary>What a commit holds.</summary>
    public static CommitParts PartsOf(Commit commit)
    {
        var parts = CommitParts.None;
        if (commit.Rows.Count > 0) parts |= CommitParts.Rows;
        foreach (var row in commit.Rows)
        {
            if (row.Change is RowChange.Check or RowChange.Touch && row.TimeToLive is not null) parts |= CommitParts.Keeps;
            if (row.Change == RowChange.Put && row.Events.Count > 0) parts |= CommitParts.Events;
        }
        if (commit.Receipt is not null) parts |= CommitParts.Receipts;
        if (commit.Fence is not null) parts |= CommitParts.Fences;
        if (commit.EffectsDone.Count > 0) parts |= CommitParts.Done;
        if (commit.Effects.Count > 0) parts |= CommitParts.Effects;
        return parts;
    }

    public void Add(int c, Commit commit)
    {
        var (group, turn) = (commit.Group.Value, Wire.Guid(commit.Turn));
        foreach (var row in commit.Rows)
        {
            _rows!.Add(c, group, commit.Turn, row);
            if (row.Change != RowChange.Put) continue;
            for (var i = 0; i < row.Events.Count; i++) _events!.Add(c, group, turn, row, i);
        }
        if (commit.Receipt is { } receipt) _receipts!.Add(c, group, receipt);
        if (commit.Fence is { } fence) _fences!.Add(c, fence);
        foreach (var id in commit.EffectsDone) if (!Sets(commit.Effects, id, 0)) _done!.Add(c, group, id);
        for (var i = 0; i < commit.Effects.Count; i++)
            if (!Sets(commit.Effects, commit.Effects[i].Id, i + 1)) _effects!.Add(c, group, commit.Effects[i]);
    }

    public void Clear() => _columns.Clear();

    /// <summary>One statement changes a row once, so of effects with one id only the last is sent, and none is taken off that is set.</summary>
    private static bool Sets(IReadOnlyList<EffectWrite> effects, string id, int from)
    {
        for (var i = from; i < effects.Count; i++)
            if (effects[i].Id == id) return true;
        return false;
    }

    private sealed record RowColumns(
        List<int> C, List<string> Group, List<string> Name, List<string> Item, List<short> Change, List<long> Counter, List<Guid> Turn, List<long> Counts, List<Guid> Writes,
        List<int> Shape, List<long> Base, List<long> Sequence, List<long> Life, List<ReadOnlyMemory<byte>> Body)
    {
        public void Add(int c, string group, TurnId turn, RowWrite row)
        {
            C.Add(c);
            Group.Add(group);
            Name.Add(row.Key.Name);
            Item.Add(row.Key.Item);
            Change.Add((short)row.Change);
            Counter.Add(row.Expected.Counter);
            Turn.Add(Wire.Guid(row.Expected.Turn));
            Counts.Add(row.After(turn).Counter);
            Writes.Add(Wire.Guid(row.After(turn).Turn));
            Shape.Add(row.Schema);
            Base.Add(row.Sequence);
            Sequence.Add(row.Sequence + row.Events.Count);
            Life.Add(row.TimeToLive is { } life ? Wire.Milliseconds(life) : -1);
            Body.Add(row.Change == RowChange.Put ? row.Body : default);
        }
    }

    private sealed record EventColumns(
        List<int> C, List<string> Group, List<string> Name, List<string> Item, List<long> Sequence, List<Guid> Turn, List<int> Shape, List<ReadOnlyMemory<byte>> Body)
    {
        public void Add(int c, string group, Guid turn, RowWrite row, int index)
        {
            C.Add(c);
            Group.Add(group);
            Name.Add(row.Key.Name);
            Item.Add(row.Key.Item);
            Sequence.Add(row.Sequence + index + 1);
            Turn.Add(turn);
            Shape.Add(row.Schema);
            Body.Add(row.Events[index]);
        }
    }

    private sealed record ReceiptColumns(
        List<int> C, List<string> Group, List<ReadOnlyMemory<byte>> Id, List<short> Status, List<ReadOnlyMemory<byte>> Fingerprint, List<Guid> Claim,
        List<bool> Expects, List<Guid> Expected, List<long> Lease, List<long> Life, List<ReadOnlyMemory<byte>> Body)
    {
        public void Add(int c, string group, ReceiptWrite receipt)
        {
            C.Add(c);
            Group.Add(group);
            Id.Add(Wire.Bytes(receipt.Id));
            Status.Add((short)receipt.Status);
            Fingerprint.Add(Wire.Bytes(receipt.Fingerprint));
            Claim.Add(Wire.Guid(receipt.Claim));
            Expects.Add(receipt.ExpectedClaim is not null);
            Expected.Add(Wire.Guid(receipt.ExpectedClaim ?? default));
            Lease.Add(Wire.Milliseconds(receipt.Lease));
            Life.Add(Wire.Milliseconds(receipt.TimeToLive));
            Body.Add(receipt.Body);
        }
    }

    private sealed record FenceColumns(List<int> C, List<int> Shard, List<long> Epoch)
    {
        public void Add(int c, Fence fence)
        {
            C.Add(c);
            Shard.Add(fence.Shard);
            Epoch.Add(fence.Epoch);
        }
    }

    private sealed record DoneColumns(List<int> C, List<string> Group, List<string> Id)
    {
        public void Add(int c, string group, string id)
        {
            C.Add(c);
            Group.Add(group);
            Id.Add(id);
        }
    }

    private sealed record EffectColumns(List<int> C, List<string> Group, List<string> Id, List<string> Name, List<long> After, List<ReadOnlyMemory<byte>> Body)
    {
        public void Add(int c, string group, EffectWrite effect)
        {
            C.Add(c);
            Group.Add(group);
            Id.Add(effect.Id);
            Name.Add(effect.Name);
            After.Add(Wire.Milliseconds(effect.After));
            Body.Add(effect.Body);
        }
    }
}
