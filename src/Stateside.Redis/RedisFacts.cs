using System.Globalization;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>What one running primary says about itself.</summary>
/// <param name="Info">The fields of <c>INFO</c>.</param>
/// <param name="Config">The settings that <c>CONFIG GET</c> showed; empty where it is denied.</param>
internal sealed record RedisPrimary(IReadOnlyDictionary<string, string> Info, IReadOnlyDictionary<string, string> Config)
{
    public const string Settings = "appendonly appendfsync no-appendfsync-on-rewrite maxmemory maxmemory-policy min-replicas-to-write";

    /// <summary>A setting, or null if the server does not show it.</summary>
    public string? this[string setting] => Config.GetValueOrDefault(setting);

    /// <summary>A field of <c>INFO</c>, or "unknown".</summary>
    public string Field(string name) => Info.GetValueOrDefault(name, "unknown");

    /// <summary>Whether rows may be thrown out while they still have time to live. Unknown counts as no: durability is unknown then anyway.</summary>
    public bool Evicts => this["maxmemory-policy"] is { } policy && policy != "noeviction";

    /// <summary>What an acknowledged commit survives here.</summary>
    public Durability Durability => this switch
    {
        { Evicts: true } => Durability.None,
        _ when this["appendonly"] is null || this["maxmemory-policy"] is null => Durability.Unknown,
        _ when this["appendonly"] != "yes" => Durability.None,
        _ when this["appendfsync"] != "always" || this["no-appendfsync-on-rewrite"] == "yes" => Durability.Process,
        _ => Durability.Disk,
    };

    /// <summary>Reads the text of <c>INFO</c>: a field and its value in each line, with a colon between.</summary>
    public static Dictionary<string, string> ReadInfo(string text)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var colon = line.IndexOf(':');
            if (colon > 0 && line[0] != '#') fields[line[..colon].ToString()] = line[(colon + 1)..].ToString();
        }
        return fields;
    }
}

/// <summary>The grade of a store on one or several primaries: that of the worst of them, and why.</summary>
internal static class RedisFacts
{
    /// <summary>Most bytes in one body: far below what Redis takes, because its single thread copies it.</summary>
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    public static StoreCapabilities Of(IReadOnlyList<RedisPrimary> primaries, bool isCluster, bool isWatchable)
    {
        // The order of the grades is that of what they are worth, and "cannot tell" is worth no more than what is known to be nothing.
        var worst = primaries.MinBy(p => p.Durability)!;
        var facts = new List<StoreFact>
        {
            new("redis_version", Version(worst), "The server's own word; what counts is that it knows every command that the store tried when it opened."),
            new("cluster_enabled", isCluster ? "yes" : "no", isCluster
                ? string.Create(CultureInfo.InvariantCulture, $"A cluster of {primaries.Count} primaries. All that one commit writes is on one of them. A replica that is promoted may lack the last commits.")
                : "One server takes all writes."),
            Append(worst),
            Sync(worst),
            Eviction(worst),
            new("connected_slaves", worst.Field("connected_slaves"), "Replicas get a commit after it was acknowledged, so one that is promoted may lack the last; what then comes back at an older version is a conflict, never overwritten unseen."),
            new("min-replicas-to-write", worst["min-replicas-to-write"] ?? "unknown", "With 1 or more a primary that has lost its replicas stops writing; it is no promise that they have a commit."),
            new("tracking", isWatchable ? "yes" : "no", isWatchable
                ? "Redis tells of changes to rows that were read."
                : "The server speaks no RESP3, or its ACL denies CLIENT TRACKING, so it tells of no changes."),
        };
        return new StoreCapabilities("redis", worst.Durability, StoreReach.Network, isWatchable, MaxBodyBytes, facts);
    }

    private static string Version(RedisPrimary primary) =>
        primary.Info.TryGetValue("valkey_version", out var valkey) ? "valkey " + valkey : primary.Field("redis_version");

    private static StoreFact Append(RedisPrimary primary) => new("appendonly", primary["appendonly"] ?? "unknown", primary["appendonly"] switch
    {
        null => "CONFIG is denied, so it cannot tell what a commit survives; that counts as nothing unless AssumeDurable says otherwise.",
        "yes" => "Every commit is written to the append-only file.",
        _ => "Commits are only in memory, or in a snapshot now and then: what was acknowledged is lost with the process. appendonly yes keeps it.",
    });

    private static StoreFact Sync(RedisPrimary primary) => new("appendfsync", primary["appendfsync"] ?? "unknown", primary["appendfsync"] switch
    {
        _ when primary["appendonly"] != "yes" => "It counts only with appendonly yes.",
        "always" when primary["no-appendfsync-on-rewrite"] == "yes" =>
            "A commit is on disk before it is acknowledged, but not while the file is rewritten: no-appendfsync-on-rewrite no closes that gap.",
        "always" => "A commit is on disk before it is acknowledged.",
        "everysec" => "A commit survives the end of the process, except while the disk lags behind; a loss of power takes up to two seconds. appendfsync always keeps them.",
        _ => "A commit survives the end of the process; a loss of power takes what the system had not written yet. appendfsync always keeps it.",
    });

    private static StoreFact Eviction(RedisPrimary primary) => new("maxmemory-policy", primary["maxmemory-policy"] ?? "unknown", primary["maxmemory-policy"] switch
    {
        null => "Unknown: if it is not noeviction, rows vanish when memory runs out.",
        "noeviction" => "When memory runs out, commits are refused and nothing is lost.",
        _ => "Warning: when memory runs out, Redis throws rows away, so nothing counts as durable. Set maxmemory-policy noeviction.",
    });
}
