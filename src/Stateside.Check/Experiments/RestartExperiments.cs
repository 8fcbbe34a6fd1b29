using Stateside.Check.Comparing;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>Kills the one replica before step k and starts it again, for every k; then all, at the end, and reads once more.</summary>
internal sealed class RestartExperiment : Experiment
{
    public override string Name => "restart";

    public override bool Kills => true;

    public override bool NeedsRestart => true;

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var straight = Plans.All(lab.Steps, _ => 0);
        if (await PassAsync(lab, straight, new Kill([0]), cancellationToken)) await PassAsync(lab, straight, new Kill([0]) { After = Interruptions.Settling }, cancellationToken);
        if (!lab.Study.Found.Any(f => f.Experiment == Name && f.Question is not null)) await AtTheEndAsync(lab, straight, cancellationToken);
        lab.Study.Knowledge.NotRestarted = null;
    }

    /// <summary>Kills before every step that matters, and says what is lost first.</summary>
    /// <returns>Whether it was only not written yet: then it is to be tried once more, so that the service has a moment before it is killed.</returns>
    private async Task<bool> PassAsync(Lab lab, List<Act> straight, Kill kill, CancellationToken cancellationToken)
    {
        var tried = await Interruptions.TryAsync(lab, Interruptions.Points(lab), k => [.. Plans.All(k - 1, _ => 0)], kill, k => Plans.All(lab.Steps, _ => 0).Skip(k - 1), cancellationToken);
        foreach (var (k, differences) in tried.Where(t => t.Differences.Count > 0).OrderBy(t => t.K))
        {
            List<Act> plan = [.. straight.Take(k - 1), kill, .. straight.Skip(k - 1)];
            var evidence = await lab.ConfirmAsync(differences, plan, straight, lab.Main, cancellationToken);
            if (evidence.First is not { } first) continue;
            var isLate = kill.After == TimeSpan.Zero && await IsKeptLaterAsync(lab, plan, straight, first, cancellationToken);
            lab.Study.WritesLate ??= isLate;
            var made = $"step {k - 1} ({lab.Step(k - 1).Name})";
            var found = Suspect(lab, "CHK-RESTART", Question.External, new Probe(plan, straight, evidence, first, k - 1), $"after a restart, {Say(lab, first)}",
                $"The replica was killed (SIGKILL) and started again before step {k}. What {made} made was gone.");
            lab.Study.Find(!isLate ? found : found with
            {
                Severity = Severity.Warning,
                Question = null,
                Title = $"what {made} made is written after it was answered: killed at once, {Say(lab, first)}",
                Detail = $"The replica was killed (SIGKILL) as soon as step {k - 1} was answered. Killed {Interruptions.Settling.TotalSeconds:0} seconds later it loses nothing, so the state is kept outside the process; but a crash in the wrong moment loses what was acknowledged last.",
            });
            return isLate;
        }
        // Killed at once it had written all that the scenario shows.
        if (tried.Count > 0) lab.Study.WritesLate ??= false;
        return false;
    }

    /// <summary>Whether nothing of it is lost where the service has a moment between its answer and its end.</summary>
    private static async Task<bool> IsKeptLaterAsync(Lab lab, List<Act> plan, List<Act> straight, Difference lost, CancellationToken cancellationToken)
    {
        List<Act> later = [.. plan.Select(a => a is Kill kill ? kill with { After = Interruptions.Settling } : a)];
        for (var round = 0; round < 2; round++)
        {
            var (run, _, differences) = await lab.TryAsync(later, straight, lab.Main, cancellationToken);
            if (run[lost.Slot] is null || differences.Any(d => d.Slot == lost.Slot)) return false;
        }
        return true;
    }

    private async Task AtTheEndAsync(Lab lab, List<Act> straight, CancellationToken cancellationToken)
    {
        var reads = Enumerable.Range(1, lab.Steps).Where(s => lab.Step(s).IsSafe).ToList();
        if (reads.Count == 0) return;
        var all = Enumerable.Range(0, lab.Set.Addresses.Count).ToList();
        List<Act> plan = [.. straight, new Kill(all) { After = lab.Study.Settling }, .. reads.SelectMany(_ => all, (step, replica) => new Send(step, replica) { IsAside = true })];
        var model = await lab.LearnAsync(plan, cancellationToken);
        if (model.Unsteady is not null) return;
        var evidence = await lab.ProbeAsync(plan, plan.OnOne(), model, cancellationToken);
        // After a logout, or where it is deleted in the end, there is nothing that could still be there.
        lab.Study.Knowledge.AllRestarted = model.Last.Observations.Any(o => o.Slot.Occurrence > 0 && lab.Study.DependsOn.ContainsKey(o.Slot.Step) && lab.Main.IsAnsweredAsEver(o));
        // What the other replicas answer is the question of another experiment.
        if (evidence.Differences.Where(d => evidence.Run[d.Slot]!.Exchange.Replica == 0).MinBy(d => (d.Slot.Step, d.Rank)) is not { } lost) return;
        lab.Study.Find(Suspect(lab, "CHK-RESTART", Question.External, new Probe(plan, plan.OnOne(), evidence, lost, null),
            $"after a restart of all replicas, {Say(lab, lost)}", "All replicas were killed (SIGKILL) at the same time, started again, and read from."));
    }
}

