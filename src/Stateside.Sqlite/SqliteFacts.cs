using System.Globalization;
using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>What the running database says about itself, and what follows for what an acknowledged commit survives.</summary>
internal static class SqliteFacts
{
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    private static readonly string[] s_memory = ["tmpfs", "ramfs"];

    public static StoreCapabilities Of(SqliteConnection connection, string path, string fileSystem)
    {
        var mode = connection.Text("PRAGMA journal_mode");
        var isFull = connection.Number("PRAGMA synchronous") >= 2;
        var pageSize = connection.Number("PRAGMA page_size");
        var bytes = pageSize * connection.Number("PRAGMA page_count");
        var inMemory = s_memory.Contains(fileSystem, StringComparer.Ordinal);
        return new StoreCapabilities(SqliteUrl.Scheme, isFull && !inMemory ? Durability.Disk : Durability.Process, StoreReach.Machine, Watchable: false, MaxBodyBytes,
        [
            new("journal_mode", mode, "A process may be killed at any moment; the next one to open the file finds every acknowledged commit and nothing to repair."),
            new("synchronous", isFull ? "FULL" : "NORMAL", isFull
                ? "A commit is on disk before it is acknowledged."
                : "A commit survives the end of the process, but a loss of power takes the last moments. synchronous=FULL keeps them."),
            new("file_system", fileSystem.Length == 0 ? "unknown" : fileSystem, FileSystemMeaning(fileSystem, inMemory)),
            new("path", path, "Every process of this machine that opens this path sees the same state."),
            new("sqlite_version", Sqlite3.Version, "The library of the operating system, which patches it."),
            new("page_size", pageSize.ToString(CultureInfo.InvariantCulture), "Bytes; the least that a commit writes to the log for a row."),
            new("file_size", bytes.ToString(CultureInfo.InvariantCulture), "Bytes in the database, without its log."),
        ]);
    }

    private static string FileSystemMeaning(string type, bool inMemory) => type switch
    {
        _ when inMemory => "It lies in memory, so a loss of power takes everything. Name a path on a disk.",
        "overlay" => "It lies in the layer of a container and goes with the container. Mount a volume to keep it.",
        _ => "It lies on a disk of this machine.",
    };
}
