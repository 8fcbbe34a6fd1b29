namespace Stateside.Turns;

/// <summary>Waiting without leaving the scheduler that one runs on.</summary>
internal static class Waits
{
    /// <summary>
    /// The same task, to be combined with others. What <see cref="Task.WhenAll(Task[])"/> or <c>WaitAsync</c> makes of a completion source that
    /// runs continuations asynchronously, or of a cancelled delay, goes on on a thread of the pool, whatever scheduler its caller
    /// has; what it makes of the task of an asynchronous method does not.
    /// </summary>
    public static async Task Here(this Task task) => await task;
}
