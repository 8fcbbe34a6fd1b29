using Stateside.Check.Comparing;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Experiments;

/// <summary>
/// Unsafe steps of one session, many at once. One after the other they add up, and the numbers and lengths that later steps show grow by the same amount each time; sent at
/// once, as many must have been added as were acknowledged.
/// </summary>
internal sealed class ParallelExperiment : Experiment
{
    private const int MostSteps = 5;
    private const int Rounds = 3;

    private readonly record struct Number(Slot Slot, string Place, int Word);

    public override string Name => "parallel";

    public override string? LeftOut(Study study) => study.Effects.Any() ? null : "no step shows what an unsafe step did";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var writes = lab.Study.Effects.Where(e => e.Read > e.Write).Select(e => e.Write).Distinct().Order().Where(s => !lab.Study.Traits.Logouts.Contains(s) && lab.Main.Last[new Slot(s)]?.Exchange.Answer is { Status: < 400 });
        foreach (var write in writes.Take(MostSteps))
            if (await StepAsync(lab, lab.Step(write), cancellationToken)) return;
    }

    private async Task<bool> StepAsync(Lab lab, Step step, CancellationToken cancellationToken)
    {
        var grows = await GrowthAsync(lab, step, cancellationToken);
        if (grows.Count == 0) return false;
        // Replicas that show different things already would seem to lose what one of them does not show.
        var isMovable = lab.Set.Addresses.Count > 1 && !lab.Study.Found.Any(f => f.Question is Question.Context or Question.Spread);
        var replicas = Enumerable.Range(0, lab.Study.Options.Copies).Select(i => isMovable ? i % lab.Set.Addresses.Count : 0).ToList();
        var plan = Plan(lab, step, new Burst(step.Number, replicas, IsOne: false));
        var (losses, seen) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var (isSeen, lost) = await LossAsync(lab, step, plan, grows, cancellationToken);
            if (isSeen) seen++;
            if (lost is not { } loss || ++losses < 2) continue;
            await ReportAsync(lab, step, plan, loss, grows, isMovable, cancellationToken);
            lab.Study.Knowledge.AddedUp = false;
            return true;
        }
        // Lost once in several rounds is too little to report, and too much to say that all add up.
        if (losses > 0) lab.Study.Knowledge.AddedUp = false;
        else if (isMovable && seen == Rounds) lab.Study.Knowledge.AddedUp ??= true;
        return false;
    }

    /// <summary>Which numbers later steps show, and by how much each more of the step makes them grow.</summary>
    private static async Task<Dictionary<Number, (decimal By, decimal Drift)>> GrowthAsync(Lab lab, Step step, CancellationToken cancellationToken)
    {
        var one = await lab.RunAsync(Plan(lab, step), cancellationToken);
        var again = await lab.RunAsync(Plan(lab, step), cancellationToken);
        var two = await lab.RunAsync(Plan(lab, step, Another(step)), cancellationToken);
        var before = await lab.RunAsync(Plan(lab, step), cancellationToken);
        var four = await lab.RunAsync(Plan(lab, step, Another(step), Another(step), Another(step)), cancellationToken);
        var grows = new Dictionary<Number, (decimal, decimal)>();
        foreach (var (number, first) in Numbers(one, step))
        {
            if (Value(again, number) is not { } second || Value(two, number) is not { } twice || Value(before, number) is not { } base4 || Value(four, number) is not { } fourfold) continue;
            var drift = second - first;
            var by = twice - second - drift;
            if (by != 0 && fourfold - base4 - drift == 3 * by) grows.Add(number, (by, drift));
        }
        return grows;
    }

    /// <summary>Runs the burst.</summary>
    /// <returns>Whether several were acknowledged and a number shows what became of them; and the number that shows less than was acknowledged, or null.</returns>
    private static async Task<(bool IsSeen, (Run Run, Difference Difference, int Acknowledged, decimal Lost)? Loss)> LossAsync(
        Lab lab, Step step, List<Act> plan, Dictionary<Number, (decimal By, decimal Drift)> grows, CancellationToken cancellationToken)
    {
        var before = await lab.RunAsync(Plan(lab, step), cancellationToken);
        var run = await lab.RunAsync(plan, cancellationToken);
        var acknowledged = run.Observations.Count(o => o.Slot.Step == step.Number && o.Slot.Occurrence > 0 && o.Exchange.Answer is { Status: < 400 });
        var isSeen = false;
        foreach (var (number, (by, drift)) in grows)
        {
            if (Value(before, number) is not { } start || Value(run, number) is not { } end) continue;
            isSeen = acknowledged > 1;
            var expected = start + drift + by * acknowledged;
            var lost = (expected - end) / by;
            if (lost <= 0) continue;
            var difference = new Difference(number.Slot, number.Place, expected.ToString(System.Globalization.CultureInfo.InvariantCulture), run[number.Slot]![number.Place]);
            return (isSeen, (run, difference, acknowledged, lost));
        }
        return (isSeen, null);
    }

    private async Task ReportAsync(Lab lab, Step step, List<Act> plan, (Run Run, Difference Difference, int Acknowledged, decimal Lost) loss,
        Dictionary<Number, (decimal By, decimal Drift)> grows, bool isSpread, CancellationToken cancellationToken)
    {
        var control = Plan(lab, step);
        var probe = new Probe(plan, control, new Evidence(loss.Run, lab.Main.Last, [loss.Difference]), loss.Difference, step.Number);
        var suspicion = Suspect(lab, "CHK-LOST", Question.Spread, probe,
            $"{loss.Lost:0} of {loss.Acknowledged} acknowledged updates are lost when they come at once: step {loss.Difference.Slot.Step} shows {loss.Difference.Actual} at {loss.Difference.Place}",
            $"Step {step.Number} ({step.Name}) was sent {loss.Acknowledged + 1} times, {loss.Acknowledged} of them at once{(isSpread ? " over the replicas" : "")}, and each was answered with success. One after the other they add up; at once some overwrite others (read, change, write back).");
        lab.Study.Find(await TravelsAsync(lab, step, plan, grows, cancellationToken)
            ? suspicion with
            {
                Severity = Severity.Warning,
                Question = null,
                Detail = suspicion.Detail + " The state travels in the client's cookie, so it is the client that keeps only the last response: nothing is lost at the service.",
            }
            : suspicion);
    }

    /// <summary>Whether the client that forgets the responses of the burst does not see any of it: then the state travels with the client.</summary>
    private static async Task<bool> TravelsAsync(Lab lab, Step step, List<Act> plan, Dictionary<Number, (decimal By, decimal Drift)> grows, CancellationToken cancellationToken)
    {
        var before = await lab.RunAsync(Plan(lab, step), cancellationToken);
        var at = plan.FindIndex(a => a is Burst);
        var run = await lab.RunAsync([.. plan.Take(at), new Park(), plan[at], new Resume(), .. plan.Skip(at + 1)], cancellationToken);
        return grows.All(g => Value(before, g.Key) is { } start && Value(run, g.Key) is { } end && end == start + g.Value.Drift);
    }

    private static Send Another(Step step) => new(step.Number, 0) { Change = _ => Keys.Another(step) };

    private static List<Act> Plan(Lab lab, Step step, params IEnumerable<Act> more)
    {
        var plan = Plans.All(lab.Steps, _ => 0);
        plan.InsertRange(step.Number, more);
        return plan;
    }

    private static IEnumerable<(Number Number, decimal Value)> Numbers(Run run, Step step) =>
        from observation in run.Observations
        where observation.Slot.Step > step.Number && observation.Slot.Occurrence == 0 && observation.Exchange.Step.IsSafe && !observation.IsOfOne(step.Number)
        from place in observation.Places
        where place is not "status" && !place.StartsWith("header:", StringComparison.Ordinal) && !place.StartsWith("cookie:", StringComparison.Ordinal) && !Ids.IsIdLike(place)
        from word in TextRule.Numbers(observation[place]!)
        select (new Number(observation.Slot, place, word.Index), word.Number);

    private static decimal? Value(Run run, Number number)
    {
        if (run[number.Slot]?[number.Place] is not { } text) return null;
        foreach (var (index, value) in TextRule.Numbers(text))
            if (index == number.Word) return value;
        return null;
    }
}
