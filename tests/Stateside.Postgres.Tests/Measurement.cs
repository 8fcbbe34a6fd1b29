using System.Diagnostics;
using System.Globalization;
using Stateside.Stores;

namespace Stateside.Postgres.Tests;

/// <summary>Loads and commits a second with a few callers on keys of their own, for figures in the documentation.</summary>
internal static class Measurement
{
    private static readonly TimeSpan s_length = TimeSpan.FromSeconds(3);

    public static async Task<int> RunAsync(string url)
    {
        await using var store = new PostgresStoreProvider().Create(url, TimeProvider.System);
        await store.OpenAsync(default);
        var body = new byte[1024];
        foreach (var callers in (int[])[1, 32, 128])
        {
            var keys = Enumerable.Range(0, callers).Select(i => new StateKey(Group.Keyed(string.Create(CultureInfo.InvariantCulture, $"m{callers}-{i}")), "cart")).ToArray();
            var versions = new StateVersion[callers];
            for (var i = 0; i < callers; i++) versions[i] = (await store.LoadAsync(new LoadRequest([keys[i]]), default)).Rows[0].Version;
            await MeasureAsync("commits", callers, async i =>
            {
                var turn = TurnId.New();
                var put = new RowWrite(keys[i], RowChange.Put, versions[i]) { Body = body, TimeToLive = TimeSpan.FromMinutes(20) };
                if (await store.CommitAsync(new Commit(keys[i].Group, turn) { Rows = [put] }, default) != CommitResult.Committed) throw new InvalidOperationException("Nobody else writes these.");
                versions[i] = versions[i].Next(turn);
            });
            await MeasureAsync("loads", callers, async i => await store.LoadAsync(new LoadRequest([keys[i]]), default));
        }
        return 0;
    }

    private static async Task MeasureAsync(string what, int callers, Func<int, Task> trip)
    {
        async Task<long> RunAsync(int i, long until)
        {
            await Task.Yield();
            var count = 0L;
            for (; Stopwatch.GetTimestamp() < until; count++) await trip(i);
            return count;
        }

        var warm = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(i => RunAsync(i, warm)));
        var (allocated, cpu, began) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        var until = began + (long)(s_length.TotalSeconds * Stopwatch.Frequency);
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(i => RunAsync(i, until)));
        var (total, seconds) = (counts.Sum(), Stopwatch.GetElapsedTime(began).TotalSeconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{callers,4} callers {total / seconds,10:N0} {what}/s {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / total,8:N1} us of this process {(GC.GetTotalAllocatedBytes() - allocated) / total,8:N0} bytes each"));
    }
}
