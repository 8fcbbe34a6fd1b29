using Stateside.States;

namespace Stateside.Watching;

/// <summary>One who watches a key: where it stands, and a signal. What it has not read yet is not kept for it.</summary>
internal abstract class Watcher : IDisposable
{
    private readonly WatchHub _hub;
    private readonly Signal _signal;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenRegistration _registration;
    private bool _isDisposed;

    protected Watcher(WatchHub hub, WatchedKey watched, CancellationToken cancellationToken)
    {
        (_hub, Watched, _cancellation, _signal) = (hub, watched, cancellationToken, new Signal(hub.Time));
        _registration = cancellationToken.UnsafeRegister(static signal => ((Signal)signal!).Set(), _signal);
    }

    /// <summary>The first look at the key that it may see.</summary>
    public long Ticket { get; set; }

    /// <summary>Whether it needs the row, and not its events alone.</summary>
    public abstract bool WantsRow { get; }

    protected WatchedKey Watched { get; }

    protected CancellationToken Cancellation => _cancellation;

    public void Wake() => _signal.Set();

    /// <summary>Waits for the first look.</summary>
    /// <exception cref="StatesideException">The store does not answer, or the watch has ended already.</exception>
    public async ValueTask ReadyAsync()
    {
        while (!Watched.IsReady(this)) await WaitAsync(Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _registration.Dispose();
        Watched.Remove(this);
        _signal.Dispose();
        _hub.Left();
    }

    protected async ValueTask WaitAsync(TimeSpan most)
    {
        _cancellation.ThrowIfCancellationRequested();
        await _signal.WaitAsync(most);
        _cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>What is left of one's patience; null if nothing is.</summary>
    protected TimeSpan? Left(TimeSpan patience, long since)
    {
        if (patience == Timeout.InfiniteTimeSpan) return patience;
        var left = patience - _hub.Time.GetElapsedTime(since);
        return left > TimeSpan.Zero ? left : null;
    }

    protected long Now => _hub.Time.GetTimestamp();
}

/// <summary>Watches the value of a state: the newest, whenever it is another than the last one that was seen.</summary>
/// <param name="hub">Who tells of changes.</param>
/// <param name="watched">What is watched.</param>
/// <param name="from">The version that was seen last; null: none.</param>
/// <param name="cancellationToken">Ends the waiting.</param>
internal sealed class StateWatcher<T>(WatchHub hub, WatchedKey watched, StateVersion? from, CancellationToken cancellationToken) : Watcher(hub, watched, cancellationToken)
    where T : class
{
    private (StateVersion Version, bool Exists)? _seen = from is { } version ? (version, true) : null;

    public override bool WantsRow => true;

    /// <summary>The next value.</summary>
    /// <returns>Null if none came for so long.</returns>
    /// <exception cref="StatesideException">SS1026: the watch has ended. SS3003 to SS3005: the row cannot be read.</exception>
    public async ValueTask<Snapshot<T>?> NextAsync(TimeSpan patience)
    {
        for (var since = Now; ;)
        {
            if (Watched.Newest(this) is { } row && _seen != (row.Version, row.Exists))
            {
                _seen = (row.Version, row.Exists);
                return new Snapshot<T>((StateDefinition<T>)Watched.Definition, row);
            }
            if (Left(patience, since) is not { } left) return null;
            await WaitAsync(left);
        }
    }
}

/// <summary>Watches the events of a folded state: every one of them, in order.</summary>
/// <param name="hub">Who tells of changes.</param>
/// <param name="watched">What is watched.</param>
/// <param name="from">The number of the event that was seen last; 0: none.</param>
/// <param name="cancellationToken">Ends the waiting.</param>
internal sealed class EventWatcher<T, TEvent>(WatchHub hub, WatchedKey watched, long from, CancellationToken cancellationToken) : Watcher(hub, watched, cancellationToken)
    where T : class, IFold<T, TEvent>
    where TEvent : notnull
{
    private readonly Queue<Stores.JournalEvent> _ahead = new();
    private long _seen = from;
    private int _generation;

    public override bool WantsRow => false;

    /// <summary>Waits for the first look, and finds out whether what comes after the last event that was seen is kept.</summary>
    /// <exception cref="StatesideException">SS1025: it is not. SS3001: the store does not answer.</exception>
    public async ValueTask OpenAsync()
    {
        await ReadyAsync();
        var mark = Watched.Mark;
        if (_seen > mark.End) throw Errors.Gap(_seen);
        _generation = mark.Generation;
        await FillAsync();
    }

    /// <summary>The next event.</summary>
    /// <returns>Null if none came for so long.</returns>
    /// <exception cref="StatesideException">SS1025: the journal has ended. SS1026: the watch has. SS3003, SS3005: the event cannot be read.</exception>
    public async ValueTask<StateEvent<TEvent>?> NextAsync(TimeSpan patience)
    {
        for (var since = Now; ;)
        {
            if (_ahead.TryDequeue(out var e))
            {
                _seen = e.Sequence;
                return new StateEvent<TEvent>(e.Sequence, (TEvent)((StateDefinition<T>)Watched.Definition).DecodeEvent(e));
            }
            await FillAsync();
            if (_ahead.Count > 0) continue;
            if (Left(patience, since) is not { } left) return null;
            await WaitAsync(left);
        }
    }

    private async ValueTask FillAsync()
    {
        foreach (var e in await Watched.EventsAsync(_seen, _generation, Cancellation)) _ahead.Enqueue(e);
    }
}
