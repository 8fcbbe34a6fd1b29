using Stateside.Check.Comparing;
using Stateside.Check.Conversations;

namespace Stateside.Check.Experiments;

/// <summary>One client's session in an experiment: does the acts of a plan and keeps what came.</summary>
internal sealed class Session(Lab lab) : IDisposable
{
    /// <summary>Copies that are sent at once are not told apart by their order, so they are never compared with twins.</summary>
    private const int FirstOfBurst = 1_000;

    private readonly List<Observation> _observations = [];
    private readonly List<Conversation> _all = [];
    private readonly Dictionary<int, int> _occurrences = [];
    private Conversation _conversation = lab.Converse();
    private Conversation? _parked;

    /// <summary>What came so far.</summary>
    public Run Run => new(_observations);

    /// <summary>The client as it is now.</summary>
    public Conversation Conversation => _conversation;

    /// <summary>Does the acts, in order.</summary>
    public async Task DoAsync(IEnumerable<Act> plan, CancellationToken cancellationToken)
    {
        foreach (var act in plan) await DoAsync(act, cancellationToken);
    }

    /// <summary>Closes connections to replicas that are gone.</summary>
    public void Reconnect() => _conversation.MoveTo(lab.Set.Addresses);

    /// <inheritdoc/>
    public void Dispose()
    {
        _conversation.Dispose();
        _parked?.Dispose();
        _all.ForEach(c => c.Dispose());
    }

    private async Task DoAsync(Act act, CancellationToken cancellationToken)
    {
        switch (act)
        {
            case Send send:
                await SendAsync(send, cancellationToken);
                break;
            case Burst burst:
                await BurstAsync(burst, cancellationToken);
                break;
            case Kill kill:
                await Task.Delay(kill.After, lab.Study.Time, cancellationToken);
                await lab.Set.RestartAsync(kill.Replicas, cancellationToken);
                Reconnect();
                break;
            case Wait wait:
                await Task.Delay(wait.Length, lab.Study.Time, cancellationToken);
                break;
            case Park:
                _parked = _conversation.Fork();
                break;
            case Resume:
                Become(_parked!.Fork());
                break;
            case Tamper tamper:
                tamper.Change(_conversation);
                break;
        }
    }

    private async Task SendAsync(Send send, CancellationToken cancellationToken)
    {
        var change = send.Change?.Invoke(_conversation) ?? new SendChange();
        if (send.IsAside) change = change with { KeepNothing = true };
        if (send.IsAgain) change = change with { Again = LastSent(send.Step) };
        var exchange = await _conversation.SendAsync(lab.Step(send.Step), send.Replica, cancellationToken, change);
        var occurrence = _occurrences.GetValueOrDefault(send.Step);
        _occurrences[send.Step] = occurrence + 1;
        Keep(new Slot(send.Step, occurrence), exchange);
        await lab.SentAsync(exchange, cancellationToken);
    }

    private async Task BurstAsync(Burst burst, CancellationToken cancellationToken)
    {
        // Filled in once before the copies are, so that a variable that is one value for the whole session is the same in all of them.
        var prepared = _conversation.Prepare(lab.Step(burst.Step), burst.Replicas[0]);
        var again = burst.IsOne ? prepared : null;
        var forks = burst.Replicas.Select(_ => _conversation.Fork()).ToArray();
        var exchanges = await Task.WhenAll(forks.Select((fork, i) =>
            fork.SendAsync(lab.Step(burst.Step), burst.Replicas[i], cancellationToken, again is null ? Keys.Another(lab.Step(burst.Step)) : new SendChange { Again = again })));
        foreach (var (exchange, i) in exchanges.Select((e, i) => (e, i)))
        {
            Keep(new Slot(burst.Step, FirstOfBurst + i), exchange);
            await lab.SentAsync(exchange, cancellationToken);
        }
        // A browser keeps the cookies of the response that came last; any of them is as good.
        var last = Array.FindLastIndex(exchanges, e => e.Answer is { Status: < 400 });
        var kept = forks[Math.Max(last, 0)];
        foreach (var fork in forks)
            if (fork != kept) fork.Dispose();
        Become(kept);
    }

    private SentRequest? LastSent(int step) => _observations.LastOrDefault(o => o.Slot.Step == step && o.Exchange.Request is not null) is { } last
        ? (last.Exchange.Hops.Count > 0 ? last.Exchange.Hops[0] : last.Exchange).Request
        : null;

    private void Become(Conversation conversation)
    {
        _all.Add(_conversation);
        _conversation = conversation;
    }

    private void Keep(Slot slot, Exchange exchange) => _observations.Add(new Observation(slot, exchange, lab.Normal));
}
