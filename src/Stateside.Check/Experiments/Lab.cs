using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Replicas;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Experiments;

/// <summary>What all experiments with one scenario share: the scenario, what is known of it, and what was found.</summary>
internal sealed class Study(Scenario scenario, CheckOptions options, Normal normal, Noise noise, TimeProvider time)
{
    private readonly List<Suspicion> _found = [];
    private readonly HashSet<(Slot, string)> _doubts = [];
    private int _requests;

    public Scenario Scenario { get; } = scenario;

    public CheckOptions Options { get; } = options;

    public Normal Normal { get; } = normal;

    public Noise Noise { get; } = noise;

    /// <summary>How replicas call cookies whose name they make of their address.</summary>
    public CookieNames CookieNames { get; } = normal.CookieNames;

    public TimeProvider Time { get; } = time;

    /// <summary>What the scenario itself says: logins, keys, tokens.</summary>
    public Traits Traits { get; set; } = Traits.Of(scenario, new HashSet<string>());

    /// <summary>The undisturbed scenario on one replica.</summary>
    public TwinModel Main { get; set; } = null!;

    /// <summary>The twin runs themselves.</summary>
    public IReadOnlyList<Run> Twins { get; set; } = [];

    /// <summary>Where another replica answers otherwise even if it serves the whole session: what it shows there is of everybody, and no step of a session made it.</summary>
    public HashSet<(int Step, string Place)> Elsewhere { get; } = [];

    /// <summary>The differences that say something of a session; where there are none, all.</summary>
    public IReadOnlyList<Difference> OfSession(IReadOnlyList<Difference> differences) =>
        differences.Where(d => !Elsewhere.Contains((d.Slot.Step, d.Place))).ToList() is { Count: > 0 } own ? own : differences;

    /// <summary>Whether sessions can be had side by side without changing each other's responses.</summary>
    public bool IsIsolated { get; set; }

    /// <summary>Whether the service writes some of what it has acknowledged a moment later; null while nobody knows.</summary>
    public bool? WritesLate { get; set; }

    /// <summary>How long a service is left alone before it is killed, where it is not to be caught between its answer and its writing.</summary>
    public TimeSpan Settling => WritesLate == false ? TimeSpan.Zero : Interruptions.Settling;

    /// <summary>For each step, the earlier steps without which it is answered otherwise.</summary>
    public Dictionary<int, SortedSet<int>> DependsOn { get; } = [];

    /// <summary>What is known for the verdicts.</summary>
    public Knowledge Knowledge { get; } = new();

    /// <summary>What else is to be told, one sentence each.</summary>
    public SortedSet<string> Notices { get; } = new(StringComparer.Ordinal);

    /// <summary>What was found so far.</summary>
    public IReadOnlyList<Suspicion> Found
    {
        get
        {
            lock (_found) return [.. _found];
        }
    }

    /// <summary>The requests sent so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public void Find(Suspicion suspicion)
    {
        lock (_found) _found.Add(suspicion);
    }

    public void Notice(string text)
    {
        lock (Notices) Notices.Add(text);
    }

    /// <summary>Notes that a difference did not show again; the second time its place is noise.</summary>
    public void Doubt(Difference difference)
    {
        lock (_doubts)
            if (!_doubts.Add((difference.Slot, difference.Place))) Noise.Add(difference.Slot.Step, difference.Place);
    }

    public void Count() => Interlocked.Increment(ref _requests);

    /// <summary>The steps whose response depends on an earlier unsafe step that is no login: what writes, and what shows it.</summary>
    public IEnumerable<(int Read, int Write)> Effects =>
        from read in DependsOn
        from write in read.Value
        where !Scenario.Steps[write - 1].IsSafe && !Traits.Logins.Contains(write)
        select (read.Key, write);
}

/// <summary>A set of replicas on which experiments are done, and how.</summary>
internal sealed class Lab(Study study, ReplicaSet set, Action<int> tellStep)
{
    /// <summary>How often a place must stay the same in undisturbed runs before a difference there counts.</summary>
    private const int Controls = 5;

    /// <summary>A run after which nothing has been sent, and that shows what the next one is counted from.</summary>
    private sealed record Undisturbed(IReadOnlyList<Act> Control, Run Run);

    private int _runs;
    private int _requests;
    private Undisturbed? _undisturbed;

    public Study Study { get; } = study;

    public ReplicaSet Set { get; } = set;

    public Normal Normal => Study.Normal;

    /// <summary>What is proved is proved after this: replicas of another set, at work beside these, may share their files with them, and then more of them write than the service has.</summary>
    public Task Alone { get; init; } = Task.CompletedTask;

    public int Steps => Study.Scenario.Steps.Count;

    public TwinModel Main => Study.Main;

