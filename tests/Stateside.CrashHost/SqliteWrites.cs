using System.Runtime.InteropServices;

namespace Stateside.CrashHost;

/// <summary>
/// Counts the writes that SQLite makes for a commit, and dies at a chosen one. SQLite offers its system calls for
/// replacement (<c>xSetSystemCall</c> of its VFS), which is how its own crash tests work too.
/// </summary>
internal static unsafe partial class SqliteWrites
{
    // struct sqlite3_vfs, version 3: three ints, then pointers; these two come after the next, the name and the other methods.
    private const int SetSystemCall = 144;
    private const int GetSystemCall = 152;

    private static delegate* unmanaged<int, void*, nint, nint> s_write;
    private static delegate* unmanaged<int, void*, nint, long, nint> s_pwrite;
    private static CrashPlan? s_plan;
    private static int s_left;
    private static bool s_torn;

    /// <summary>Puts itself between SQLite and the kernel, before a database is opened.</summary>
    public static void Watch()
    {
        if (Initialize() != 0) throw new InvalidOperationException("SQLite does not initialise.");
        var vfs = (byte*)FindVfs(null);
        if (vfs == null || *(int*)vfs < 3) throw new InvalidOperationException("SQLite's VFS has no system calls to replace.");
        s_write = (delegate* unmanaged<int, void*, nint, nint>)Replace(vfs, "write", (nint)(delegate* unmanaged<int, void*, nint, nint>)&OnWrite);
        var positioned = (nint)(delegate* unmanaged<int, void*, nint, long, nint>)&OnPwrite;
        var (pwrite, pwrite64) = (Replace(vfs, "pwrite", positioned), Replace(vfs, "pwrite64", positioned));
        s_pwrite = (delegate* unmanaged<int, void*, nint, long, nint>)(pwrite64 != 0 ? pwrite64 : pwrite);
    }

    /// <summary>Counts from here, if the plan says so, until it is disposed.</summary>
    public static Counting Count(CrashPlan plan)
    {
        var torn = plan.Take(CrashPoint.TornWrite);
        if (!torn && !plan.Take(CrashPoint.AfterWrite)) return default;
        (s_torn, s_left) = (torn, plan.Amount);
        Volatile.Write(ref s_plan, plan);
        return new Counting();
    }

    private static nint Replace(byte* vfs, string name, nint call)
    {
        var set = *(delegate* unmanaged<void*, byte*, nint, int>*)(vfs + SetSystemCall);
        var get = *(delegate* unmanaged<void*, byte*, nint>*)(vfs + GetSystemCall);
        var text = Marshal.StringToCoTaskMemUTF8(name);
        var original = get(vfs, (byte*)text);
        // One that this build of SQLite leaves out is null, and stays out.
        if (original != 0 && set(vfs, (byte*)text, call) != 0) throw new InvalidOperationException($"SQLite does not let {name} be replaced.");
        Marshal.FreeCoTaskMem(text);
        return original;
    }

    [UnmanagedCallersOnly]
    private static nint OnWrite(int file, void* bytes, nint length)
    {
        var last = IsLast();
        var written = s_write(file, bytes, last && s_torn ? length / 2 : length);
        if (last) CrashPlan.Die();
        return written;
    }

    [UnmanagedCallersOnly]
    private static nint OnPwrite(int file, void* bytes, nint length, long offset)
    {
        var last = IsLast();
        var written = s_pwrite(file, bytes, last && s_torn ? length / 2 : length, offset);
        if (last) CrashPlan.Die();
        return written;
    }

    private static bool IsLast() => Volatile.Read(ref s_plan) is not null && Interlocked.Decrement(ref s_left) == 0;

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_initialize")]
    private static partial int Initialize();

    [LibraryImport("libsqlite3.so.0", EntryPoint = "sqlite3_vfs_find")]
    private static partial void* FindVfs(byte* name);

    /// <summary>Ends the counting.</summary>
    public readonly struct Counting : IDisposable
    {
        public void Dispose() => Volatile.Write(ref s_plan, null);
    }
}
