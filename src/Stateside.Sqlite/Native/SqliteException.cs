using System.Runtime.InteropServices;

namespace Stateside.Sqlite.Native;

/// <summary>SQLite refused a call. Never leaves the store: <see cref="SqliteFailure"/> makes the operator's line of it.</summary>
internal sealed class SqliteException(int code, string message) : Exception(message)
{
    /// <summary>The primary code.</summary>
    public int Code => ResultCode.Primary(ExtendedCode);

    /// <summary>The extended code.</summary>
    public int ExtendedCode { get; } = code;

    /// <summary>Nothing went wrong, but that another connection is at work: try again in a moment.</summary>
    public bool IsBusy => Code == ResultCode.Busy;

    public static unsafe SqliteException Of(nint db, int code)
    {
        var text = db == 0 ? Sqlite3.sqlite3_errstr(code) : Sqlite3.sqlite3_errmsg(db);
        return new SqliteException(code, $"{Marshal.PtrToStringUTF8((nint)text)} ({code})");
    }
}
