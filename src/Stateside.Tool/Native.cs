using System.Runtime.InteropServices;

namespace Stateside.Tool;

/// <summary>The calls of the C library that .NET does not offer.</summary>
internal static partial class Native
{
    private const int Sigint = 2;
    private const int Sigkill = 9;
    private const int Sigterm = 15;

    /// <summary>Asks a process to end in order. Does nothing if it has ended.</summary>
    public static void Terminate(int processId) => _ = Kill(processId, Sigterm);

    /// <summary>Asks a process to end, as Ctrl-C does. Does nothing if it has ended.</summary>
    public static void Interrupt(int processId) => _ = Kill(processId, Sigint);

    /// <summary>Ends a process at once. Does nothing if it has ended.</summary>
    public static void KillNow(int processId) => _ = Kill(processId, Sigkill);

    /// <summary>Whether this process may install packages.</summary>
    public static bool IsRoot => GetEffectiveUserId() == 0;

    /// <summary>Whether a process of this id lives, whoever owns it.</summary>
    public static bool IsAlive(int processId) => Directory.Exists($"/proc/{processId}");

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
