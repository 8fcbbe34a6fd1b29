using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>The tables, how they come to be, and whose file it is.</summary>
internal static class SqliteSchema
{
    /// <summary>"Stat" in ASCII: marks the file as one of Stateside's, also for <c>file(1)</c>.</summary>
    public const int ApplicationId = 0x53746174;

    /// <summary>The newest schema that this code knows. It goes up by one with each migration.</summary>
    public const int Version = 1;

    /// <summary>The migrations, from an empty file: the first makes version 1. They are never changed, only added to.</summary>
    /// <remarks>
    /// A body may be larger than what a page of a WITHOUT ROWID table holds, so tables of bodies have a row id, and an
    /// index leads to it. `sweep` is when clean-up next looks at a row. It is not moved when a life is prolonged, so
    /// that sliding expiry rewrites no index; clean-up finds such a row too early and moves it on.
    /// Not STRICT, which would ask for SQLite 3.37 where systems that .NET supports carry 3.34.
    /// </remarks>
    private static readonly string[][] s_migrations =
    [
        [
            """
            CREATE TABLE rows (
              id      INTEGER PRIMARY KEY,
              grp     TEXT NOT NULL,     -- the group
              name    TEXT NOT NULL,     -- the state's name
              item    TEXT NOT NULL,     -- the item inside the group, or ''
              counter INTEGER NOT NULL,  -- the version: a counter ...
              turn    BLOB NOT NULL,     -- ... and the id of the turn that wrote it (16 bytes)
              shape   INTEGER NOT NULL,  -- the version of the state's own shape
              seq     INTEGER NOT NULL,  -- the last event folded into the body
              ends    INTEGER,           -- when it expires, or was deleted (milliseconds since 1970); null: never
              sweep   INTEGER,           -- when clean-up next looks at it; null: never
              body,                      -- the state as JSON; null: deleted
              UNIQUE (grp, name, item))
            """,
            "CREATE INDEX rows_sweep ON rows (sweep) WHERE sweep IS NOT NULL",
            """
            CREATE TABLE journal (
              row_id INTEGER NOT NULL,   -- rows.id
              seq    INTEGER NOT NULL,   -- from 1 without gaps
              turn   BLOB NOT NULL,
              shape  INTEGER NOT NULL,
              body   NOT NULL,           -- the event as JSON
              PRIMARY KEY (row_id, seq)) WITHOUT ROWID
            """,
            """
            CREATE TABLE receipts (
              grp         TEXT NOT NULL,
              id          BLOB NOT NULL,    -- SHA-256 (32 bytes)
              status      INTEGER NOT NULL, -- 1 claimed, 2 recorded, 3 outcome unknown
              fingerprint BLOB NOT NULL,    -- SHA-256 of the request (32 bytes)
              claim       BLOB NOT NULL,    -- 16 bytes
              lease       INTEGER NOT NULL, -- when the claim's lease ends (milliseconds since 1970)
              ends        INTEGER NOT NULL, -- when it expires (milliseconds since 1970)
              body        NOT NULL,
              UNIQUE (grp, id))
            """,
            "CREATE INDEX receipts_ends ON receipts (ends)",
            """
            CREATE TABLE effects (
              grp  TEXT NOT NULL,
              id   TEXT NOT NULL,
              name TEXT NOT NULL,
              due  INTEGER NOT NULL,     -- milliseconds since 1970
              body NOT NULL,
              PRIMARY KEY (grp, id)) WITHOUT ROWID
            """,
            "CREATE INDEX effects_due ON effects (due)",
            "CREATE TABLE epochs (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL)",
        ],
    ];

    /// <summary>Looks at a file before anything opens it for writing, and refuses one that is not ours. It takes no lock and makes no file beside it.</summary>
    /// <exception cref="StoreException">The file is of another application, of a newer version, or no database.</exception>
    public static void Inspect(string path)
    {
        if (!File.Exists(path)) return;
        // Immutable: neither locks nor log. So what another process has just written may be missing; it is looked at again under the lock.
        using var connection = new SqliteConnection(FileUri(path) + "?immutable=1", Sqlite3.OpenReadOnly | Sqlite3.OpenUri);
        try
        {
            Refuse(connection, path);
        }
        catch (SqliteException e) when (e.Code == ResultCode.Corrupt)
        {
            // A checkpoint that was under way when its process died leaves a file that makes no sense without its log. Whether
            // it is really damaged shows as soon as it is opened together with the log.
        }
    }

    /// <summary>Creates or migrates the tables; of several processes that come at once, one does it.</summary>
    public static void Migrate(SqliteConnection connection, string path)
    {
        connection.Execute("BEGIN IMMEDIATE");
        try
        {
            Refuse(connection, path);
            var version = connection.Number("PRAGMA user_version");
            for (; version < Version; version++)
                foreach (var statement in s_migrations[version]) connection.Execute(statement);
            if (connection.Number("PRAGMA user_version") != Version)
            {
                connection.Execute($"PRAGMA application_id = {ApplicationId}");
                connection.Execute($"PRAGMA user_version = {Version}");
            }
            connection.Execute("COMMIT");
        }
        catch
        {
            if (!connection.IsAutoCommit) connection.Execute("ROLLBACK");
            throw;
        }
    }

    private static void Refuse(SqliteConnection connection, string path)
    {
        var (application, version) = (connection.Number("PRAGMA application_id"), connection.Number("PRAGMA user_version"));
        var isForeign = application != ApplicationId && (application != 0 || version != 0 || connection.Number("SELECT count(*) FROM sqlite_master") > 0);
        if (isForeign)
            throw new StoreException($"The SQLite file {path} belongs to another application. It was left untouched: name another path.", Applied.No);
        if (version > Version)
            throw new StoreException($"The SQLite file {path} was written by a newer version of Stateside (schema {version}; this one knows up to {Version}). It was left untouched: update the application, or name another path.", Applied.No);
    }

    private static string FileUri(string path)
    {
        var slashed = OperatingSystem.IsWindows() ? "/" + path.Replace('\\', '/') : path;
        return "file://" + slashed.Replace("%", "%25", StringComparison.Ordinal).Replace("?", "%3f", StringComparison.Ordinal).Replace("#", "%23", StringComparison.Ordinal);
    }
}
