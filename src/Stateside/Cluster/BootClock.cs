using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Stateside.Cluster;

/// <summary>
/// The clock by which leases are judged: one that goes on while the machine is suspended (CLOCK_BOOTTIME), since a node that was
/// asleep must not believe that its lease still holds. Where there is none, the system's monotonic clock.
/// </summary>
internal sealed partial class BootClock : TimeProvider
{
    private const int BootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private BootClock() { }

    /// <summary>That clock for the real time; a time that is not the system's judges leases itself.</summary>
    public static TimeProvider For(TimeProvider time) => time == System && OperatingSystem.IsLinux() && Environment.Is64BitProcess ? new BootClock() : time;

    public override long TimestampFrequency => NanosecondsPerSecond;

    public override long GetTimestamp()
    {
        if (GetTime(BootTime, out var now) != 0) throw new UnreachableException("The kernel has no CLOCK_BOOTTIME.");
        return (now.Seconds * NanosecondsPerSecond) + now.Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int GetTime(int clock, out Timespec time);

    private readonly record struct Timespec(long Seconds, long Nanoseconds);
}
