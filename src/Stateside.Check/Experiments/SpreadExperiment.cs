using Stateside.Check.Comparing;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>
/// Requests in turn over the replicas, and writes on one with reads on the other, in both directions and twice, since a replica that reads shared data once, lazily, passes
/// the first time. After every write it is read back through every replica, which had read before the write too: that shows caches.
/// </summary>
internal sealed class SpreadExperiment : Experiment
{
    private const int MostFindings = 2;

    public override string Name => "spread";

    public override bool Moves => true;

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var count = lab.Set.Addresses.Count;
        var straight = Plans.All(lab.Steps, _ => 0);
        var patterns = new List<(string Name, List<Act> Plan)>
        {
            ("in turn", Plans.All(lab.Steps, step => (step - 1) % count)),
            ("in turn, the second replica first", Plans.All(lab.Steps, step => step % count)),
            ("writes to the first replica, reads from the second", Plans.All(lab.Steps, step => lab.Step(step).IsSafe ? 1 : 0)),
            ("writes to the second replica, reads from the first", Plans.All(lab.Steps, step => lab.Step(step).IsSafe ? 0 : 1)),
        };
        foreach (var (name, plan) in patterns.Concat(patterns))
            await ProbeAsync(lab, name, plan, straight, lab.Main, cancellationToken);
        for (var writer = 0; writer < 2; writer++)
        {
            var plan = ReadBack(lab, writer);
            var model = await lab.LearnAsync(plan, cancellationToken);
            if (model.Unsteady is not null) continue;
            for (var round = 0; round < 2; round++)
                await ProbeAsync(lab, $"writes to replica {writer}, every read through every replica, before and after each write", plan, plan.OnOne(), model, cancellationToken);
        }
        await AllowancesAsync(lab, cancellationToken);
        lab.Study.Knowledge.NotSpread = null;
    }

    /// <summary>Whether each replica counts requests for itself, by what responses say is left of a limit. It decides nothing: no client is answered otherwise before the limit.</summary>
    private async Task AllowancesAsync(Lab lab, CancellationToken cancellationToken)
    {
        if (lab.Main.Last.Observations.FirstOrDefault(o => o.Allowed is not null) is not { Slot.Step: var step }) return;
        List<Act> plan = [.. Plans.All(step, _ => 0), new Send(step, 0) { IsAgain = true }, new Send(step, 1) { IsAgain = true }];
        for (var round = 0; round < 2; round++)
        {
            var run = await lab.RunAsync(plan, cancellationToken);
            // A count that is shared goes down with every request, wherever it is asked.
            if (run[new Slot(step)]?.Allowed is not { } first || run[new Slot(step, 1)]?.Allowed is not { } second || run[new Slot(step, 2)] is not { Allowed: { } there } other || second >= first || there < second) return;
            if (round == 0) continue;
            lab.Study.Find(new Suspicion("CHK-LIMIT", Severity.Warning, null, Name, "each replica counts requests for its rate limit by itself",
                $"At step {step} ({lab.Step(step).Name}) replica 0 allows {second} more requests, and replica 1, asked after it, {there}: over several replicas a client gets the limit several times, and a restart gives it back.")
            { Step = step, Run = run, Expected = run[new Slot(step, 1)]!.Exchange, Actual = other.Exchange });
        }
    }

    private async Task ProbeAsync(Lab lab, string name, List<Act> plan, List<Act> control, TwinModel model, CancellationToken cancellationToken)
    {
        if (lab.Study.Found.Count(f => f.Experiment == Name && f.Severity == Severity.Error) >= MostFindings) return;
        var (run, _, seen) = await lab.TryAsync(plan, control, model, cancellationToken);
        // What is known already is not proved again.
        if (new Evidence(run, run, seen).First is not { } once) return;
        var isShown = lab.Study.Found.Any(f => f.Experiment == Name);
        if (lab.Study.Found.Any(f => (f.Experiment == Name || isShown) && f.Step == once.Slot.Step && f.Difference?.Place == once.Place)) return;
        var evidence = await lab.ConfirmAsync(seen, plan, control, model, cancellationToken);
        if (evidence.First is not { } first || lab.Study.Found.Any(f => f.Experiment == Name && f.Step == first.Slot.Step && f.Difference?.Place == first.Place)) return;
        var probe = new Probe(plan, control, evidence, first, null);
        if (!lab.Study.Found.Any(f => f.Question is Question.Context or Question.Spread) && await lab.SettlesAsync(plan, control, model, first, cancellationToken))
        {
            if (!lab.Study.Found.Any(f => f.Rule == "CHK-STALE" && f.Step == first.Slot.Step)) lab.Study.Find(Late(lab, probe));
            return;
        }
        if (GivenTwice(evidence, first) is { } other)
        {
            lab.Study.Find(Suspect(lab, "CHK-IDS", Question.Spread, probe with { MadeBy = other.Slot.Step },
                $"two replicas give out the same id: {Say(lab, first)}", $"Replica {other.Exchange.Replica} gave it at step {other.Slot.Step}, replica {evidence.Run[first.Slot]!.Exchange.Replica} gave it again at step {first.Slot.Step}: each counts for itself."));
            return;
        }
        var isStale = IsStale(lab, evidence, first);
        lab.Study.Find(Suspect(lab, isStale ? "CHK-STALE" : "CHK-SPREAD", Question.Spread, probe,
            isStale ? $"a replica answers from what it read before: {Say(lab, first)}" : $"with requests spread over the replicas, {Say(lab, first)}",
            $"Requests were spread: {name}. Step {first.Slot.Step} was answered by replica {evidence.Run[first.Slot]!.Exchange.Replica}."
            + (isStale ? " The value is the one from before the last write, so that replica holds a copy that it does not renew." : "")));
    }

    /// <summary>The earlier response of another replica that gave the same id, or null.</summary>
    private static Observation? GivenTwice(Evidence evidence, Difference difference)
    {
        var shown = evidence.Run[difference.Slot]!;
        return shown.Exchange.Step.IsSafe || difference.Actual is null || !Ids.IsIdLike(difference.Place) ? null : evidence.Run.Observations.TakeWhile(o => o != shown)
            .FirstOrDefault(o => !o.Exchange.Step.IsSafe && o.Exchange.Replica != shown.Exchange.Replica && o[difference.Place] == difference.Actual);
    }

    /// <summary>Whether the replica shows what the same request was answered before a write.</summary>
    private static bool IsStale(Lab lab, Evidence evidence, Difference difference)
    {
        var step = lab.Step(difference.Slot.Step);
        var at = evidence.Run.Observations.TakeWhile(o => o.Slot != difference.Slot).ToList();
        var written = at.FindLastIndex(o => !o.Exchange.Step.IsSafe);
        if (!step.IsSafe || written < 0 || difference.Actual is null) return false;
        // A cold replica answers right: then it is not the place where the session lives that matters, but what the replica read before.
        if (lab.Study.Found.Any(f => f.Experiment == "move" && f.Step == difference.Slot.Step)) return false;
        return at.Take(written).Any(o => o.Exchange.Request?.Url.PathAndQuery == evidence.Run[difference.Slot]!.Exchange.Request?.Url.PathAndQuery && o.Exchange.Step.IsSafe && o[difference.Place] == difference.Actual);
    }

    private static List<Act> ReadBack(Lab lab, int writer)
    {
        var plan = new List<Act>();
        var replicas = Enumerable.Range(0, lab.Set.Addresses.Count).ToList();
        for (var step = 1; step <= lab.Steps; step++)
        {
            if (lab.Step(step).IsSafe)
            {
                plan.AddRange(replicas.Where(r => r != writer).Select(r => new Send(step, r) { IsAside = true }));
                plan.Add(new Send(step, writer));
                continue;
            }
            // What will be read after the write is read before it too, where it can be.
            var next = Enumerable.Range(step + 1, lab.Steps - step).TakeWhile(s => lab.Step(s).IsSafe);
            foreach (var read in next) plan.AddRange(replicas.Select(r => new Send(read, r) { IsAside = true }));
            plan.Add(new Send(step, writer));
        }
        return plan;
    }
}
