namespace Stateside.Testing.Histories;

/// <summary>
/// One search for an order of the operations of one part. It goes on where most is placed, and an open operation costs as much as going back over all that runs at once:
/// a dead end is far more often a wrong order of what returned than the trace of something that nobody saw return.
/// </summary>
internal sealed class Search<TState, TInput, TOutput>
    where TInput : notnull
{
    private readonly string _part;
    private readonly HistoryModel<TState, TInput, TOutput> _model;
    private readonly IEqualityComparer<TState> _states;
    private readonly SearchBudget _budget;
    private readonly Timeline<TState, TInput, TOutput> _timeline;
    private readonly Visited<TState> _visited;

    // What is least comes first: the cost, and of equal ones the newest, which goes into the depth.
    private readonly PriorityQueue<(Configuration<TState> From, bool WithOpen), long> _queue = new();
    private readonly bool _precise;
    private readonly int _openCost;
    private int _age;
    private Configuration<TState> _furthest;

    public Search(string part, History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, SearchBudget budget, bool precise)
    {
        (_part, _model, _budget, _precise) = (part, model.For(history), budget, precise);
        _states = _model.States;
        _timeline = new(history, _model);
        _visited = new(_states);
        _openCost = 2 * _timeline.SlotCount;
        _furthest = new(null, 0, default, _model.Initial);
    }

    /// <summary>True if an operation that returns later than the first that cannot be explained may have ended the search; one that is precise never does that, and is slower.</summary>
    public bool IsVague { get; private set; }

    public LinearizabilityResult<TInput, TOutput> Run()
    {
        Enter(_furthest);
        while (_furthest.Low < _timeline.Returned.Length)
        {
            if (!_budget.Allows(_visited.Count)) return Finish(LinearizabilityVerdict.Unknown);
            if (!_queue.TryDequeue(out var next, out _)) return Finish(LinearizabilityVerdict.NotLinearizable);
            if (next.WithOpen) PlaceOpen(next.From);
            else PlaceReturned(next.From);
        }
        return new(LinearizabilityVerdict.Linearizable, null, [], [], "");
    }

    /// <summary>Goes on with each that returned and that may come next.</summary>
    private void PlaceReturned(Configuration<TState> from)
    {
        var candidates = _timeline.RunningAt(from.Low);
        foreach (var i in candidates)
        {
            if (!_timeline.ReadOnly[i] || IsPlaced(from, i) || Do(from.State, _timeline.Returned[i]) is not (true, var next)) continue;
            if (!_states.Equals(next, from.State))
                throw new InvalidOperationException($"The model says that an operation is read-only, which makes {_model.Describe(next)} of {_model.Describe(from.State)}: {Report.Line(_model, _timeline.Returned[i])}");
            // One that fits and changes nothing can come first in any order that there is, so no other need be tried.
            Place(from, i, from.State);
            return;
        }
        // The one that was called first is the last to be queued and so the first to be gone on with.
        for (var k = candidates.Length - 1; k >= 0; k--)
        {
            var i = candidates[k];
            if (_timeline.ReadOnly[i] || IsPlaced(from, i) || Do(from.State, _timeline.Returned[i]) is not (true, var next)) continue;
            if (!IsNeedless(from, _timeline.Returned[i], next)) Place(from, i, next);
        }
        if (_timeline.Open.Length > from.Used.Length) Queue(from, withOpen: true);
    }

    private void Place(Configuration<TState> from, int number, TState state)
    {
        var (low, slots) = (from.Low, from.Slots.Flip(_timeline.Slots[number]));
        for (; low < _timeline.Returned.Length && slots.Has(_timeline.Slots[low]); low++) slots = slots.Flip(_timeline.Slots[low]);
        Enter(new(from, low, slots, state) { Step = number, Placed = from.Placed + 1, Used = from.Used });
    }

    /// <summary>Goes on with each of unknown outcome that can have happened next, and of equal ones with the first.</summary>
    private void PlaceOpen(Configuration<TState> from)
    {
        var until = _timeline.Returned[from.Low].Return;
        var at = 0;
        foreach (var (first, end) in _timeline.Groups)
        {
            var number = first;
            while (at < from.Used.Length && from.Used[at] < end) (number, at) = (from.Used[at] + 1, at + 1);
            if (number == end || _timeline.Open[number].Call > until) continue;
            // One that changes nothing here is not needed here, and whether it ever happened nobody asks.
            if (Do(from.State, _timeline.Open[number]) is not (true, var next) || _states.Equals(next, from.State) || IsNeedless(from, _timeline.Open[number], next)) continue;
            int[] used = [.. from.Used[..at], number, .. from.Used[at..]];
            Enter(new(from, from.Low, from.Slots, next) { Step = -1 - number, Placed = from.Placed, Used = used });
        }
    }

    private void Enter(Configuration<TState> one)
    {
        if (!_visited.Add(one)) return;
        if ((one.Low, one.Placed).CompareTo((_furthest.Low, _furthest.Placed)) > 0) _furthest = one;
        if (!IsHopeless(one)) Queue(one, withOpen: false);
    }

    private void Queue(Configuration<TState> one, bool withOpen) =>
        _queue.Enqueue((one, withOpen), ((long)(_openCost * (one.Used.Length + (withOpen ? 1 : 0)) - one.Placed) << 32) - ++_age);

    private bool IsPlaced(Configuration<TState> at, int number) => number != at.Low && at.Slots.Has(_timeline.Slots[number]);

    /// <summary>True if the open operation placed just before made no difference to this one, so that the same is reached without it.</summary>
    private bool IsNeedless(Configuration<TState> from, Operation<TInput, TOutput> operation, TState next) =>
        from.IsAfterOpen && Do(from.Parent!.State, operation) is (true, var same) && _states.Equals(same, next);

    /// <summary>True if one that runs can never return what it did.</summary>
    private bool IsHopeless(Configuration<TState> one)
    {
        if (one.Low == _timeline.Returned.Length) return false;
        foreach (var i in _timeline.RunningAt(one.Low))
        {
            if (IsPlaced(one, i) || _model.CanFollow(one.State, _timeline.Returned[i].Input, _timeline.Returned[i].Output)) continue;
            if (i == one.Low) return true;
            // It returns later. The verdict is the same, but others that return first could still have been explained.
            if (_precise) continue;
            IsVague = true;
            return true;
        }
        return false;
    }

    private (bool Ok, TState Next) Do(TState state, Operation<TInput, TOutput> operation) => _model.Step(state, operation.Input, operation.Output);

    private LinearizabilityResult<TInput, TOutput> Finish(LinearizabilityVerdict verdict)
    {
        var (low, prefix) = (_furthest.Low, new List<Operation<TInput, TOutput>>());
        for (var at = _furthest; at.Parent is not null; at = at.Parent) prefix.Add(at.Step >= 0 ? _timeline.Returned[at.Step] : _timeline.Open[-1 - at.Step]);
        prefix.Reverse();
        var unplaced = _timeline.RunningAt(low).Where(i => !IsPlaced(_furthest, i)).OrderBy(i => i == low ? 0 : 1).Select(i => _timeline.Returned[i]).ToList();
        var states = _visited.Configurations.Where(c => c.Low == low).Select(c => c.State).Distinct(_states).Take(Report.States + 1).ToList();
        return new(verdict, _part, prefix, unplaced, Report.Write(_model, verdict, _part, prefix, _furthest.State, unplaced, states));
    }
}
