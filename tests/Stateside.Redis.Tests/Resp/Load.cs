using System.Diagnostics;

namespace Stateside.Redis.Tests.Resp;

/// <summary>Callers that go on until the test has seen enough. What ends one of them before that, or takes too long, fails the test.</summary>
internal static class Load
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Waits until something holds while the callers go on.</summary>
    public static async Task UntilAsync(this Task[] callers, Func<bool> holds)
    {
        for (var watch = Stopwatch.StartNew(); !holds();)
        {
            if (callers.FirstOrDefault(c => c.IsCompleted) is { } ended) await ended;
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_patience);
            await Task.Delay(5);
        }
    }

    /// <summary>Waits for the callers that have been told to stop.</summary>
    public static Task EndAsync(this Task[] callers) => Task.WhenAll(callers).WaitAsync(s_patience);
}
