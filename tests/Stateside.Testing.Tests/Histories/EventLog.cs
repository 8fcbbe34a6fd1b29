using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

/// <summary>Makes a history of a log of events, each of them one later than the one before.</summary>
internal sealed class EventLog<TInput, TOutput>
    where TInput : notnull
{
    private readonly Dictionary<int, (TInput Input, long Call)> _running = [];
    private readonly List<Operation<TInput, TOutput>> _done = [];
    private long _time;

    public void Invoke(int process, TInput input) => _running.Add(process, (input, ++_time));

    public void Ok(int process, TOutput output)
    {
        _running.Remove(process, out var begun);
        _done.Add(new(process, begun.Input, new(output), begun.Call, ++_time));
    }

    public void Fail(int process) => Assert.True(_running.Remove(process));

    /// <summary>Nobody knows; the process may go on under its old number.</summary>
    public void Info(int process)
    {
        _running.Remove(process, out var begun);
        _done.Add(new(process, begun.Input, begun.Call));
    }

    public History<TInput, TOutput> ToHistory() => new(_done.Concat(_running.Select(r => new Operation<TInput, TOutput>(r.Key, r.Value.Input, r.Value.Call))));
}
