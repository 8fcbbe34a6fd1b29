using System.Runtime.InteropServices;

namespace Stateside.Tool;

/// <summary>The two calls of the C library that .NET does not offer.</summary>
internal static partial class Native
{
    private const int Sigterm = 15;

    /// <summary>Asks a process to end in order. Does nothing if it has ended.</summary>
    public static void Terminate(int processId) => _ = Kill(processId, Sigterm);

    /// <summary>Whether this process may install packages.</summary>
    public static bool IsRoot => GetEffectiveUserId() == 0;

    /// <summary>Whether a process of this id lives, whoever owns it.</summary>
    public static bool IsAlive(int processId) => Directory.Exists($"/proc/{processId}");

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
