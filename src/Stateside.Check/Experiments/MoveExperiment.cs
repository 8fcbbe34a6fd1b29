using Stateside.Check.Comparing;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>
/// The first k - 1 steps on one replica, the rest on another that never served this session, for every k and in both directions. The smallest k at which a step differs
/// names the step that made the state: moved one step earlier, the other replica makes it itself.
/// </summary>
internal sealed class MoveExperiment : Experiment
{
    private const int MostFindings = 3;

    private TimeSpan _settling = Interruptions.Settling;

    public override string Name => "move";

    public override bool Moves => true;

    public override string? LeftOut(Study study) => study.Scenario.Steps.Count < 2 ? "the scenario has only one step" : null;

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var moves = from direction in new[] { (From: 0, To: 1), (From: 1, To: 0) } from k in Enumerable.Range(2, lab.Steps - 1) select (direction.From, direction.To, K: k);
        var tried = await lab.EachAsync(moves, async move => (move, Differences: (await lab.TryAsync(Plan(lab, move), Straight(lab), lab.Main, cancellationToken)).Differences));
        // What was answered otherwise before the session moved (a lock that many found taken) was not the move's doing.
        for (var i = 0; i < tried.Count; i++)
            if (tried[i].Differences.Any(d => d.Slot.Step < tried[i].move.K) && tried[i].move.From == 0)
                tried[i] = (tried[i].move, (await lab.TryAsync(Plan(lab, tried[i].move), Straight(lab), lab.Main, cancellationToken)).Differences);
        lab.Study.Knowledge.NotMoved = null;
        // What is everybody's comes last: which step made it cannot be told by moving.
        var suspects = tried.Where(t => t.Differences.Count > 0).OrderBy(t => IsOfAll(lab, t.Differences)).ThenBy(t => t.move.From).ThenBy(t => t.move.K).ToList();
        var seen = new HashSet<int>();
        var isLasting = false;
        foreach (var (move, differences) in suspects)
        {
            // Of what a later move shows, only what no earlier one did is news.
            var news = differences.Where(d => !seen.Contains(d.Slot.Step) && !lab.Study.Noise.Contains(d.Slot.Step, d.Place)).ToList();
            if (news.Count == 0 || seen.Count > 0 && IsOfAll(lab, news)) continue;
            if (seen.Count > 0 && lab.Study.Found.Count(f => f.Experiment == Name && f.Severity == Severity.Error) >= MostFindings) break;
            var plan = Plan(lab, move);
            var evidence = await lab.ConfirmAsync(news, plan, Straight(lab), lab.Main, cancellationToken);
            evidence = evidence with { Differences = lab.Study.OfSession(evidence.Differences) };
            if (evidence.First is not { } first) continue;
            foreach (var difference in differences) seen.Add(difference.Slot.Step);
            var probe = new Probe(plan, Straight(lab), evidence, first, move.K - 1);
            // Once something does not settle, the rest need not be waited for: that question is answered.
            if (!isLasting && await lab.SettlesAsync(plan, Straight(lab), lab.Main, first, cancellationToken))
            {
                lab.Study.Find(Late(lab, probe));
                continue;
            }
            isLasting = true;
            bool isRightWhenCold;
            try
            {
                isRightWhenCold = await IsRightWhenColdAsync(lab, move, first, cancellationToken);
            }
            catch (ReplicaException)
            {
                // A replica that does not come back ends the experiment, and must not take along what was seen before.
                lab.Study.Find(Moved(lab, move, probe, differences));
                throw;
            }
            if (isRightWhenCold)
            {
                lab.Study.Find(Suspect(lab, "CHK-STALE", Question.Spread, probe, $"a replica answers from what it read before: {Say(lab, first)}",
                    $"{First(move.K - 1)} went to replica {move.From}, the rest to replica {move.To}, which had served other sessions before. Started anew just before, it answers right: so it holds a copy that it does not renew."));
                continue;
            }
            lab.Study.Find(Moved(lab, move, probe, differences));
            // From the replica that everything was learned on: another may have other things of everybody's.
            await LookBackAsync(lab, (0, 1, move.K), first, cancellationToken);
        }
    }

    private Suspicion Moved(Lab lab, (int From, int To, int K) move, Probe probe, IEnumerable<Difference> differences)
    {
        var first = probe.Difference;
        var also = differences.Select(d => d.Slot.Step).Distinct().Where(s => s != first.Slot.Step).ToList();
        var found = Suspect(lab, "CHK-MOVE", Question.Context, probe,
            $"on another replica, {Say(lab, first)}",
            $"{First(move.K - 1)} went to replica {move.From}, the rest to replica {move.To}, which had not served this session. The state was made by step {move.K - 1} ({lab.Step(move.K - 1).Name})."
            + (also.Count > 0 ? $" {(also.Count == 1 ? "Step" : "Steps")} {string.Join(", ", also)} {(also.Count == 1 ? "differs" : "differ")} too." : ""));
        return found.Rule != "CHK-LIMIT" ? found
            : found with { Detail = $"{First(move.K - 1)} went to replica {move.From}, the rest to replica {move.To}. One replica alone answers step {first.Slot.Step} with {first.Expected}, the two together with {first.Actual}: each counts requests by itself." };
    }

    private static bool IsOfAll(Lab lab, IEnumerable<Difference> differences) => differences.All(d => lab.Study.Elsewhere.Contains((d.Slot.Step, d.Place)));

    /// <summary>Whether the other replica answers right if it was started just before the move: then each request carries what it needs, and it is a copy in the process that is wrong.</summary>
    private async Task<bool> IsRightWhenColdAsync(Lab lab, (int From, int To, int K) move, Difference first, CancellationToken cancellationToken)
    {
        if (!lab.Set.CanRestart) return false;
        var plan = Plan(lab, move);
        plan.Insert(move.K - 1, new Kill([move.To]) { After = _settling });
        var (run, _, differences) = await lab.TryAsync(plan, Straight(lab), lab.Main, cancellationToken);
        var isRight = run[first.Slot]?.Exchange.Answer is not null && !differences.Any(d => d.Slot == first.Slot);
        // Who does not show it after that time shows it never, and need not be waited for again.
        if (!isRight) _settling = TimeSpan.Zero;
        return isRight;
    }

    /// <summary>Moves a session, and then looks at its first replica again: was it only not seen there, or is it gone?</summary>
    private async Task LookBackAsync(Lab lab, (int From, int To, int K) move, Difference first, CancellationToken cancellationToken)
    {
        var shows = Enumerable.Range(1, move.K - 1).Where(s => lab.Step(s).IsSafe && lab.Study.DependsOn.TryGetValue(s, out var on) && on.Count > 0).ToList();
        var look = shows.Count > 0 ? shows[^1] : lab.Step(first.Slot.Step).IsSafe ? first.Slot.Step : 0;
        if (look == 0) return;
        List<Act> plan = [.. Plans.All(move.K - 1, _ => move.From), new Send(first.Slot.Step, move.To), new Send(look, move.From)];
        var model = await lab.LearnAsync(plan, cancellationToken);
        if (model.Unsteady is not null) return;
        var evidence = await lab.ProbeAsync(plan, plan.OnOne(), model, cancellationToken);
        var back = evidence.Run.Observations.Count > 0 ? evidence.Run.Observations[^1].Slot : default;
        if (evidence.Differences.Where(d => d.Slot == back).MinBy(d => d.Rank) is not { } lost) return;
        lab.Study.Find(Suspect(lab, "CHK-DESTROYED", Question.Context, new Probe(plan, plan.OnOne(), evidence, lost, move.K - 1),
            $"one request to another replica destroys the session: back on the first, {Say(lab, lost)}",
            $"After step {first.Slot.Step} went to replica {move.To}, step {look} was sent to replica {move.From} again, which had begun the session, and did not find it any more. A single stray request ends the session, so stickiness that fails once is enough to lose it."));
    }

    private static List<Act> Plan(Lab lab, (int From, int To, int K) move) => Plans.All(lab.Steps, step => step < move.K ? move.From : move.To);

    private static List<Act> Straight(Lab lab) => Plans.All(lab.Steps, _ => 0);
}
