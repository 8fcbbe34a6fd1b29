using System.Globalization;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>What the running server says about itself, and what follows for what an acknowledged commit survives.</summary>
internal static class PostgresFacts
{
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    private const string Query = """
        SELECT current_setting('server_version'), current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
            current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
            (SELECT count(*) FROM pg_stat_replication), pg_is_in_recovery()
        """;

    public static async Task<StoreCapabilities> ReadAsync(NpgsqlConnection connection, bool notify, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Query, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (version, commit, fsync, pages, names) = (reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4));
        var (standbys, replicas, recovers) = (reader.GetInt64(5), reader.GetInt64(6), reader.GetBoolean(7));

        var isOnDisk = commit != "off" && fsync == "on" && pages == "on";
        var isReplicated = isOnDisk && commit is "on" or "remote_apply" && names.Length > 0 && standbys > 0;
        var durability = isReplicated ? Durability.Replicated : isOnDisk ? Durability.Disk : Durability.Process;
        return new StoreCapabilities(PostgresUrl.Scheme, durability, StoreReach.Network, Watchable: notify, MaxBodyBytes,
        [
            new("synchronous_commit", commit, CommitMeaning(commit)),
            new("fsync", fsync, fsync == "on" ? "What is written reaches the disk." : "A loss of power can destroy the whole database. Switch it on."),
            new("full_page_writes", pages, pages == "on" ? "A page that was half written when the power went is repaired." : "A page that was half written when the power went stays damaged, unless the file system prevents that."),
            new("synchronous_standby_names", names.Length == 0 ? "none" : names, StandbyMeaning(names, standbys)),
            new("replicas", replicas.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{standbys} of them are known to be synchronous; a role without pg_monitor does not see which are.")),
            new("pg_is_in_recovery", recovers ? "true" : "false", recovers ? "It is a standby and takes no writes." : "It is the primary."),
            new("server_version", version, "The store needs 15 or later."),
        ]);
    }

    private static string CommitMeaning(string value) => value switch
    {
        "off" => "A commit is acknowledged before it is on disk: the death of the server or a loss of power takes the last moments.",
        "local" => "A commit is on the server's disk before it is acknowledged; no standby is waited for.",
        "remote_write" => "A commit is on the server's disk, and a synchronous standby has it in memory, before it is acknowledged.",
        _ => "A commit is on disk, also on that of a synchronous standby if there is one, before it is acknowledged.",
    };

    private static string StandbyMeaning(string names, long connected) => (names.Length, connected) switch
    {
        (0, _) => "The loss of the server's disk loses what is on it.",
        (_, 0) => "No synchronous standby is seen to be connected; commits may wait until one is.",
        _ => "The loss of the server loses nothing that was acknowledged, if a synchronous standby is promoted.",
    };
}
