using Spectre.Console;
using Spectre.Console.Rendering;

namespace Stateside.Tool;

/// <summary>How far a piece of work is; counted by its workers, shown by <see cref="ShowAsync"/> with rate and time left.</summary>
/// <param name="what">What is done, for example "playing".</param>
/// <param name="unit">What is counted, in the plural: "lines".</param>
/// <param name="total">How many there are.</param>
internal sealed class Progress(string what, string unit, long total)
{
    private static readonly TimeSpan s_redrawEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_lineEvery = TimeSpan.FromSeconds(5);

    private long _done;

    public void Add(long count) => Interlocked.Add(ref _done, count);

    /// <summary>Does the work, and shows how far it is: a moving bar for a person, a line every five seconds for a log.</summary>
    /// <param name="work">The work.</param>
    /// <param name="output">Where to show it.</param>
    /// <param name="isTerminal">Whether a bar can move there.</param>
    /// <param name="time">The clock.</param>
    public async Task ShowAsync(Func<Task> work, TextWriter output, bool isTerminal, TimeProvider time)
    {
        var running = work();
        if (isTerminal) await ShowBarAsync(running, output, time);
        else await ShowLinesAsync(running, output, time);
        await running;
    }

    private async Task ShowBarAsync(Task running, TextWriter output, TimeProvider time)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        await console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RateColumn(unit), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(what, maxValue: total);
                while (!running.IsCompleted)
                {
                    task.Value = Volatile.Read(ref _done);
                    await Task.WhenAny(running, Task.Delay(s_redrawEvery, time));
                }
            });
    }

    private async Task ShowLinesAsync(Task running, TextWriter output, TimeProvider time)
    {
        var begun = time.GetTimestamp();
        while (await Task.WhenAny(running, Task.Delay(s_lineEvery, time)) != running)
        {
            var done = Volatile.Read(ref _done);
            var rate = done / time.GetElapsedTime(begun).TotalSeconds;
            var left = rate > 0 ? TimeSpan.FromSeconds((total - done) / rate).ToString(@"h\:mm\:ss") : "unknown";
            await output.WriteLineAsync($"{what}: {done:N0} of {total:N0} {unit}, {rate:N0}/s, {left} left");
        }
    }

    private sealed class RateColumn(string unit) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text($"{task.Speed ?? 0:N0} {unit}/s");
    }
}
