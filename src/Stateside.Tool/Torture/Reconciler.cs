using System.Globalization;
using Stateside.Testing.Histories;

namespace Stateside.Tool.Torture;

/// <summary>
/// Compares what clients were told with what there is after all. It knows nothing of how the cluster works: only that one thing is done after the other, that what was
/// acknowledged is done, that what was refused is not, and that nothing is done twice.
/// </summary>
/// <param name="entries">All that was asked for. The last entry of each key is a read after everything.</param>
/// <param name="ordersInStore">For a session the ids of the orders that its group holds in the store; sessions that were not looked up are not there.</param>
/// <param name="limits">How long one key may be checked.</param>
internal sealed class Reconciler(IReadOnlyList<Entry> entries, IReadOnlyDictionary<string, IReadOnlyList<string>> ordersInStore, CheckLimits? limits = null)
{
    public const string Lost = "lost";
    public const string Duplicated = "duplicated";
    public const string RefusedButApplied = "refused-but-applied";
    public const string NonLinearizable = "non-linearizable";
    public const string Undecided = "undecided";

    private readonly CheckLimits _limits = limits ?? new CheckLimits { Time = TimeSpan.FromSeconds(20), Configurations = 500_000 };
    private readonly List<Finding> _findings = [];

    /// <summary>Checks each key by itself.</summary>
    public IReadOnlyList<Finding> Run(CancellationToken cancellationToken = default)
    {
        foreach (var key in entries.GroupBy(e => e.Key))
        {
            if (key.First().Ask is Ask.Count or Ask.ReadCounter) CheckCounter(key.Key, [.. key], cancellationToken);
            else CheckSession(key.Key, [.. key], cancellationToken);
        }
        return _findings;
    }

    private void CheckCounter(string key, Entry[] all, CancellationToken cancellationToken)
    {
        if (all.LastOrDefault(e => e is { Ask: Ask.ReadCounter, Outcome: Outcome.Acknowledged })?.Value is not { } final) return;
        var additions = all.Where(e => e.Ask == Ask.Count).ToLookup(e => e.Outcome);
        var (acknowledged, unknown, refused) = (additions[Outcome.Acknowledged].Count(), additions[Outcome.Unknown].Count(), additions[Outcome.Refused].Count());
        var sums = string.Create(CultureInfo.InvariantCulture, $"counter {key} holds {final}: {acknowledged} additions were acknowledged, {unknown} are unknown, {refused} were refused");
        var history = Counters(all, e => e.Outcome == Outcome.Refused);
        if (final < acknowledged) Add(Lost, acknowledged - final, sums);
        if (final > acknowledged + unknown)
        {
            // If all can be explained once the refused ones may have been done, that is what happened; else something was done twice.
            var excused = Check(Counters(all, _ => false), new CounterModel(), cancellationToken).Verdict == LinearizabilityVerdict.Linearizable;
            Add(excused ? RefusedButApplied : Duplicated, final - acknowledged - unknown, sums);
        }
        Judge($"counter {key}", Check(history, new CounterModel(), cancellationToken));
    }

    private void CheckSession(string key, Entry[] all, CancellationToken cancellationToken)
    {
        CheckOrders(key, all);
        CheckLines(key, all);
        var cart = all.Where(e => e.Ask != Ask.OrderLines && e.Outcome != Outcome.Refused).Select(e =>
        {
            var input = new CartInput(e.Key, e.Ask, e.Ask == Ask.AddLine ? e.Lines[0] : 0);
            return e.Outcome == Outcome.Unknown ? new Operation<CartInput, int[]>(e.Client, input, e.Call) : new(e.Client, input, new(e.Answered!), e.Call, e.Return!.Value);
        });
        Judge($"the cart of session {key}", Check(new History<CartInput, int[]>(cart), new CartModel(), cancellationToken));
    }