    /// <summary>The runs and requests so far.</summary>
    public (int Runs, int Requests) Done => (Volatile.Read(ref _runs), Volatile.Read(ref _requests));

    public Stateside.Check.Scenarios.Step Step(int number) => Study.Scenario.Steps[number - 1];

    public Conversation Converse() => new(Study.Scenario, Set.Addresses, Study.Options.Conversation, Study.Time) { Names = Study.CookieNames };

    /// <summary>Called after every exchange: counts, tells the progress, and starts a replica again that died of it.</summary>
    public async Task SentAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        Study.Count();
        Interlocked.Increment(ref _requests);
        _undisturbed = null;
        tellStep(exchange.Step.Number);
        if (exchange.Trouble is not (Trouble.NoConnection or Trouble.BrokenOff)) return;
        if (Set.Crashed() is var (replica, said))
        {
            Study.Find(new Suspicion("CHK-CRASH", Reports.Severity.Error, null, "any", $"the service ended at step {exchange.Step.Number}",
                $"Replica {replica} ended by itself while step {exchange.Step.Number} ({exchange.Step.Name}) was sent. It said last:\n{said}")
            { Step = exchange.Step.Number, Actual = exchange });
            await Set.RestartAsync([replica], cancellationToken);
        }
        else if (await Set.GoneAsync(exchange.Replica, cancellationToken) is { } why)
        {
            // Of a service that is not there every difference would be said to be its fault, and every silence to be none.
            var title = $"replica {exchange.Replica} is gone: {why}";
            if (!Study.Found.Any(f => f.Title == title))
                Study.Find(new Suspicion("CHK-CRASH", Reports.Severity.Error, null, "any", title, $"It was missed when step {exchange.Step.Number} ({exchange.Step.Name}) was sent. It ended, or was stopped, while it was checked.")
                { Step = exchange.Step.Number, Actual = exchange });
            if (!Set.CanRestart) throw new ReplicaException(title);
            await Set.RestartAsync([exchange.Replica], cancellationToken);
        }
    }

    /// <summary>Runs a plan in a session of its own.</summary>
    public async Task<Run> RunAsync(IReadOnlyList<Act> plan, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _runs);
        using var session = new Session(this);
        await session.DoAsync(plan, cancellationToken);
        return session.Run;
    }

    /// <summary>Learns what a plan shows on one replica.</summary>
    public async Task<TwinModel> LearnAsync(IReadOnlyList<Act> plan, CancellationToken cancellationToken, int runs = 3)
    {
        var twins = new List<Run>();
        var control = plan.OnOne();
        for (var i = 0; i < runs; i++) twins.Add(await RunAsync(control, cancellationToken));
        _undisturbed = new Undisturbed(control, twins[^1]);
        return TwinModel.Learn(twins, Study.Noise, Main);
    }

    /// <summary>
    /// Runs a plan and compares it with a model; where numbers grow from run to run, with an undisturbed run just before it. What has just been run counts as that if it was
    /// the same steps and differed in nothing.
    /// </summary>
    public async Task<(Run Run, Run? Before, IReadOnlyList<Difference> Differences)> TryAsync(
        IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        var before = !model.Grows ? null
            : _undisturbed is { } last && last.Control.SequenceEqual(control) ? last.Run
            : await RunAsync(control, cancellationToken);
        var run = await RunAsync(plan, cancellationToken);
        var differences = model.Compare(run, before);
        if (differences.Count == 0 && plan.OnOne().SequenceEqual(control)) _undisturbed = new Undisturbed(control, run);
        return (run, before, differences);
    }

    /// <summary>
    /// Runs a plan against its control. A difference counts if it shows again, and if undisturbed runs in between do not show it: what they show is noise from then on.
    /// </summary>
    /// <returns>The run that showed it, the undisturbed run before it and the differences; none where there is nothing.</returns>
    public async Task<Evidence> ProbeAsync(IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        var (_, _, first) = await TryAsync(plan, control, model, cancellationToken);
        return first.Count == 0 ? Evidence.None : await ConfirmAsync(first, plan, control, model, cancellationToken);
    }

    /// <summary>Tries once more what showed differences.</summary>
    public async Task<Evidence> ConfirmAsync(
        IReadOnlyList<Difference> first, IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        await Alone;
        var before = await ControlAsync(plan, control, model, cancellationToken);
        var evidence = await AgainAsync(first, plan, control, model, cancellationToken) with { Control = before };
        if (evidence.Differences.Count > 0) return evidence;
        // What comes and goes by itself, twice, is noise that the twins did not show.
        foreach (var d in first) Study.Doubt(d);
        var steps = first.Where(d => !Study.Noise.Contains(d.Slot.Step, d.Place)).Select(d => d.Slot.Step).ToList();
        if (steps.Count > 0) Study.Notice($"A difference at step {steps.Min()} did not show when it was tried again, so it does not count.");
        return Evidence.None;
    }

    /// <summary>Runs the control of a plan several times: what varies from time to time is noise from then on.</summary>
    /// <returns>The last of these runs.</returns>
    private async Task<Run> ControlAsync(IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        Run? before = null;
        for (var i = 0; i < Controls; i++)
        {
            var undisturbed = await RunAsync(control, cancellationToken);
            if (before is not null || !model.Grows) LearnNoise(model.Compare(undisturbed, before), undisturbed);
            before = undisturbed;
        }
        _undisturbed = new Undisturbed(control, before!);
        // A restart takes time, and other experiments none: what changes because time passes, as a job goes on, is not the restart's doing.
        if (plan.Any(a => a is Kill))
        {
            var (waited, _, differences) = await TryAsync(plan.Waiting(), control, model, cancellationToken);
            LearnNoise(differences, waited);
        }
        return before!;
    }

    /// <summary>What an undisturbed run shows is noise. A connection that broke once is no way in which pages vary, and what comes after it says nothing.</summary>
    public void LearnNoise(IReadOnlyList<Difference> differences, Run undisturbed)
    {
        if (undisturbed.Observations.Any(o => o.Exchange.Answer is null)) return;
        foreach (var noise in differences) Study.Noise.Add(noise.Slot.Step, noise.Place);
    }

    /// <summary>Tries a plan once more: of what it showed before, what it shows again.</summary>
    private async Task<Evidence> AgainAsync(IReadOnlyList<Difference> first, IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        var (run, before, again) = await TryAsync(plan, control, model, cancellationToken);
        var places = first.Where(d => !Study.Noise.Contains(d.Slot.Step, d.Place)).Select(d => (d.Slot, d.Place)).ToHashSet();
        return new Evidence(run, before ?? model.Last, [.. again.Where(d => places.Contains((d.Slot, d.Place)))]);
    }

    /// <summary>
    /// Whether a read that differed is as expected where a second passes before it, or is changed by that second on one replica too. Then it was asked too early: while something
    /// was under way, as the progress of a job, or before a copy was renewed.
    /// </summary>
    public async Task<bool> SettlesAsync(IReadOnlyList<Act> plan, IReadOnlyList<Act> control, TwinModel model, Difference difference, CancellationToken cancellationToken)
    {
        var at = plan.Index().Where(a => a.Item is Send send && send.Step == difference.Slot.Step).Select(a => a.Index).ElementAtOrDefault(difference.Slot.Occurrence);
        if (!Step(difference.Slot.Step).IsSafe || plan.Take(at).All(a => a is not Send send || Step(send.Step).IsSafe)) return false;
        List<Act> waited = [.. plan.Take(at), new Wait(Plans.Second), .. plan.Skip(at)];
        var (run, _, differences) = await TryAsync(waited, control, model, cancellationToken);
        if (run[difference.Slot]?.Exchange.Answer is not null && !differences.Any(d => d.Slot == difference.Slot)) return true;
        // Or one replica alone shows something else there a second later: then it is time that changes it.
        var (_, _, alone) = await TryAsync(waited.OnOne(), control, model, cancellationToken);
        return alone.Any(d => d.Slot == difference.Slot && d.Place == difference.Place);
    }

    /// <summary>Does something with each item: side by side where sessions do not disturb each other, else one after the other.</summary>
    public async Task<List<TResult>> EachAsync<T, TResult>(IEnumerable<T> items, Func<T, Task<TResult>> work)
    {
        using var slots = new SemaphoreSlim(Study.IsIsolated ? Math.Min(Study.Options.Concurrency, 4) : 1);
        var tasks = new List<Task<TResult>>();
        foreach (var item in items)
        {
            await slots.WaitAsync();
            tasks.Add(OneAsync(item));
        }
        return [.. await Task.WhenAll(tasks)];

        async Task<TResult> OneAsync(T item)
        {
            try
            {
                return await work(item);
            }
            finally
            {
                slots.Release();
            }
        }
    }
}

/// <summary>What a probe showed.</summary>
/// <param name="Run">The run that differs.</param>
/// <param name="Control">The undisturbed run just before.</param>
/// <param name="Differences">The differences; empty where there are none.</param>
internal sealed record Evidence(Run Run, Run Control, IReadOnlyList<Difference> Differences)
{
    /// <summary>Nothing differs.</summary>
    public static Evidence None { get; } = new(new Run([]), new Run([]), []);

    /// <summary>The difference to show: of the first sending that differs, the one that says most.</summary>
    public Difference? First
    {
        get
        {
            var order = Run.Observations.Select((o, i) => (o.Slot, i)).ToDictionary(o => o.Slot, o => o.i);
            return Differences.OrderBy(d => order.GetValueOrDefault(d.Slot)).ThenBy(d => d.Rank).FirstOrDefault();
        }
    }
}
