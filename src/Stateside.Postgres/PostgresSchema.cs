using Microsoft.Extensions.Logging;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>Creates the tables and brings older ones up to date, one process at a time.</summary>
internal static class PostgresSchema
{
    /// <summary>The version of the tables that this code reads and writes.</summary>
    public const int Version = 1;

    /// <summary>The oldest server, as <c>server_version_num</c> says it.</summary>
    private const int LeastServer = 150_000;

    public static async Task MigrateAsync(NpgsqlConnection connection, PostgresUrl url, ILogger log, CancellationToken cancellationToken)
    {
        // One transaction: a process that is killed on the way leaves nothing behind, and its lock goes with it.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await ScalarAsync<int>(connection, "SELECT current_setting('server_version_num')::int4", cancellationToken) < LeastServer)
            throw new StoreException("The PostgreSQL server is older than version 15. Upgrade it.", Applied.No);
        if (await ScalarAsync<bool>(connection, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool", cancellationToken))
            throw new PostgresException("read-only", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);

        await using (var locking = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection))
        {
            locking.Parameters.Add(new NpgsqlParameter<long> { TypedValue = LockKey.Of(url.Schema, "#schema") });
            await locking.ExecuteNonQueryAsync(cancellationToken);
        }
        var version = 0;
        if (await ScalarAsync<bool>(connection, $"SELECT to_regclass('\"{url.Schema}\".meta') IS NOT NULL", cancellationToken))
            version = await ScalarAsync<int>(connection, $"SELECT version FROM \"{url.Schema}\".meta", cancellationToken);
        if (version > Version)
            throw new StoreException($"The tables in schema \"{url.Schema}\" were written by a newer version of Stateside ({version}; this one knows {Version}). Update the application. Nothing was changed.", Applied.No);
        if (version == Version) return;
        if (version == 0)
        {
            await using var create = new NpgsqlCommand(Create(url.Schema), connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
        log.Migrated(version, Version);
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    // sweep is when clean-up looks at a row: never later than it may go, and not moved on with each prolongation, so that an
    // update changes no indexed column and stays on its page (HOT), for which a fifth of the page is left free.
    private static string Create(string schema) => $"""
        CREATE SCHEMA IF NOT EXISTS "{schema}";
        CREATE TABLE "{schema}".meta (version int4 NOT NULL);
        INSERT INTO "{schema}".meta VALUES ({Version});
        CREATE TABLE "{schema}".rows (
            grp text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, item text COLLATE "C" NOT NULL,
            counter int8 NOT NULL, turn uuid NOT NULL, shape int4 NOT NULL, seq int8 NOT NULL, ends int8, sweep int8, body bytea,
            PRIMARY KEY (grp, name, item)) WITH (fillfactor = 80);
        CREATE INDEX rows_sweep ON "{schema}".rows (sweep) WHERE sweep IS NOT NULL;
        CREATE TABLE "{schema}".journal (
            grp text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, item text COLLATE "C" NOT NULL, seq int8 NOT NULL,
            turn uuid NOT NULL, shape int4 NOT NULL, body bytea NOT NULL, PRIMARY KEY (grp, name, item, seq));
        CREATE TABLE "{schema}".receipts (
            grp text COLLATE "C" NOT NULL, id bytea NOT NULL, status int2 NOT NULL, fingerprint bytea NOT NULL, claim uuid NOT NULL,
            lease int8 NOT NULL, ends int8 NOT NULL, body bytea NOT NULL, PRIMARY KEY (grp, id));
        CREATE INDEX receipts_ends ON "{schema}".receipts (ends);
        CREATE TABLE "{schema}".effects (
            grp text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, due int8 NOT NULL, body bytea NOT NULL,
            PRIMARY KEY (grp, id));
        CREATE INDEX effects_due ON "{schema}".effects (due, grp, id);
        CREATE TABLE "{schema}".epochs (shard int4 PRIMARY KEY, epoch int8 NOT NULL);
        CREATE TABLE "{schema}".watchers (id uuid PRIMARY KEY, ends int8 NOT NULL);
        """;
}
