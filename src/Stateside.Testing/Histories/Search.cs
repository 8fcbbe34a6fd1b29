namespace Stateside.Testing.Histories;

/// <summary>One search for an order of the operations of one part, depth first, with its own stack: a history is longer than a thread's stack is deep.</summary>
internal sealed class Search<TState, TInput, TOutput>
    where TInput : notnull
{
    private readonly string _part;
    private readonly HistoryModel<TState, TInput, TOutput> _model;
    private readonly IEqualityComparer<TState> _states;
    private readonly SearchBudget _budget;
    private readonly Timeline<TState, TInput, TOutput> _timeline;
    private readonly Visited<TState> _visited;
    private readonly List<Level> _levels = [];

    // Those that returned and are not placed, in the order of their calls, as a list with a head, so that placing one and taking it back cost nothing.
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly bool[] _placed;
    private readonly int[] _groupUsed;
    private readonly ulong[] _slots;
    private int _low;
    private int _placedCount;

    private (int Low, int Placed) _furthest = (-1, -1);
    private bool _isFurthest;
    private List<Operation<TInput, TOutput>> _prefix = [];
    private TState _prefixState;

    public Search(string part, History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, SearchBudget budget)
    {
        (_part, _model, _states, _budget) = (part, model, model.States, budget);
        _timeline = new(history, model);
        _visited = new(_states);
        _placed = new bool[Count];
        _groupUsed = new int[_timeline.Groups.Length];
        _slots = new ulong[(_timeline.SlotCount + 63) / 64];
        (_next, _previous) = (new int[Count + 1], new int[Count + 1]);
        var at = Count;
        foreach (var i in _timeline.ByCall.Append(Count))
        {
            (_next[at], _previous[i]) = (i, at);
            at = i;
        }
        _prefixState = model.Initial;
    }

    /// <summary>How many returned. This number also stands for the head of the list of those that are not placed.</summary>
    private int Count => _timeline.Returned.Length;

    public LinearizabilityResult<TInput, TOutput> Run()
    {
        Enter(_model.Initial, [], default);
        while (_low < Count)
        {
            if (!_budget.Allows(_visited.Count)) return Finish(LinearizabilityVerdict.Unknown);
            if (Descend()) continue;
            if (_levels.Count == 1) return Finish(LinearizabilityVerdict.NotLinearizable);
            Leave();
        }
        return new(LinearizabilityVerdict.Linearizable, null, [], [], "");
    }

    /// <summary>Places the next operation that has not been tried here; false if none is left.</summary>
    private bool Descend()
    {
        var level = _levels[^1];
        if (level.Candidate == Level.NotBegun)
        {
            level.Candidate = _next[Count];
            // One that fits and changes nothing can come first in any order that there is, so no other need be tried.
            if (PlaceReadOnly(level) is { } entered) return entered;
        }
        for (var until = _timeline.Returned[_low].Return; level.Candidate < Count && _timeline.Returned[level.Candidate].Call <= until;)
        {
            var candidate = level.Candidate;
            level.Candidate = _next[candidate];
            if (!_timeline.ReadOnly[candidate] && Step(level.State, _timeline.Returned[candidate]) is (true, var next) && !IsNeedless(level, _timeline.Returned[candidate], next) && Place(level, candidate, next))
                return true;
        }
        while (level.Group < _groupUsed.Length)
            if (PlaceOpen(level, level.Group++)) return true;
        return false;
    }

    private bool? PlaceReadOnly(Level level)
    {
        var until = _timeline.Returned[_low].Return;
        for (var i = _next[Count]; i < Count && _timeline.Returned[i].Call <= until; i = _next[i])
        {
            if (!_timeline.ReadOnly[i] || Step(level.State, _timeline.Returned[i]) is not (true, var next)) continue;
            if (!_states.Equals(next, level.State))
                throw new InvalidOperationException($"The model says that an operation is read-only, which makes {_model.Describe(next)} of {_model.Describe(level.State)}: {Report.Line(_model, _timeline.Returned[i])}");
            (level.Candidate, level.Group) = (Count, _groupUsed.Length);
            return Place(level, i, level.State);
        }
        return null;
    }

    /// <summary>Places one that returned; false, and nothing is changed, if that leads to where the search has been.</summary>
    private bool Place(Level level, int number, TState next)
    {
        (level.Placed, level.Low) = (number, _low);
        (_next[_previous[number]], _previous[_next[number]]) = (_next[number], _previous[number]);
        _placed[number] = true;
        _placedCount++;
        Flip(number);
        for (; _low < Count && _placed[_low]; _low++) Flip(_low);
        if (Enter(next, level.Used, default)) return true;
        Undo(level);
        return false;
    }

    /// <summary>Places the first of a group of equal ones of unknown outcome.</summary>
    private bool PlaceOpen(Level level, int group)
    {
        var number = _timeline.Groups[group].From + _groupUsed[group];
        if (number == _timeline.Groups[group].To || _timeline.Open[number].Call > _timeline.Returned[_low].Return) return false;
        // One that changes nothing here is not needed here, and whether it ever happened nobody asks.
        if (Step(level.State, _timeline.Open[number]) is not (true, var next) || _states.Equals(next, level.State) || IsNeedless(level, _timeline.Open[number], next)) return false;
        (level.Placed, level.Low) = (-1 - group, _low);
        _groupUsed[group]++;
        int[] used = [.. level.Used, number];
        Array.Sort(used);
        if (Enter(next, used, new(level.State))) return true;
        Undo(level);
        return false;
    }

    /// <summary>True if the open operation placed just before made no difference to this one, so that the same is reached without it.</summary>
    private bool IsNeedless(Level level, Operation<TInput, TOutput> operation, TState next) =>
        level.BeforeOpen is { IsKnown: true } before && Step(before.Value!, operation) is (true, var same) && _states.Equals(same, next);

    private (bool Ok, TState Next) Step(TState state, Operation<TInput, TOutput> operation) => _model.Step(state, operation.Input, operation.Output);

    private void Flip(int number) => _slots[_timeline.Slots[number] >> 6] ^= 1UL << (_timeline.Slots[number] & 63);

    private bool Enter(TState state, int[] used, Observed<TState> beforeOpen)
    {
        if (!_visited.Add(new(_low, _slots, state), used)) return false;
        _levels.Add(new(state, used, beforeOpen));
        if ((_low, _placedCount).CompareTo(_furthest) > 0) (_furthest, _isFurthest) = ((_low, _placedCount), true);
        return true;
    }

    private void Leave()
    {
        KeepFurthest();
        _levels.RemoveAt(_levels.Count - 1);
        Undo(_levels[^1]);
    }

    private void Undo(Level level)
    {
        if (level.Placed < 0)
        {
            _groupUsed[-1 - level.Placed]--;
            return;
        }
        var number = level.Placed;
        while (_low > level.Low) Flip(--_low);
        Flip(number);
        _placed[number] = false;
        _placedCount--;
        (_next[_previous[number]], _previous[_next[number]]) = (number, number);
    }

    /// <summary>The longest explanation is copied when it is about to be undone, not each time that it grows.</summary>
    private void KeepFurthest()
    {
        if (!_isFurthest) return;
        _isFurthest = false;
        var used = new int[_groupUsed.Length];
        _prefix = [.. _levels.Take(_levels.Count - 1).Select(l => l.Placed >= 0 ? _timeline.Returned[l.Placed] : _timeline.Open[_timeline.Groups[-1 - l.Placed].From + used[-1 - l.Placed]++])];
        _prefixState = _levels[^1].State;
    }

    private LinearizabilityResult<TInput, TOutput> Finish(LinearizabilityVerdict verdict)
    {
        KeepFurthest();
        var low = Math.Max(0, _furthest.Low);
        var until = _timeline.Returned[low].Return;
        var placed = _prefix.ToHashSet(ReferenceEqualityComparer.Instance);
        var unplaced = _timeline.ByCall.Select(i => _timeline.Returned[i]).Where(o => o.Call <= until && !placed.Contains(o)).OrderBy(o => o == _timeline.Returned[low] ? 0 : 1).ToList();
        var states = _visited.Configurations.Where(c => c.Low == low).Select(c => c.State).Distinct(_states).Take(Report.States + 1).ToList();
        return new(verdict, _part, _prefix, unplaced, Report.Write(_model, verdict, _part, _prefix, _prefixState, unplaced, states));
    }

    /// <summary>A configuration on the way that the search is on, and what it tried there.</summary>
    private sealed class Level(TState state, int[] used, Observed<TState> beforeOpen)
    {
        public const int NotBegun = -1;

        public TState State { get; } = state;

        /// <summary>The open operations placed so far, ascending.</summary>
        public int[] Used { get; } = used;

        /// <summary>The state before the open operation that led here, if one did.</summary>
        public Observed<TState> BeforeOpen { get; } = beforeOpen;

        /// <summary>The next to try of those that returned.</summary>
        public int Candidate { get; set; } = NotBegun;

        /// <summary>The next group of open ones to try.</summary>
        public int Group { get; set; }

        /// <summary>What was placed to go on from here: the number of one that returned, or -1 - the group of an open one.</summary>
        public int Placed { get; set; }

        /// <summary>The first that was not placed, here.</summary>
        public int Low { get; set; }
    }
}
