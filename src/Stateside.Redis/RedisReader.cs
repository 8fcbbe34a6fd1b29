using System.Globalization;
using System.Text;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>What the store reads.</summary>
/// <param name="client">The connections.</param>
/// <param name="layout">Where what lies.</param>
/// <param name="slots">The slot of each shard.</param>
/// <param name="cache">Rows that need not be decoded again.</param>
internal sealed class RedisReader(RedisClient client, RedisLayout layout, int[] slots, RowCache cache)
{
    /// <summary>Most effects that one question brings, so that it never holds a server for long.</summary>
    private const int MostDue = 256;

    /// <summary>Rows that a list looks at in one trip.</summary>
    private const int ListStep = 512;

    private static readonly RespCommand s_time = RespCommand.Of("TIME");

    /// <summary>
    /// Rows and receipt: one MGET and the server's time, in one pipeline. In a cluster, one of each for each shard, all at once.
    /// </summary>
    public async ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken)
    {
        var shards = Shards(request);
        if (client.IsCluster && shards.AsSpan().IndexOfAnyExcept(shards[0]) >= 0) return await LoadFromManyAsync(request, shards, cancellationToken);
        var (values, now) = Values(await client.SendAsync(slots[shards[0]], Ask(request, shards, -1), cancellationToken), shards.Length);
        var rows = new Row[request.Keys.Count];
        for (var i = 0; i < rows.Length; i++) rows[i] = RowValue.Read(request.Keys[i], values[i].Bytes, now, cache);
        return new LoadResult(rows, request.Receipt is { } key ? ReceiptValue.Read(key.Id, values[^1].Bytes, now) : null);
    }

    /// <summary>The keys of all rows of a group that are there, by name and item.</summary>
    public async ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken)
    {
        var shard = group.Shard;
        var index = new RedisArguments(layout.LengthOf(group), 1);
        index.Take(layout.Write(index.Free, shard, 'g', group));
        var members = (await client.SendAsync(slots[shard], RespCommand.Of("ZRANGE", index.All[0], "0"u8.ToArray(), "-1"u8.ToArray()), cancellationToken)).Items;
        var keys = new List<StateKey>(members.Length);
        foreach (var member in members)
        {
            var end = member.Bytes.Span.IndexOf(RedisLayout.Separator);
            if (end < 0) throw new FormatException("Not a member of an index.");
            keys.Add(new StateKey(group, Encoding.UTF8.GetString(member.Bytes.Span[..end]), Encoding.UTF8.GetString(member.Bytes.Span[(end + 1)..])));
        }
        keys.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name) is var byName and not 0 ? byName : string.CompareOrdinal(a.Item, b.Item));

        var found = new List<StateKey>();
        foreach (var step in keys.Chunk(Math.Clamp(limit, 1, ListStep)))
        {
            if (found.Count >= limit) break;
            await foreach (var key in LivingAsync(step, shard, cancellationToken))
                if (found.Count < limit) found.Add(key);
        }
        return found;
    }

    public async ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken)
    {
        if (limit <= 0) return [];
        var shard = key.Group.Shard;
        var keys = new RedisArguments(2 * layout.LengthOf(key), 2);
        keys.Take(layout.Write(keys.Free, shard, 'r', key));
        keys.Take(layout.Write(keys.Free, shard, 'j', key));
        var arguments = new RedisArguments(2 * RedisArguments.LongestNumber, 2);
        arguments.Add(after);
        arguments.Add(limit);
        var answer = await client.EvalAsync(RedisScripts.Journal, slots[shard], keys.All, arguments.All, cancellationToken);
        return Array.ConvertAll(answer.Items, static e => EventValue.Read(e.Bytes));
    }

    /// <summary>The effects of all primaries whose time has come, oldest first.</summary>
    public async ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken)
    {
        if (limit <= 0) return [];
        var arguments = new RedisArguments(layout.BeforeShard.Length + RedisArguments.LongestNumber + (4 * slots.Length), 2 + slots.Length);
        arguments.Add(Math.Min(limit, MostDue));
        arguments.Add(layout.BeforeShard);
        for (var shard = 0; shard < slots.Length; shard++) arguments.Add(shard);
        var all = arguments.All;
        var answers = await client.ForEachPrimaryAsync(slot => client.EvalAsync(RedisScripts.Due, slot, [], all, cancellationToken));
        var found = new List<(long At, DueEffect Effect)>();
        foreach (var answer in answers)
            foreach (var each in answer.Items)
                found.Add(each.Items is [var at, var place, var value] ? (at.Number, EffectValue.Read(place.Bytes.Span, value.Bytes)) : throw new FormatException("Not an effect."));
        return [.. found.OrderBy(f => f.At).ThenBy(f => f.Effect.Group.Value, StringComparer.Ordinal).ThenBy(f => f.Effect.Id, StringComparer.Ordinal).Take(limit).Select(f => f.Effect)];
    }

    /// <summary>
    /// Every key that ends was given to Redis with the time at which it is no longer needed, so nothing is ever left to remove:
    /// as long as the server is there to do it, which is asked.
    /// </summary>
    public async ValueTask<int> CleanUpAsync(CancellationToken cancellationToken)
    {
        await client.ForEachPrimaryAsync(slot => client.SendAsync(slot, s_time, cancellationToken));
        return 0;
    }

    private static int[] Shards(LoadRequest request)
    {
        var shards = new int[request.Keys.Count + (request.Receipt is null ? 0 : 1)];
        for (var i = 0; i < shards.Length; i++)
        {
            var group = i < request.Keys.Count ? request.Keys[i].Group : request.Receipt!.Value.Group;
            // Most keys of a load are of one group, and a shard is a hash.
            shards[i] = i > 0 && group == request.Keys[i - 1].Group ? shards[i - 1] : group.Shard;
        }
        return shards;
    }

    /// <summary>Asks for those keys that are of one shard (-1: of all), and for the server's time.</summary>
    private RespCommand[] Ask(LoadRequest request, int[] shards, int shard)
    {
        var bytes = 0;
        foreach (var key in request.Keys) bytes += layout.LengthOf(key);
        if (request.Receipt is { } wanted) bytes += layout.LengthOf(wanted.Group) + 1 + ReceiptId.Size;
        var keys = new RedisArguments(bytes, shards.Length);
        for (var i = 0; i < shards.Length; i++)
        {
            if (shard >= 0 && shards[i] != shard) continue;
            keys.Take(i < request.Keys.Count ? layout.Write(keys.Free, shards[i], 'r', request.Keys[i]) : layout.Write(keys.Free, shards[i], request.Receipt!.Value));
        }
        return [RespCommand.Of("MGET", keys.All), s_time];
    }

    /// <summary>What it answered: so many values, and the time.</summary>
    /// <exception cref="FormatException">It is another answer.</exception>
    private static (RespValue[] Values, long Now) Values(RespValue[] answers, int count) =>
        answers[0].Items is var values && values.Length == count ? (values, Time(answers[1])) : throw new FormatException("Not the values that were asked for.");

    private async ValueTask<LoadResult> LoadFromManyAsync(LoadRequest request, int[] shards, CancellationToken cancellationToken)
    {
        var parts = shards.Distinct().ToArray();
        var answers = await Task.WhenAll(Array.ConvertAll(parts, part => client.SendAsync(slots[part], Ask(request, shards, part), cancellationToken).AsTask()));
        var read = new (ReadOnlyMemory<byte> Value, long Now)[shards.Length];
        for (var p = 0; p < parts.Length; p++)
        {
            var (values, now) = Values(answers[p], shards.Count(shard => shard == parts[p]));
            var next = 0;
            for (var i = 0; i < shards.Length; i++)
                if (shards[i] == parts[p]) read[i] = (values[next++].Bytes, now);
        }
        var rows = new Row[request.Keys.Count];
        for (var i = 0; i < rows.Length; i++) rows[i] = RowValue.Read(request.Keys[i], read[i].Value, read[i].Now, cache);
        return new LoadResult(rows, request.Receipt is { } key ? ReceiptValue.Read(key.Id, read[^1].Value, read[^1].Now) : null);
    }

    /// <summary>Those of the keys whose rows are there; reads the first bytes of each.</summary>
    private async IAsyncEnumerable<StateKey> LivingAsync(StateKey[] keys, int shard, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var commands = new RespCommand[keys.Length + 1];
        for (var i = 0; i < keys.Length; i++)
        {
            var arguments = new RedisArguments(layout.LengthOf(keys[i]) + 2, 3);
            arguments.Take(layout.Write(arguments.Free, shard, 'r', keys[i]));
            arguments.Add(0);
            arguments.Add(RowValue.PrefixSize - 1);
            commands[i] = RespCommand.Of("GETRANGE", arguments.All);
        }
        commands[^1] = s_time;
        var answers = await client.SendAsync(slots[shard], commands, cancellationToken);
        var now = Time(answers[^1]);
        for (var i = 0; i < keys.Length; i++)
            if (RowValue.Lives(answers[i].Bytes.Span, now)) yield return keys[i];
    }

    private static long Time(RespValue answer) =>
        answer.Items is [var seconds, var microseconds] ? (Number(seconds.Bytes.Span) * 1000) + (Number(microseconds.Bytes.Span) / 1000) : throw new FormatException("Not a time.");

    /// <exception cref="FormatException">It is no number, or too large.</exception>
    public static long Number(ReadOnlySpan<byte> digits) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("Not a number.");
}
