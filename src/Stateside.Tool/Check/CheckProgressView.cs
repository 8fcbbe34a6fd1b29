using System.Globalization;
using Stateside.Check;

namespace Stateside.Tool.Check;

/// <summary>Shows how far a check is: one line that is written over for a person, a line whenever an experiment begins for a log.</summary>
internal sealed class CheckProgressView(TimeProvider time)
{
    /// <summary>The estimate is shown once one in so many is done.</summary>
    private const int FewestShare = 4;

    private static readonly TimeSpan s_redrawEvery = TimeSpan.FromMilliseconds(200);
    private readonly long _begun = time.GetTimestamp();
    private readonly HashSet<string> _said = [];
    private CheckProgress? _last;
    private int _done;
    private long _doneAt;
    private TimeSpan _left;

    public void Tell(CheckProgress progress) => Volatile.Write(ref _last, progress);

    /// <summary>Shows it until the work is done, and answers what came of it. Work whose report nobody could read is stopped in order first.</summary>
    public async Task<T> ShowAsync<T>(Task<T> work, Surroundings surroundings, bool isTerminal, CancellationTokenSource stopping)
    {
        // Standard output is the report's, which a file or another program may be reading.
        var output = isTerminal ? surroundings.Out : surroundings.Error;
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

    /// <summary>How far it is, in a line.</summary>
    public string Line(CheckProgress progress)
    {
        var elapsed = time.GetElapsedTime(_begun);
        if (progress.Done != _done)
        {
            (_done, _doneAt) = (progress.Done, time.GetTimestamp());
            _left = elapsed / progress.Done * (progress.Total - progress.Done);
        }
        // Experiments differ in length, so what is left is a rough guess, made whenever one ends; it is not shown before a few have, nor when it has run out.
        var remaining = _left - time.GetElapsedTime(_doneAt);
        var left = progress.Done * FewestShare >= progress.Total && remaining > TimeSpan.Zero ? $", about {Math.Ceiling(remaining.TotalSeconds):0} s left" : "";
        var step = progress.Step is { } number ? $", step {number}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{progress.Scenario}: {progress.Experiment}{step} ({progress.Done} of {progress.Total} done, {elapsed.TotalSeconds:0} s{left})");
    }
}
