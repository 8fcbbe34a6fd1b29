using Stateside.Sqlite.Native;
using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>Makes of what SQLite answers one line for the operator: what happened, and the fix.</summary>
internal static class SqliteFailure
{
    public static StoreException Of(SqliteException e, string path, Applied applied = Applied.No) => new(Line(e, path), applied, e);

    public static StoreException Closed() => new("The SQLite store has been closed.", Applied.No);

    public static StoreException Overloaded(int most) =>
        new($"More commits are waiting for the SQLite file than it can take: {most}, or too many bytes. This one was not begun; send fewer at once.", Applied.No);

    private static string Line(SqliteException e, string path) => e.Code switch
    {
        ResultCode.Busy => $"Another process has held the SQLite file {path} locked for {Backoff.LongestWait.TotalSeconds:0} seconds. See which one has it open (fuser {path}) and end its transaction.",
        _ when e.Code == ResultCode.Full || e.ExtendedCode == ResultCode.NoRoomForIndex => $"The disk that holds the SQLite file {path} is full. Nothing that was acknowledged is lost: free some space, and writing goes on by itself.",
        ResultCode.ReadOnly => $"The SQLite file {path} cannot be written. Give the process write access to the file and its directory, and see that its file system is not mounted read-only.",
        ResultCode.CannotOpen or ResultCode.Auth => $"The SQLite file {path} cannot be opened. See that its directory exists, that it is not a directory itself, and that the process may read and write both.",
        ResultCode.NotADatabase => $"The file {path} is not an SQLite database (or is an encrypted one). It was left untouched: name another path.",
        ResultCode.Corrupt => $"The SQLite file {path} is damaged. Stop all processes that use it and restore a backup, or save what is left with: sqlite3 {path} .recover",
        ResultCode.IoError => $"The disk that holds the SQLite file {path} failed ({e.ExtendedCode}). See the system's log for its errors.",
        ResultCode.TooBig => "A row is larger than SQLite takes. Nothing was written: keep less in one state.",
        _ => $"SQLite could not use the file {path}: {e.Message}.",
    };
}