    /// <summary>Each line is in the cart or in one order, once. Only with the last read of the cart, and with no order of unknown outcome, is it known where all lines are.</summary>
    private void CheckLines(string key, Entry[] all)
    {
        if (all.LastOrDefault(e => e is { Ask: Ask.ReadCart, Outcome: Outcome.Acknowledged })?.Answered is not { } left) return;
        var orders = all.Where(e => e is { Ask: Ask.OrderCart, Outcome: Outcome.Acknowledged }).SelectMany(e => e.Answered!);
        var found = left.Concat(orders).CountBy(line => line).ToDictionary();
        var isComplete = !all.Any(e => e is { Ask: Ask.OrderCart, Outcome: Outcome.Unknown });
        foreach (var entry in all.Where(e => e.Ask == Ask.AddLine))
        {
            var (line, times) = (entry.Lines[0], found.GetValueOrDefault(entry.Lines[0]));
            var what = string.Create(CultureInfo.InvariantCulture, $"line {line} of session {key} ({entry.Outcome.ToString().ToLowerInvariant()}) is there {times} times");
            if (times == 0 && entry.Outcome == Outcome.Acknowledged && isComplete) Add(Lost, 1, what);
            if (times > 0 && entry.Outcome == Outcome.Refused) Add(RefusedButApplied, 1, what);
            if (times > 1) Add(Duplicated, times - 1, what);
        }
    }

    private void CheckOrders(string key, Entry[] all)
    {
        var orders = all.Where(e => e.Ask is Ask.OrderCart or Ask.OrderLines).ToArray();
        foreach (var order in orders.Where(o => o is { Ask: Ask.OrderLines, Outcome: Outcome.Acknowledged } && !o.Answered.AsSpan().SequenceEqual(o.Lines)))
            Add(NonLinearizable, 1, $"order {order.OrderId} of session {key} holds lines [{string.Join(' ', order.Answered!)}] instead of [{string.Join(' ', order.Lines)}]");
        if (!ordersInStore.TryGetValue(key, out var inStore)) return;
        var acknowledged = orders.Where(o => o.OrderId is not null).Select(o => o.OrderId!).ToHashSet();
        foreach (var id in acknowledged.Except(inStore)) Add(Lost, 1, $"order {id} of session {key} was acknowledged and is not in the store");
        var more = inStore.Except(acknowledged).Count() - orders.Count(o => o.Outcome == Outcome.Unknown);
        if (more <= 0) return;
        var refused = orders.Count(o => o.Outcome == Outcome.Refused);
        Add(refused > 0 ? RefusedButApplied : Duplicated, more, $"session {key} has {inStore.Count} orders in the store: {acknowledged.Count} were acknowledged, {orders.Count(o => o.Outcome == Outcome.Unknown)} are unknown, {refused} were refused");
    }

    private static History<CounterInput, long> Counters(Entry[] all, Func<Entry, bool> leaveOut) => new(all.Where(e => !leaveOut(e)).Select(e =>
    {
        var input = new CounterInput(e.Key, e.Ask == Ask.Count ? 1 : 0);
        return e.Outcome == Outcome.Acknowledged ? new Operation<CounterInput, long>(e.Client, input, new(e.Value!.Value), e.Call, e.Return!.Value) : new(e.Client, input, e.Call);
    }));

    private LinearizabilityResult<TInput, TOutput> Check<TState, TInput, TOutput>(History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model, CancellationToken cancellationToken)
        where TInput : notnull => Linearizability.Check(history, model, _limits, cancellationToken);

    private void Judge<TInput, TOutput>(string what, LinearizabilityResult<TInput, TOutput> result)
        where TInput : notnull
    {
        if (result.Verdict == LinearizabilityVerdict.NotLinearizable) Add(NonLinearizable, 1, $"{what}: {result}");
        if (result.Verdict == LinearizabilityVerdict.Unknown) Add(Undecided, 1, $"{what}: the check took too long");
    }

    private void Add(string kind, long count, string what) => _findings.Add(new Finding(kind, count, what));
}
