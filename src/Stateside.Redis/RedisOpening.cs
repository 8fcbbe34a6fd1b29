using System.Globalization;
using System.Text;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>What happens once, before the first load: see what the servers are, try them, mark the layout.</summary>
internal sealed class RedisOpening(RedisClient client, RedisLayout layout, int[] slots)
{
    /// <summary>The oldest version with all that the scripts use.</summary>
    private const int OldestVersion = 7;

    /// <exception cref="StoreException">The server cannot be used; the message says why and what to do.</exception>
    public async Task<StoreCapabilities> RunAsync(CancellationToken cancellationToken)
    {
        var primaries = await client.ForEachPrimaryAsync(slot => LookAsync(slot, cancellationToken));
        foreach (var primary in primaries) Check(primary);
        try
        {
            await TryAsync(cancellationToken);
        }
        catch (RedisException e) when (e.Message.StartsWith("ERR", StringComparison.Ordinal) && !RedisFailure.IsNotPermitted(e.Message))
        {
            // A server that answers everything else but not this has another idea of Lua or of a command.
            throw new StoreException("The server lacks a command or a rule of Redis 7 that the store's scripts need (EVALSHA with keys of one hash tag, SET with PXAT, ZRANGE, UNLINK). Use Redis 7 or later, or a server compatible with it.", Applied.No, e);
        }
        return RedisFacts.Of(primaries, client.IsCluster, client.Tells);
    }

    private static void Check(RedisPrimary primary)
    {
        if (primary.Info.GetValueOrDefault("role") is "slave" or "replica") throw new StoreException(RedisFailure.Line("READONLY"), Applied.No);
        // A compatible server has a version of its own and names the Redis version that it answers for; one that names none is tried.
        if (primary.Info.TryGetValue("redis_version", out var version)
            && int.TryParse(version.AsSpan(0, Math.Max(0, version.IndexOf('.'))), NumberStyles.None, CultureInfo.InvariantCulture, out var major) && major < OldestVersion)
            throw new StoreException($"The Redis server has version {version}, and the store needs {OldestVersion}.0 or later. Update the server.", Applied.No);
    }

    private async ValueTask<RedisPrimary> LookAsync(int slot, CancellationToken cancellationToken)
    {
        var info = await AskAsync(slot, RespCommand.Of("INFO"), cancellationToken);
        var config = new Dictionary<string, string>(StringComparer.Ordinal);
        var settings = RedisPrimary.Settings.Split(' ').Select(s => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(s));
        var answer = (await AskAsync(slot, RespCommand.Of("CONFIG", ["GET"u8.ToArray(), .. settings]), cancellationToken))?.Items ?? [];
        for (var i = 0; i + 1 < answer.Length; i += 2) config[answer[i].Text] = answer[i + 1].Text;
        return new RedisPrimary(RedisPrimary.ReadInfo(info?.Text ?? ""), config);
    }

    /// <summary>What the server says of itself; null where it will not.</summary>
    private async Task<RespValue?> AskAsync(int slot, RespCommand question, CancellationToken cancellationToken)
    {
        try
        {
            return await client.SendAsync(slot, question, cancellationToken);
        }
        catch (RedisException e) when (e.Message.StartsWith("NOPERM", StringComparison.Ordinal) || e.Message.StartsWith("ERR", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>Runs all that the scripts use, and compares the layout.</summary>
    private async Task TryAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> number = Encoding.ASCII.GetBytes(RedisLayout.Number.ToString(CultureInfo.InvariantCulture));
        var there = (await client.EvalAsync(RedisScripts.Open, slots[0], [layout.Marker, layout.Probe], [number], cancellationToken)).Text;
        if (!int.TryParse(there, NumberStyles.None, CultureInfo.InvariantCulture, out var found)) throw RedisFailure.Foreign();
        if (found > RedisLayout.Number)
            throw new StoreException($"The Redis server holds layout {found} under this prefix, written by a newer version of Stateside; this one knows {RedisLayout.Number}. Nothing was touched: update the application.", Applied.No);
    }
}
