using System.Diagnostics.CodeAnalysis;
using Stateside.States;
using Stateside.Stores;

namespace Stateside.Watching;

/// <summary>
/// One key that is watched: what is committed there, read once for all who watch it. It looks again when it is told of a change and, where
/// nobody may tell, after a while; watchers are woken when there is something new. Each watcher keeps no more than where it stands.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "RunAsync disposes of the signal when it ends, and it ends with the last watcher.")]
internal sealed class WatchedKey(StateKey key, StateDefinition definition, WatchHub hub)
{
    /// <summary>Events that are read from the journal at once: what a watcher holds at most that no other has.</summary>
    private const int JournalPage = 32;

    private readonly Lock _gate = new();
    private readonly HashSet<Watcher> _watchers = [];
    private readonly Signal _due = new(hub.Time);
    private readonly EventTail? _tail = definition.IsFolded ? new() : null;
    private Row? _newest;
    private StatesideException? _failure;
    private StatesideException? _end;
    private long _begun;
    private long _done;
    private long _failed;
    private long? _suspectSince;
    private int _valueWatchers;
    private bool _isRunning;
    private volatile bool _isOver;

    public StateKey Key => key;

    public StateDefinition Definition => definition;

    public int Shard { get; } = key.Group.Shard;

    public bool IsOnNode => definition.Place == Place.Node;

    /// <summary>Whether a commit of it has an unknown outcome and may arrive yet.</summary>
    public bool IsSuspect => _suspectSince is { } since && hub.Time.GetElapsedTime(since) < WatchHub.SuspectFor;

    /// <summary>Takes a watcher in. It sees what is read from now on, and nothing that was read before.</summary>
    /// <returns>False if the last one has just left: ask for the key anew.</returns>
    public bool TryAdd(Watcher watcher)
    {
        bool starts;
        lock (_gate)
        {
            if (_isOver) return false;
            _watchers.Add(watcher);
            if (watcher.WantsRow) _valueWatchers++;
            watcher.Ticket = _begun + 1;
            (starts, _isRunning) = (!_isRunning, true);
        }
        if (starts) Start();
        else _due.Set();
        return true;
    }

