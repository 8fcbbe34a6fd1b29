namespace Stateside.Watching;

/// <summary>Wakes the one who waits, or who waits next; also by itself once a while has passed. Whoever is woken looks what there is to do, which may be nothing.</summary>
internal sealed class Signal(TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiting;
    private ITimer? _timer;
    private bool _isSet;

    public void Set()
    {
        TaskCompletionSource? woken;
        lock (_gate)
        {
            (woken, _waiting) = (_waiting, null);
            if (woken is null) _isSet = true;
        }
        woken?.TrySetResult();
    }

    /// <summary>Waits to be woken.</summary>
    /// <param name="most">For at most so long; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    public Task WaitAsync(TimeSpan most)
    {
        Task woken;
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return Task.CompletedTask;
            }
            woken = (_waiting = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        if (_timer is not null) _timer.Change(most, Timeout.InfiniteTimeSpan);
        else if (most != Timeout.InfiniteTimeSpan) _timer = time.CreateTimer(static signal => ((Signal)signal!).Set(), this, most, Timeout.InfiniteTimeSpan);
        return woken;
    }

    public void Dispose() => _timer?.Dispose();
}
