namespace Stateside.Testing.Histories;

/// <summary>
/// The operations of one part as the search wants them. Those that returned are numbered in the order of their returns: while number n is the first that has not been
/// placed, just the operations called by its return may come next.
/// </summary>
internal sealed class Timeline<TState, TInput, TOutput>
    where TInput : notnull
{
    // The numbers of those that returned, in the order of their calls.
    private readonly int[] _byCall;
    private readonly List<int[]> _running = [];
    private int _called;

    public Timeline(History<TInput, TOutput> part, HistoryModel<TState, TInput, TOutput> model)
    {
        var relevant = model.Relevant(part).ToList();
        Returned = [.. relevant.Where(o => !o.IsOpen).OrderBy(o => o.Return).ThenBy(o => o.Call)];
        ReadOnly = [.. Returned.Select(o => model.IsReadOnly(o.Input, o.Output))];
        _byCall = [.. Enumerable.Range(0, Returned.Length).OrderBy(i => Returned[i].Call)];
        // Equal inputs of unknown outcome can stand for each other, so that only the earliest that is left is ever tried: k of them give k + 1 cases, not 2^k.
        var groups = relevant.Where(o => o.IsOpen && !model.IsReadOnly(o.Input, default)).OrderBy(o => o.Call).GroupBy(o => o.Input).Select(g => g.ToArray()).ToArray();
        Open = [.. groups.SelectMany(g => g)];
        Groups = new (int, int)[groups.Length];
        for (var (g, at) = (0, 0); g < groups.Length; at += groups[g++].Length) Groups[g] = (at, at + groups[g].Length);
        Slots = new int[Returned.Length];
        SlotCount = AssignSlots();
    }

    /// <summary>Those that returned, in that order.</summary>
    public Operation<TInput, TOutput>[] Returned { get; }

    public bool[] ReadOnly { get; }

    /// <summary>Those of unknown outcome, equal inputs together, each group in the order of calls.</summary>
    public Operation<TInput, TOutput>[] Open { get; }

    /// <summary>Where each group of equal inputs begins in <see cref="Open"/> and where it has ended.</summary>
    public (int From, int To)[] Groups { get; }

    /// <summary>For each that returned a number that no other had while it ran. A set of them has as many bits as there was concurrency, not as there are operations.</summary>
    public int[] Slots { get; }

    public int SlotCount { get; }

    /// <summary>The numbers of those that were called by the return of one and that did not return before it, that one among them, in the order of their calls.</summary>
    public int[] RunningAt(int number)
    {
        while (_running.Count <= number)
        {
            var (low, from) = (_running.Count, _called);
            while (_called < _byCall.Length && Returned[_byCall[_called]].Call <= Returned[low].Return) _called++;
            _running.Add([.. low == 0 ? [] : _running[low - 1].Where(i => i >= low), .. _byCall[from.._called]]);
        }
        return _running[number];
    }

    private int AssignSlots()
    {
        var free = new PriorityQueue<int, int>();
        var (count, next) = (0, 0);
        foreach (var i in _byCall)
        {
            // With equal times a call comes before a return: the two are concurrent.
            for (; Returned[next].Return < Returned[i].Call; next++) free.Enqueue(Slots[next], Slots[next]);
            Slots[i] = free.TryDequeue(out var slot, out _) ? slot : count++;
        }
        return count;
    }
}
