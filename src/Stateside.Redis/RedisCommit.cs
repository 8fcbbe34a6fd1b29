using System.Buffers.Binary;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>Turns a commit into the keys and arguments of <c>commit.lua</c>, whose head says what they are.</summary>
internal static class RedisCommit
{
    private const int Fence = 1, Receipt = 2, Effects = 4;

    /// <summary>The keys: index, rows, fence, receipt, due index, effects.</summary>
    public static ReadOnlyMemory<byte>[] Keys(RedisLayout layout, Commit commit, int shard)
    {
        var flags = Flags(commit);
        var group = layout.LengthOf(commit.Group);
        var bytes = group + (3 * (layout.LongestTag + 1)) + ((flags & Receipt) != 0 ? group + 1 + ReceiptId.Size : 0);
        foreach (var row in commit.Rows) bytes += layout.LengthOf(row.Key);
        var keys = new RedisArguments(bytes, 1 + commit.Rows.Count + 4);

        keys.Take(layout.Write(keys.Free, shard, 'g', commit.Group));
        foreach (var row in commit.Rows) keys.Take(layout.Write(keys.Free, shard, 'r', row.Key));
        if ((flags & Fence) != 0) keys.Take(layout.Write(keys.Free, shard, 'f'));
        if (commit.Receipt is { } receipt) keys.Take(layout.Write(keys.Free, shard, new ReceiptKey(commit.Group, receipt.Id)));
        if ((flags & Effects) != 0)
        {
            keys.Take(layout.Write(keys.Free, shard, 'd'));
            keys.Take(layout.Write(keys.Free, shard, 'e'));
        }
        return keys.All;
    }

    /// <summary>The arguments: letters, extras, and what they announce.</summary>
    public static ReadOnlyMemory<byte>[] Arguments(Commit commit)
    {
        var (bytes, count) = Size(commit);
        var to = new RedisArguments(bytes, count);
        for (var i = 0; i < commit.Rows.Count; i++) to.Free[i] = Letter(commit.Rows[i]);
        to.Take(commit.Rows.Count);
        WriteExtras(ref to, commit);
        foreach (var row in commit.Rows) WriteRow(ref to, row, commit.Turn);
        foreach (var id in commit.EffectsDone) to.Take(EffectValue.WritePlace(to.Free, commit.Group, id));
        foreach (var effect in commit.Effects)
        {
            to.Take(EffectValue.WritePlace(to.Free, commit.Group, effect.Id));
            to.Add(Milliseconds(effect.After));
            EffectValue.Write(to.Free, effect);
            to.Take(EffectValue.SizeOf(effect));
        }
        return to.All;
    }

    /// <summary>What the script answered.</summary>
    /// <exception cref="FormatException">A value that it brings is none of this store's.</exception>
    /// <exception cref="StoreException">It is none of the script's answers.</exception>
    public static CommitResult Read(RespValue answer, Commit commit, RowCache cache)
    {
        if (answer is { Kind: RespKind.Integer, Number: 1 }) return CommitResult.Committed;
        switch (answer.Items)
        {
            case [var what, var epoch] when what.Bytes.Span.SequenceEqual("f"u8):
                return new CommitResult.Fenced(RedisReader.Number(epoch.Bytes.Span));
            case [var what, { Kind: RespKind.Integer, Number: var now }, var there] when what.Bytes.Span.SequenceEqual("r"u8) && commit.Receipt is { } receipt:
                return new CommitResult.AlreadyRecorded(ReceiptValue.Read(receipt.Id, there.Bytes, now));
            case [var what, { Kind: RespKind.Integer, Number: var now }, { Items: var values }] when what.Bytes.Span.SequenceEqual("c"u8) && values.Length == commit.Rows.Count:
                var rows = new Row[values.Length];
                for (var i = 0; i < rows.Length; i++) rows[i] = RowValue.Read(commit.Rows[i].Key, values[i].Bytes, now, cache);
                return new CommitResult.Conflict(rows);
            default:
                throw RedisFailure.OddAnswer();
        }
    }

