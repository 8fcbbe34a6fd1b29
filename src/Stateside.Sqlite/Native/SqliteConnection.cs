using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Stateside.Sqlite.Native;

/// <summary>
/// One connection. It may be handed from thread to thread, but only one at a time may use it: it is opened without
/// SQLite's own mutex.
/// </summary>
internal sealed unsafe class SqliteConnection : IDisposable
{
    private readonly Handle _handle;
    private readonly int* _walPages = (int*)NativeMemory.AllocZeroed(sizeof(int));

    /// <summary>Opens a file, and lets its pragmas wait for other connections until <see cref="RefuseToWait"/>.</summary>
    /// <exception cref="SqliteException">It cannot be opened.</exception>
    public SqliteConnection(string file, int flags)
    {
        var code = Sqlite3.sqlite3_open_v2(file, out var db, flags | Sqlite3.OpenNoMutex, 0);
        _handle = new Handle(db);
        try
        {
            Check(code);
            Check(Sqlite3.sqlite3_extended_result_codes(db, 1));
            Check(Sqlite3.sqlite3_busy_timeout(db, 5000));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The raw handle; valid while this object is referenced and not disposed.</summary>
    public nint Db => _handle.DangerousGetHandle();

    /// <summary>False inside a transaction.</summary>
    public bool IsAutoCommit => Sqlite3.sqlite3_get_autocommit(Db) != 0;

    /// <summary>True where the file or its file system cannot be written.</summary>
    public bool IsReadOnly => Sqlite3.sqlite3_db_readonly(Db, null) != 0;

    /// <summary>The row id that the last insert made.</summary>
    public long LastInsertedId => Sqlite3.sqlite3_last_insert_rowid(Db);

    /// <summary>Pages in the write-ahead log after the last commit of this connection, those of other processes included.</summary>
    public int WalPages => *_walPages;

    /// <summary>
    /// From now on a lock that is taken is answered at once. SQLite's own waiting starves one of two busy processes for
    /// seconds, because it sleeps ever longer while the other comes back at once.
    /// </summary>
    public void RefuseToWait() => Check(Sqlite3.sqlite3_busy_timeout(Db, 0));

    /// <summary>Counts the pages of the log at each commit. That takes the place of the automatic checkpoint: the two share one hook.</summary>
    public void CountWalPages() => Sqlite3.sqlite3_wal_hook(Db, &OnCommit, _walPages);

    /// <summary>Prepares a statement that is kept.</summary>
    public SqliteStatement Prepare(string sql)
    {
        var bytes = Encoding.UTF8.GetBytes(sql);
        fixed (byte* text = bytes)
        {
            Check(Sqlite3.sqlite3_prepare_v3(Db, text, bytes.Length, Sqlite3.PreparePersistent, out var statement, null));
            return new SqliteStatement(this, statement);
        }
    }

    /// <summary>Runs one statement without parameters and answers its first column of its first row as a number; 0 if there is none.</summary>
    public long Number(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Int64(0) : 0;
    }

    /// <summary>The same as text.</summary>
    public string Text(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Text(0) : "";
    }

    /// <summary>Runs one statement that answers nothing of interest.</summary>
    public void Execute(string sql)
    {
        using var statement = Prepare(sql);
        while (statement.Step()) { }
    }

    /// <summary>Copies the log into the database as far as no reader needs it; true if all of it was copied.</summary>
    public bool Checkpoint() =>
        Sqlite3.sqlite3_wal_checkpoint_v2(Db, null, Sqlite3.CheckpointPassive, out var frames, out var done) == ResultCode.Ok && frames == done;

    /// <exception cref="SqliteException"><paramref name="code"/> is an error.</exception>
    public void Check(int code)
    {
        if (code is not (ResultCode.Ok or ResultCode.Row or ResultCode.Done)) throw SqliteException.Of(Db, code);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        _handle.Dispose();
        NativeMemory.Free(_walPages);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnCommit(void* state, nint db, byte* name, int pages)
    {
        *(int*)state = pages;
        return ResultCode.Ok;
    }

    /// <summary>Closes the connection even if nobody disposed it; SQLite itself waits for statements that are still open.</summary>
    private sealed class Handle : SafeHandle
    {
        public Handle(nint db) : base(0, ownsHandle: true) => SetHandle(db);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => Sqlite3.sqlite3_close_v2(handle) == ResultCode.Ok;
    }
}
