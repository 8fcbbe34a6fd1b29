using Stateside.Check.Comparing;
using Stateside.Check.Conversations;

namespace Stateside.Check.Experiments;

/// <summary>Makes the shortest run that still shows a finding, and writes it down as curl commands.</summary>
internal static class Reproducer
{
    private const int MostTries = 24;
    private const int MostRestarts = 3;
    private const int MostExpected = 200;

    /// <summary>The finding with its reproduction; as it is where there is no run to show.</summary>
    public static async Task<Suspicion> OfAsync(Lab lab, Suspicion found, CancellationToken cancellationToken)
    {
        if (found is { Plan: { } plan, Difference: { } difference } && difference.Slot.Occurrence == 0)
        {
            var shortest = await ShortenAsync(lab, plan, difference, cancellationToken);
            if (shortest is var (acts, run, control))
                return found with
                {
                    Plan = acts,
                    Run = run,
                    Actual = run[difference.Slot]!.Exchange,
                    Expected = control[difference.Slot]!.Exchange,
                    Reproduction = Write(lab, found, acts, run, difference.Slot),
                };
        }
        return AsFound(lab, found);
    }

    /// <summary>The finding with the whole run that showed it as its reproduction, which is not run again; as it is where there is no run to show.</summary>
    public static Suspicion AsFound(Lab lab, Suspicion found) =>
        found.Run is null ? found : found with { Reproduction = Write(lab, found, found.Plan ?? [], found.Run, found.Difference?.Slot ?? SlotOf(found)) };

    /// <summary>Leaves out steps as long as the finding still shows: first all that nothing depends on, then one by one.</summary>
    private static async Task<(List<Act> Plan, Run Run, Run Control)?> ShortenAsync(Lab lab, IReadOnlyList<Act> whole, Difference difference, CancellationToken cancellationToken)
    {
        var end = whole.ToList().FindIndex(a => StepOf(a) == difference.Slot.Step) + 1;
        var plan = whole.Take(end).ToList();
        (List<Act> Plan, Run Run, Run Control)? best = null;
        var tries = plan.Any(a => a is Kill) ? MostRestarts : MostTries;
        var needed = Needed(lab, difference.Slot.Step);
        var candidate = plan.Where(a => StepOf(a) is not { } step || needed.Contains(step)).ToList();
        if (candidate.Count < plan.Count && await ShowsAsync(lab, candidate, difference, cancellationToken) is var (first, plain)) (plan, best) = (candidate, (candidate, first, plain));
        for (var at = plan.Count - 2; at >= 0 && tries > 0; at--)
        {
            if (plan[at] is not Send) continue;
            tries--;
            var shorter = plan.Where((_, i) => i != at).ToList();
            if (await ShowsAsync(lab, shorter, difference, cancellationToken) is var (run, control)) (plan, best) = (shorter, (shorter, run, control));
        }
        if (best is null && await ShowsAsync(lab, plan, difference, cancellationToken, learns: true) is var (last, undisturbed)) best = (plan, last, undisturbed);
        return best;
    }

    /// <summary>The step and those that it depends on, and those that they depend on.</summary>
    private static HashSet<int> Needed(Lab lab, int step)
    {
        var needed = new HashSet<int> { step };
        var open = new Stack<int>(needed);
        while (open.TryPop(out var next))
            foreach (var on in lab.Study.DependsOn.GetValueOrDefault(next) ?? [])
                if (needed.Add(on)) open.Push(on);
        return needed;
    }

