using System.Runtime.InteropServices;

namespace Stateside.Tool.Bench;

/// <summary>What was measured on: without it a figure says nothing.</summary>
internal sealed record Machine(string Processor, int Processors, double MemoryGigabytes, string System, string Kernel, string Runtime, string LoadGenerator)
{
    public static Machine This(string loadGenerator) => new(
        Field("/proc/cpuinfo", "model name"),
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        Field("/etc/os-release", "PRETTY_NAME").Trim('"'),
        Environment.OSVersion.Version.ToString(),
        RuntimeInformation.FrameworkDescription,
        loadGenerator);

    public void Write(TextWriter output) => output.WriteLine($"{Processor}, {Processors} processors, {MemoryGigabytes:N1} GB, {System}, kernel {Kernel}, {Runtime}");

    /// <summary>The part of all processors that is busy, 0 to 1, seen for half a second. Called while nothing of ours runs, it is the noise.</summary>
    public static async Task<double> BusyAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var (busyBefore, allBefore) = Ticks();
        await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellationToken);
        var (busyAfter, allAfter) = Ticks();
        return allAfter == allBefore ? 0 : (double)(busyAfter - busyBefore) / (allAfter - allBefore);
    }

    private static (long Busy, long All) Ticks()
    {
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice already.
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(long.Parse).ToArray();
        var all = ticks.Sum();
        return (all - ticks[3] - ticks[4], all);
    }

    private static string Field(string file, string name) =>
        File.Exists(file) && File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOfAny([':', '=']) + 1)..].Trim()
            : "unknown";
}