    /// <exception cref="StoreException">A body is larger than the store declares.</exception>
    public static void RefuseTooLarge(Commit commit)
    {
        foreach (var row in commit.Rows)
        {
            Check("A row", row.Body);
            foreach (var e in row.Events) Check("An event", e);
        }
        if (commit.Receipt is { } receipt) Check("A receipt", receipt.Body);
        foreach (var effect in commit.Effects) Check("An effect", effect.Body);

        static void Check(string what, ReadOnlyMemory<byte> body)
        {
            if (body.Length > RedisFacts.MaxBodyBytes) throw RedisFailure.TooLarge(what, body.Length);
        }
    }

    private static void WriteExtras(ref RedisArguments to, Commit commit)
    {
        var flags = Flags(commit);
        if (flags == 0)
        {
            to.Add(default(ReadOnlyMemory<byte>));
            return;
        }
        to.Free[0] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(to.Free[1..], commit.EffectsDone.Count);
        BinaryPrimitives.WriteInt32BigEndian(to.Free[5..], commit.Effects.Count);
        to.Take(9);
        if (commit.Fence is { } fence) to.Add(fence.Epoch);
        if (commit.Receipt is not { } receipt) return;
        receipt.ExpectedClaim?.Write(to.Free);
        to.Take(receipt.ExpectedClaim is null ? 0 : TurnId.Size);
        to.Add(Milliseconds(receipt.TimeToLive));
        to.Add(Milliseconds(receipt.Lease));
        to.Free[0] = (byte)receipt.Status;
        to.Take(1);
        ReceiptValue.WriteRest(to.Free, receipt);
        to.Take(ReceiptValue.SizeOfRest(receipt));
    }

    private static void WriteRow(ref RedisArguments to, RowWrite row, TurnId turn)
    {
        if (row.Expected != StateVersion.None) row.Expected.Write(to.Free);
        to.Take(row.Expected == StateVersion.None ? 0 : StateVersion.Size);
        if (HasLife(row)) to.Add(Milliseconds(row.TimeToLive!.Value));
        if (row.Change == RowChange.Delete)
        {
            row.After(turn).Write(to.Free);
            to.Take(StateVersion.Size);
        }
        if (row.Change != RowChange.Put) return;
        RowValue.Write(to.Free, row, turn);
        to.Take(RowValue.SizeOf(row));
        if (row.Events.Count == 0) return;
        to.Add(row.Events.Count);
        for (var i = 0; i < row.Events.Count; i++)
        {
            EventValue.Write(to.Free, row, i, turn);
            to.Take(EventValue.HeaderSize + row.Events[i].Length);
        }
    }

    private static (int Bytes, int Count) Size(Commit commit)
    {
        const int each = RedisArguments.LongestNumber + StateVersion.Size;
        var (bytes, count) = (commit.Rows.Count + 9 + each, 3);
        foreach (var row in commit.Rows)
        {
            bytes = checked(bytes + (2 * each) + RowValue.SizeOf(row));
            count += 4 + row.Events.Count;
            foreach (var e in row.Events) bytes = checked(bytes + EventValue.HeaderSize + e.Length);
        }
        if (commit.Receipt is { } receipt)
        {
            bytes = checked(bytes + (3 * each) + ReceiptValue.SizeOfRest(receipt));
            count += 5;
        }
        foreach (var id in commit.EffectsDone) bytes += EffectValue.SizeOfPlace(commit.Group, id);
        foreach (var effect in commit.Effects)
            bytes = checked(bytes + each + EffectValue.SizeOfPlace(commit.Group, effect.Id) + EffectValue.SizeOf(effect));
        return (bytes, count + commit.EffectsDone.Count + (3 * commit.Effects.Count));
    }

    private static int Flags(Commit commit) =>
        (commit.Fence is null ? 0 : Fence) | (commit.Receipt is null ? 0 : Receipt) | (commit.Effects.Count + commit.EffectsDone.Count == 0 ? 0 : Effects);

    /// <summary>A delete's time to live means nothing.</summary>
    private static bool HasLife(RowWrite row) => row.TimeToLive is not null && row.Change != RowChange.Delete;

    private static byte Letter(RowWrite row)
    {
        var letter = row.Change switch
        {
            RowChange.Check => 'C',
            RowChange.Touch => 'T',
            RowChange.Delete => 'D',
            _ => row.Events.Count == 0 ? 'P' : 'E',
        };
        return (byte)(HasLife(row) ? char.ToLowerInvariant(letter) : letter);
    }

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