    /// <summary>Whether the shorter run shows the difference, and the same on one replica does not. Where <paramref name="learns"/>, it is learned, in two more runs, what a plan shows undisturbed that is not the whole scenario.</summary>
    private static async Task<(Run Run, Run Control)?> ShowsAsync(Lab lab, List<Act> plan, Difference difference, CancellationToken cancellationToken, bool learns = false)
    {
        bool Differs(IReadOnlyList<Difference> differences) => differences.Any(d => d.Slot == difference.Slot && (d.Place == difference.Place || d.Rank <= difference.Rank));
        List<Act> once = [.. Undoubled(plan)];
        var before = lab.Main.Grows ? await lab.RunAsync(once, cancellationToken) : null;
        var control = await lab.RunAsync(once, cancellationToken);
        if (control[difference.Slot] is not { Exchange.Answer: not null }) return null;
        var model = lab.Main;
        if (Differs(model.Compare(control, before)))
        {
            if (!learns) return null;
            model = await lab.LearnAsync(once, cancellationToken);
        }
        var run = await lab.RunAsync(plan, cancellationToken);
        return Differs(model.Compare(run, control)) ? (run, control) : null;
    }

    /// <summary>On one replica, and what is sent more than once sent once.</summary>
    private static IEnumerable<Act> Undoubled(IEnumerable<Act> plan) => plan.OnOne().Where(a => a is not Send { IsAgain: true }).Select(a => a is Burst burst ? new Send(burst.Step, 0) : a);

    private static string Write(Lab lab, Suspicion found, IReadOnlyList<Act> plan, Run run, Slot slot)
    {
        var last = run.Observations.Select((o, i) => (o.Slot, i)).LastOrDefault(o => o.Slot == slot, (default, run.Observations.Count - 1)).Item2;
        var exchanges = run.Observations.Take(last + 1).Where(o => o.Exchange.Request is not null).Select(o => o.Exchange).ToList();
        var before = new Dictionary<int, string>();
        var atOnce = new HashSet<int>();
        var sent = 0;
        foreach (var act in plan)
        {
            if (act is Kill kill)
                before[sent] = string.Join('\n', kill.Replicas.Select(replica => $"# Replica {replica} is killed (kill -9) and started again.\n" + (lab.Set.RestartScript(replica)
                    ?? $"read -r -p 'Kill and restart replica {replica}, then press Enter: ' _ </dev/tty")));
            if (act is Burst burst)
                for (var i = 1; i < burst.Replicas.Count; i++) atOnce.Add(sent + i);
            sent += act switch { Burst b => b.Replicas.Count, Send => 1, _ => 0 };
        }
        var used = exchanges.Select(e => e.Replica).Concat(plan.OfType<Kill>().SelectMany(k => k.Replicas)).Distinct().Order().ToList();
        var script = Curl.Of(exchanges, before, atOnce, lab.Set.Addresses, Expected(lab, found, exchanges));
        return lab.Set.StartScript(used) is { } start ? $"(\n{start}{script})\n" : script;
    }

    /// <summary>What should have come, masked as in the reports: a script in a ticket says by itself what fails.</summary>
    private static string Expected(Lab lab, Suspicion found, IEnumerable<Exchange> sent)
    {
        var secrets = lab.Study.Scenario.Secrets.Concat(sent.Concat(new[] { found.Expected, found.Actual }.OfType<Exchange>()).SelectMany(Masks.SecretsOf)).Distinct().ToList();
        if (found.Difference is not { } difference) return $"what was found: {Masks.Known(found.Title, secrets)}; got: see above";
        string Shown(string? value) => value is null ? "nothing" : Masks.Fact(difference.Place, value, secrets).ReplaceLineEndings(" ") is var text && text.Length > MostExpected ? $"\"{text[..MostExpected]}…\"" : $"\"{text}\"";
        return Experiment.IsOfCopies(lab, difference)
            ? $"expected at {difference.Place}: one effect; got two, which were {Shown(difference.Expected)} and {Shown(difference.Actual)}, and now: see above"
            : $"expected at {difference.Place}: {Shown(difference.Expected)}; got: see above ({Shown(difference.Actual)} when it was found)";
    }

    private static Slot SlotOf(Suspicion found) => found.Run!.Observations.LastOrDefault(o => o.Exchange == found.Actual)?.Slot ?? default;

    private static int? StepOf(Act act) => act switch { Send send => send.Step, Burst burst => burst.Step, _ => null };
}
