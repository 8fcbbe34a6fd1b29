using System.Globalization;
using Stateside.Check;

namespace Stateside.Tool.Check;

/// <summary>Shows how far a check is: one line that is written over for a person, a line whenever an experiment begins for a log.</summary>
internal sealed class CheckProgressView(TimeProvider time)
{
    private static readonly TimeSpan s_redrawEvery = TimeSpan.FromMilliseconds(200);
    private readonly long _begun = time.GetTimestamp();
    private readonly HashSet<string> _said = [];
    private CheckProgress? _last;

    public void Tell(CheckProgress progress) => Volatile.Write(ref _last, progress);

    /// <summary>Shows it until the work is done, and answers what came of it. Work whose report nobody could read is stopped in order first.</summary>
    public async Task<T> ShowAsync<T>(Task<T> work, TextWriter output, bool isTerminal, CancellationTokenSource stopping)
    {
        try
        {
            await ShowUntilDoneAsync(work, output, isTerminal);
        }
        catch (UsageException)
        {
            await stopping.CancelAsync();
            await Task.WhenAny(work);
            throw;
        }
        return await work;
    }

    private async Task ShowUntilDoneAsync(Task work, TextWriter output, bool isTerminal)
    {
        while (await Task.WhenAny(work, Task.Delay(s_redrawEvery, time)) != work)
        {
            if (Volatile.Read(ref _last) is not { } progress) continue;
            if (isTerminal) output.Write($"\r{Line(progress)}\u001b[K");
            else if (_said.Add(progress.Scenario + progress.Experiment)) output.WriteLine(Line(progress));
        }
        if (isTerminal) output.Write("\r\u001b[K");
    }

    private string Line(CheckProgress progress)
    {
        var elapsed = time.GetElapsedTime(_begun);
        // Experiments differ in length, so what is left is a rough guess, and said so.
        var left = progress.Done > 0 ? $", about {elapsed.TotalSeconds / progress.Done * (progress.Total - progress.Done):0} s left" : "";
        var step = progress.Step is { } number ? $", step {number}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{progress.Scenario}: {progress.Experiment}{step} ({progress.Done} of {progress.Total} done, {elapsed.TotalSeconds:0} s{left})");
    }
}