    public void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            if (_watchers.Remove(watcher) && watcher.WantsRow) _valueWatchers--;
            if (_watchers.Count > 0) return;
            _isOver = true;
        }
        hub.Forget(this);
        _due.Set();
    }

    /// <summary>It may have changed.</summary>
    public void Wake() => _due.Set();

    /// <summary>A commit of it has an unknown outcome: it is looked at again and again until it can no longer arrive.</summary>
    public void Suspect()
    {
        lock (_gate) _suspectSince = hub.Time.GetTimestamp();
        _due.Set();
    }

    /// <summary>The store has accepted this.</summary>
    public void Committed(RowWrite write, TurnId turn)
    {
        lock (_gate)
        {
            if (write.Change == RowChange.Put && _tail is not null && _tail.TryAppend(write, turn))
            {
                WakeAll();
                if (_valueWatchers == 0) return;
            }
            else if (write.Change == RowChange.Delete && _tail is { Mark.End: > 0 }) _tail.Restart(0, write.After(turn));
        }
        _due.Set();
    }

    /// <summary>Ends all watches of it.</summary>
    public void End(StatesideException why)
    {
        lock (_gate)
        {
            (_end, _isOver) = (why, true);
            WakeAll();
        }
        hub.Forget(this);
        _due.Set();
    }

    /// <summary>Whether what the watcher may see has been read.</summary>
    /// <exception cref="StatesideException">The watch has ended, or what was to be read first could not be.</exception>
    public bool IsReady(Watcher watcher)
    {
        lock (_gate)
        {
            ThrowIfEnded();
            if (_done >= watcher.Ticket) return true;
            return _failed >= watcher.Ticket ? throw _failure! : false;
        }
    }

    /// <summary>The newest committed row; null if the watcher has to wait.</summary>
    public Row? Newest(Watcher watcher)
    {
        lock (_gate)
        {
            ThrowIfEnded();
            return _done >= watcher.Ticket ? _newest : null;
        }
    }

    /// <summary>Where the events of a folded state stand.</summary>
    public TailMark Mark
    {
        get
        {
            lock (_gate) return _tail!.Mark;
        }
    }

    /// <summary>The events after a number: from memory, and from the journal for one who is far behind.</summary>
    /// <exception cref="StatesideException">SS1025: the next one is not kept. SS1026: the watch has ended. SS3001: the store does not answer.</exception>
    public async ValueTask<IReadOnlyList<JournalEvent>> EventsAsync(long after, int generation, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ThrowIfEnded();
            if (_tail!.Mark.Generation != generation) throw Errors.Gap(after);
            if (_tail.After(after, JournalPage) is { } atHand) return atHand;
        }
        var page = await hub.ReadJournalAsync(key, after, JournalPage, cancellationToken);
        lock (_gate)
            return _tail.Mark.Generation == generation && page is [{ Sequence: var first }, ..] && first == after + 1 ? page : throw Errors.Gap(after);
    }

    private void Start()
    {
        // It outlives the request that came first, and takes none of its ambient values along.
        if (ExecutionContext.IsFlowSuppressed())
        {
            _ = RunAsync();
            return;
        }
        using (ExecutionContext.SuppressFlow()) _ = RunAsync();
    }

    private async Task RunAsync()
    {
        while (!_isOver) await _due.WaitAsync(await LookAsync());
        _due.Dispose();
    }

    /// <summary>Reads what is committed, once.</summary>
    /// <returns>When to look again, if nobody tells of a change before.</returns>
    private async ValueTask<TimeSpan> LookAsync()
    {
        long mine;
        TailMark mark;
        lock (_gate) (mine, mark) = (++_begun, _tail?.Mark ?? default);
        try
        {
            var row = await hub.ReadAsync(this);
            if (_tail is not null && !await FollowAsync(_tail, row, mark)) return WatchHub.AskEvery;
            lock (_gate)
            {
                (_newest, _done, _failure) = (row, mine, null);
                WakeAll();
            }
            return hub.PauseAfter(this, row);
        }
        catch (StatesideException e)
        {
            lock (_gate)
            {
                (_failed, _failure) = (mine, e);
                WakeAll();
            }
            return WatchHub.AskEvery;
        }
        catch (Exception e)
        {
            // A store that breaks its contract must not leave its watchers waiting for ever.
            End(Errors.WatchEnded(e));
            return Timeout.InfiniteTimeSpan;
        }
    }

    /// <summary>Takes in the events that lead to the row.</summary>
    /// <returns>False if the journal has moved on in a way that asks for another look.</returns>
    private async ValueTask<bool> FollowAsync(EventTail tail, Row row, TailMark mark)
    {
        if (mark.End >= 0 && row.Exists && row.Version == mark.Version) return true;
        if (mark.End < 0 || !row.Exists || row.Sequence <= mark.End)
        {
            // Every change of a folded state adds to its journal: another version that has added nothing belongs to another journal.
            lock (_gate)
            {
                if (tail.Mark.Generation != mark.Generation || tail.Mark.End != mark.End) return false;
                if (mark.End <= 0) tail.Begin(row);
                else tail.Restart(row.Sequence, row.Version);
            }
            return true;
        }
        // One more than is needed shows whether it still is the same journal: the last one that is known must stand there.
        var after = Math.Max(0, mark.End - 1);
        while (true)
        {
            var page = await hub.ReadJournalAsync(key, after, JournalPage, CancellationToken.None);
            lock (_gate)
            {
                if (tail.Mark.Generation != mark.Generation) return false;
                if (after < mark.End && !(page is [var first, ..] && first.Sequence == mark.End && (mark.LastTurn is null || first.Turn == mark.LastTurn)))
                {
                    tail.Restart(row.Sequence, row.Version);
                    return true;
                }
                tail.Append(page, row);
                WakeAll();
                if (tail.Mark.End >= row.Sequence) return true;
                if (page.Count == 0) return false;
            }
            after = page[^1].Sequence;
        }
    }

    private void WakeAll()
    {
        foreach (var watcher in _watchers) watcher.Wake();
    }

    private void ThrowIfEnded()
    {
        if (_end is not null) throw _end;
    }
}
