using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Stateside.Stores;

namespace Stateside.Sqlite.Native;

/// <summary>
/// The functions of SQLite that the store uses, on the library that the operating system keeps and patches. No package
/// carries a copy of it.
/// </summary>
internal static unsafe partial class Sqlite3
{
    /// <summary>3.31.0 of January 2020: the first to know <c>trusted_schema</c>. Nothing younger is used, so that every system .NET runs on has one new enough.</summary>
    public const int MinVersion = 3_031_000;

    public const int OpenReadOnly = 0x1;
    public const int OpenReadWrite = 0x2;
    public const int OpenCreate = 0x4;
    public const int OpenUri = 0x40;
    public const int OpenNoMutex = 0x8000;
    public const int PreparePersistent = 0x1;
    public const int CheckpointPassive = 0;
    private const int ConfigMemoryStatus = 9;

    private const string Library = "stateside-sqlite3";

    private static readonly string[] s_names =
        OperatingSystem.IsWindows() ? ["winsqlite3", "sqlite3", "e_sqlite3"]
        : OperatingSystem.IsMacOS() ? ["libsqlite3.dylib", "libsqlite3.0.dylib", "sqlite3", "e_sqlite3"]
        : ["libsqlite3.so.0", "libsqlite3.so", "sqlite3", "e_sqlite3"];

    private static readonly nint s_library = Load();

    /// <summary>Finds the library and checks that it will do. Called before any other member.</summary>
    /// <exception cref="StoreException">There is none, or it is too old; the message says how to get one.</exception>
    public static void EnsureUsable()
    {
        if (s_library == 0) throw new StoreException($"SQLite's library is not installed on this machine. {HowToGet}", Applied.No);
        if (sqlite3_libversion_number() < MinVersion)
            throw new StoreException($"SQLite {Version} is installed; Stateside needs 3.31.0 or newer. {HowToGet}", Applied.No);
        if (sqlite3_threadsafe() == 0)
            throw new StoreException($"The installed SQLite {Version} was built for programs with one thread only (SQLITE_THREADSAFE=0). {HowToGet}", Applied.No);
        // Else each allocation of each connection takes one lock, only to count bytes that nobody asks for. Refused, and harmless,
        // if something else in the process has used the library before. Only where a variable argument is passed like a fixed one.
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64) _ = sqlite3_config(ConfigMemoryStatus, 0);
    }

    public static string Version => Marshal.PtrToStringUTF8((nint)sqlite3_libversion()) ?? "";

    private static string HowToGet =>
        OperatingSystem.IsWindows() ? "Windows 10 and later carry winsqlite3.dll; else put sqlite3.dll from sqlite.org beside the program."
        : OperatingSystem.IsMacOS() ? "macOS carries it; else: brew install sqlite."
        : "Install it: apt-get install libsqlite3-0 (Debian, Ubuntu), dnf install sqlite-libs (Fedora, RHEL), apk add sqlite-libs (Alpine).";

    private static nint Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(Sqlite3).Assembly, Resolve);
        foreach (var name in s_names)
            if (NativeLibrary.TryLoad(name, typeof(Sqlite3).Assembly, null, out var handle)) return handle;
        return 0;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name == Library ? s_library : 0;

    [LibraryImport(Library)]
    public static partial int sqlite3_libversion_number();

    [LibraryImport(Library)]
    private static partial byte* sqlite3_libversion();

    [LibraryImport(Library)]
    private static partial int sqlite3_threadsafe();

    [LibraryImport(Library)]
    private static partial int sqlite3_config(int option, int value);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open_v2(string file, out nint db, int flags, nint vfs);

    [LibraryImport(Library)]
    public static partial int sqlite3_close_v2(nint db);

    [LibraryImport(Library)]
    public static partial int sqlite3_extended_result_codes(nint db, int on);

    [LibraryImport(Library)]
    public static partial int sqlite3_busy_timeout(nint db, int milliseconds);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_errmsg(nint db);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_errstr(int code);

    [LibraryImport(Library)]
    public static partial int sqlite3_get_autocommit(nint db);

    [LibraryImport(Library)]
    public static partial long sqlite3_last_insert_rowid(nint db);

    [LibraryImport(Library)]
    public static partial int sqlite3_db_readonly(nint db, byte* name);

    [LibraryImport(Library)]
    public static partial int sqlite3_wal_checkpoint_v2(nint db, byte* name, int mode, out int frames, out int done);

    [LibraryImport(Library)]
    public static partial void* sqlite3_wal_hook(nint db, delegate* unmanaged[Cdecl]<void*, nint, byte*, int, int> hook, void* state);

    [LibraryImport(Library)]
    public static partial int sqlite3_prepare_v3(nint db, byte* sql, int bytes, uint flags, out nint statement, byte** tail);

    [LibraryImport(Library)]
    public static partial int sqlite3_finalize(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_step(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_reset(nint statement);

    // The functions below neither block nor call back and take a fraction of a microsecond, so the collector need not be told of the call.
    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_null(nint statement, int index);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_int64(nint statement, int index, long value);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_text(nint statement, int index, byte* text, int bytes, nint destructor);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_blob(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_column_type(nint statement, int column);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial long sqlite3_column_int64(nint statement, int column);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_column_bytes(nint statement, int column);
}

/// <summary>The result codes that the store tells apart. The lowest byte of an extended code is its primary code.</summary>
internal static class ResultCode
{
    public const int Ok = 0;
    public const int Busy = 5;
    public const int ReadOnly = 8;
    public const int IoError = 10;

    /// <summary>An extended code: the index of the log cannot grow, because the disk is full.</summary>
    public const int NoRoomForIndex = IoError | 19 << 8;
    public const int Corrupt = 11;
    public const int Full = 13;
    public const int CannotOpen = 14;
    public const int TooBig = 18;
    public const int Auth = 23;
    public const int NotADatabase = 26;
    public const int Row = 100;
    public const int Done = 101;

    public static int Primary(int code) => code & 0xFF;
}
