using Stateside.Check.Comparing;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>Numbers that unsafe steps give out as ids, from all replicas, from one that has just been started, and after a restart: is any given twice?</summary>
internal sealed class IdsExperiment : Experiment
{
    private const int Rounds = 2;

    private readonly record struct Given(int Replica, Run Run, Observation Observation, string Place);

    public override string Name => "ids";

    public override bool Kills => true;

    public override bool Moves => true;

    public override string? LeftOut(Study study) => Places(study).Any() ? null : "no unsafe step gives out a number as an id";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var places = Places(lab.Study).ToList();
        var given = new Dictionary<(string Place, string Id), Given>();
        for (var round = 0; round < Rounds; round++)
            for (var replica = 0; replica < lab.Set.Addresses.Count; replica++)
                if (await TwiceAsync(lab, replica, places, given, cancellationToken) is var (first, second) && !lab.Study.Found.Any(f => f.Experiment == Name))
                    Tell(lab, Question.Spread, first, second, $"two replicas give out the same id: {Shown(second)}", $"Replica {first.Replica} gave it before, replica {second.Replica} gave it again: each counts for itself.");
        if (!lab.Set.CanRestart) return;
        await lab.Set.RestartAsync([1], cancellationToken);
        if (await TwiceAsync(lab, 1, places, given, cancellationToken) is var (old, cold))
            Tell(lab, Question.Context, old, cold, $"a replica that has just been started gives out an id that another gave: {Shown(cold)}", $"Replica {old.Replica} gave it before; replica 1 was started anew and counts from the beginning.");
        await lab.Set.RestartAsync([0], cancellationToken);
        if (await TwiceAsync(lab, 0, places, given, cancellationToken) is var (before, after))
            Tell(lab, Question.External, before, after, $"after a restart, an id is given out a second time: {Shown(after)}", "The replica was killed and started again, and its counter with it, while what it had numbered is still there.");
    }

    /// <summary>Runs the scenario on a replica; the id that was given before, by a run of another replica or before a restart, or null.</summary>
    private static async Task<(Given First, Given Second)?> TwiceAsync(
        Lab lab, int replica, List<(Slot Slot, string Place)> places, Dictionary<(string, string), Given> given, CancellationToken cancellationToken)
    {
        var run = await lab.RunAsync(Plans.All(lab.Steps, _ => replica), cancellationToken);
        (Given, Given)? twice = null;
        foreach (var (slot, place) in places)
        {
            if (run[slot] is not { } observation || observation[place] is not { } id) continue;
            var now = new Given(replica, run, observation, place);
            // What one step gives, another of the same kind must not give either: steps are compared by their target.
            var key = (observation.Exchange.Step.Target + place, id);
            if (!given.TryAdd(key, now)) twice ??= (given[key], now);
        }
        return twice;
    }

    /// <summary>Where unsafe steps answer with a number as an id that no two runs on one replica share.</summary>
    private static IEnumerable<(Slot Slot, string Place)> Places(Study study) =>
        from observation in study.Main.Last.Observations
        where !observation.Exchange.Step.IsSafe && observation.Exchange.Answer is { Status: < 400 }
        from place in study.Main.VaryingPlaces(observation.Slot)
        where Ids.IsIdLike(place) && !place.StartsWith("header:", StringComparison.Ordinal)
        let ids = study.Twins.Select(t => t[observation.Slot]?[place]).ToList()
        where ids.All(id => id is not null && Labels.IsNumber(id, out _)) && ids.Distinct().Count() == ids.Count
        select (observation.Slot, place);

    private static string Shown(Given given) => $"step {given.Observation.Slot.Step} ({given.Observation.Exchange.Step.Name}) answers {given.Observation[given.Place]} at {given.Place}";

    private void Tell(Lab lab, Question question, Given first, Given second, string title, string detail) => lab.Study.Find(new Suspicion("CHK-IDS", Severity.Error, question, Name, title, detail)
    {
        Step = second.Observation.Slot.Step,
        MadeBy = first.Observation.Slot.Step,
        Run = new Run([.. first.Run.Observations, .. second.Run.Observations]),
        Expected = first.Observation.Exchange,
        Actual = second.Observation.Exchange,
    });
}