/// <summary>Lets a replica take a session over that was never spoken to: it has just been started.</summary>
internal sealed class FreshExperiment : Experiment
{
    public override string Name => "fresh";

    public override bool Kills => true;

    public override bool NeedsRestart => true;

    public override bool Moves => true;

    public override string? LeftOut(Study study) => study.Scenario.Steps.Count < 2 ? "the scenario has only one step" : null;

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var straight = Plans.All(lab.Steps, _ => 0);
        var points = Interruptions.Points(lab);
        var tried = await Interruptions.TryAsync(lab, points, k => [.. Plans.All(k - 1, _ => 0)], new Kill([1]), k => Plans.All(lab.Steps, _ => 1).Skip(k - 1), cancellationToken);
        foreach (var (k, differences) in tried.Where(t => t.Differences.Count > 0).OrderBy(t => t.Differences.All(d => lab.Study.Elsewhere.Contains((d.Slot.Step, d.Place)))).ThenBy(t => t.K))
        {
            List<Act> plan = [.. straight.Take(k - 1), new Kill([1]) { After = lab.Study.Settling }, .. Plans.All(lab.Steps, _ => 1).Skip(k - 1)];
            var evidence = await lab.ConfirmAsync(differences, plan, straight, lab.Main, cancellationToken);
            evidence = evidence with { Differences = lab.Study.OfSession(evidence.Differences) };
            if (evidence.First is not { } first) continue;
            lab.Study.Find(Suspect(lab, "CHK-FRESH", Question.Context, new Probe(plan, straight, evidence, first, k - 1),
                $"on a replica that has just been started, {Say(lab, first)}", $"{First(k - 1)} went to replica 0, the rest to replica 1, which had been killed and started again just before."));
            break;
        }
    }
}

/// <summary>Sessions that are interrupted by a restart, at many steps, for the price of one restart where sessions do not disturb each other.</summary>
internal static class Interruptions
{
    private const int MostRestarts = 6;

    /// <summary>Who answers first and writes then has written by now.</summary>
    public static TimeSpan Settling { get; } = TimeSpan.FromSeconds(2);

    /// <summary>The steps before which a session is interrupted: all, or, where each needs a restart of its own, those after a step that made something.</summary>
    public static IReadOnlyList<int> Points(Lab lab)
    {
        var all = Enumerable.Range(2, Math.Max(0, lab.Steps - 1)).ToList();
        if (lab.Study.IsIsolated || all.Count <= MostRestarts) return all;
        var made = lab.Study.DependsOn.Values.SelectMany(on => on).Select(step => step + 1).Where(step => step <= lab.Steps).Distinct().Order().ToList();
        return [.. (made.Count > 0 ? made : all).Take(MostRestarts)];
    }

    /// <summary>Runs a session for every point up to there, restarts, and runs the rest.</summary>
    public static async Task<List<(int K, IReadOnlyList<Difference> Differences)>> TryAsync(
        Lab lab, IReadOnlyList<int> points, Func<int, IReadOnlyList<Act>> before, Kill kill, Func<int, IEnumerable<Act>> after, CancellationToken cancellationToken)
    {
        if (points.Count == 0) return [];
        var tried = new List<(int K, IReadOnlyList<Difference> Differences)>();
        if (!lab.Study.IsIsolated)
        {
            foreach (var k in points) tried.Add((k, await AloneAsync(k)));
            return tried;
        }
        var sessions = points.Select(k => (K: k, Session: new Session(lab))).ToList();
        try
        {
            await lab.EachAsync(sessions, async s => { await s.Session.DoAsync(before(s.K), cancellationToken); return 0; });
            await Task.Delay(kill.After, lab.Study.Time, cancellationToken);
            await lab.Set.RestartAsync(kill.Replicas, cancellationToken);
            sessions.ForEach(s => s.Session.Reconnect());
            await lab.EachAsync(sessions, async s => { await s.Session.DoAsync(after(s.K), cancellationToken); return 0; });
            tried.AddRange(sessions.Select(s => (s.K, lab.Main.Compare(s.Session.Run))));
        }
        finally
        {
            sessions.ForEach(s => s.Session.Dispose());
        }
        // What was answered otherwise before the kill (a lock that many found taken) was not the kill's doing.
        for (var i = 0; i < tried.Count; i++)
            if (tried[i].Differences.Any(d => d.Slot.Step < tried[i].K)) tried[i] = (tried[i].K, await AloneAsync(tried[i].K));
        return tried;

        async Task<IReadOnlyList<Difference>> AloneAsync(int k) =>
            (await lab.TryAsync([.. before(k), kill, .. after(k)], Plans.All(lab.Steps, _ => 0), lab.Main, cancellationToken)).Differences;
    }
}
