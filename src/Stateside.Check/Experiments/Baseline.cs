using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>Runs the undisturbed scenario several times, on one replica and then on another, and learns what differs anyway.</summary>
internal static partial class Baseline
{
    /// <summary>So that not all twins are within one second: clocks in responses would look like constants.</summary>
    private static readonly TimeSpan s_secondTurns = TimeSpan.FromMilliseconds(1_050);

    /// <summary>Learns the twins on the first replica.</summary>
    /// <returns>Null, or why no verdict is possible.</returns>
    public static async Task<string?> LearnAsync(Lab lab, CancellationToken cancellationToken)
    {
        var (study, plan) = (lab.Study, Plans.All(lab.Steps, _ => 0));
        var twins = new List<Run>();
        for (var i = 0; i < Math.Max(3, study.Options.Repeat); i++)
        {
            twins.Add(await lab.RunAsync(plan, cancellationToken));
            if (i == 0) await Task.Delay(s_secondTurns, study.Time, cancellationToken);
        }
        // A value may repeat that of an earlier step only because both came within one second, as a time does: one more twin lets it pass between such steps.
        var fast = TwinModel.Learn(twins, new Noise(_ => false));
        var slow = plan.SelectMany(act => act is Send send && fast.RepeatsEarlier(send.Step) ? (Act[])[new Wait(s_secondTurns), act] : [act]).ToList();
        if (slow.Count > plan.Count && fast.Unsteady is null)
        {
            twins.Add(await lab.RunAsync(slow, cancellationToken));
            // Other plans are learned from fast runs only: what the pace changes (the order of what came within one second) is noise in all of them.
            LearnNoise(lab, fast.Compare(twins[^1], twins[^2]), twins[^1]);
        }
        (study.Twins, study.Main) = (twins, TwinModel.Learn(twins, study.Noise));
        if (Unrepeatable(lab) is { } fault) return fault;
        await LearnMoreAsync(lab, plan, cancellationToken);
        study.Traits = Traits.Of(study.Scenario, PasswordFields(twins[^1]));
        study.Knowledge.HasUnsafe = study.Scenario.Steps.Any(s => !s.IsSafe && !s.IsWebSocket);
        study.Knowledge.NotShown = [.. study.Scenario.Steps.Where(s => !s.IsSafe).Select(s => new NotShown(study.Scenario.Name, s.Number, s.Name, s.IsWebSocket ? NotShown.OverWebSocket : "which was not sent twice"))];
        foreach (var refused in twins[^1].Observations.Where(o => o.Exchange.Answer is { Status: >= 400 }))
            study.Notice($"Step {refused.Slot.Step} ({refused.Exchange.Step.Name}) is answered {refused.Exchange.Answer!.Status} in the undisturbed scenario too.");
        foreach (var told in twins[^1].Observations.Where(o => o.Exchange is { Answer: not null, Detail: not null }))
            study.Notice($"Step {told.Slot.Step} ({told.Exchange.Step.Name}): {told.Exchange.Detail}.");
        study.IsIsolated = !study.Main.Grows && await IsIsolatedAsync(lab, cancellationToken);
        await DependenciesAsync(lab, cancellationToken);
        return null;
    }

    /// <summary>What has two values, as one side of an A/B test has, may be the same in all twins by chance; each more run halves the chance that it is taken for constant.</summary>
    private static async Task LearnMoreAsync(Lab lab, List<Act> plan, CancellationToken cancellationToken)
    {
        const int Runs = 5;
        for (var i = 0; i < Runs; i++) await LearnAsync(lab, plan, cancellationToken);
    }

    private static async Task LearnAsync(Lab lab, List<Act> plan, CancellationToken cancellationToken)
    {
        var (run, _, differences) = await lab.TryAsync(plan, plan, lab.Main, cancellationToken);
        LearnNoise(lab, differences, run);
    }

    /// <summary>Where a step fails, what differs after it is the failure's doing, and no way in which pages vary.</summary>
    private static void LearnNoise(Lab lab, IReadOnlyList<Difference> differences, Run run)
    {
        if (!differences.Any(d => d.Place is "status" or "trouble")) lab.LearnNoise(differences, run);
    }

    /// <summary>Runs the scenario on another replica: values that name the replica (a host name, a process id) are noise. Anything else is for the experiments.</summary>
    public static async Task CompareReplicasAsync(Lab lab, CancellationToken cancellationToken)
    {
        const int Runs = 3;
        var (study, plan, straight) = (lab.Study, Plans.All(lab.Steps, _ => 1), Plans.All(lab.Steps, _ => 0));
        var tried = new List<(Run Run, Run? Before, IReadOnlyList<Difference> Differences)>();
        for (var i = 0; i < Runs; i++) tried.Add(await lab.TryAsync(plan, straight, study.Main, cancellationToken));
        var always = tried[0].Differences.Where(d => tried.All(t => t.Differences.Any(o => o.Slot == d.Slot && o.Place == d.Place))).ToList();
        foreach (var difference in always) study.Elsewhere.Add((difference.Slot.Step, difference.Place));
        foreach (var difference in always.Where(d => tried.All(t => t.Run[d.Slot]![d.Place] == d.Actual) && IsName(study.Main, d)))
        {
            study.Noise.Add(difference.Slot.Step, difference.Place);
            study.Notice($"Step {difference.Slot.Step} names the replica at {difference.Place}; that is not counted as a difference.");
        }
    }

    private static HashSet<string> PasswordFields(Run run) => [.. run.Observations.Select(o => o.Exchange.Answer).OfType<Answer>()
        .SelectMany(HtmlPage.Of).SelectMany(p => p.Fields).Where(f => f.IsPassword).Select(f => f.Name)];

    private static string? Unrepeatable(Lab lab)
    {
        var study = lab.Study;
        if (study.Twins.All(t => t.Observations.Any(o => o.Exchange.Answer is null)))
        {
            var first = study.Twins[^1].Observations.First(o => o.Exchange.Answer is null);
            return $"step {first.Slot.Step} ({first.Exchange.Step.Name}) has no response in the undisturbed scenario: {first.Exchange.Detail ?? first.Exchange.Trouble.ToString()}";
        }
        if (study.Main.Unsteady is not var (step, statuses))
            return study.Twins.All(t => t.Observations.All(o => o.Exchange.Answer is { Status: >= 400 }))
                ? $"no step succeeds in the undisturbed scenario ({string.Join(", ", study.Twins[^1].Observations.Select(o => o.Exchange.Answer!.Status).Distinct().Order())}), so that there is nothing to disturb. Do the addresses, the credentials and the paths fit this service?"
                : null;
        if (study.Twins.Select(t => t[new Slot(step)]?.Exchange).FirstOrDefault(e => e?.Trouble == Trouble.NotSent) is { } unsent)
            return $"step {step} ({lab.Step(step).Name}) can be sent in some runs of the undisturbed scenario and not in others: {unsent.Detail}. "
                + "If the service shows it only the first time, let the scenario begin where every visit begins; a value that needs not be taken from a response is left as it was recorded by --no-correlate.";
        var name = $"step {step} ({lab.Step(step).Name})";
        if (statuses.Any(s => s is nameof(Trouble.NoConnection) or nameof(Trouble.BrokenOff)))
            return $"{name} is answered in some runs of the undisturbed scenario, and in others the service breaks the connection: {string.Join(", ", statuses)}. Read its log at that moment.";
        // The last of the twins waits between its steps, longer than connections are kept.
        if (study.Twins.Count > Math.Max(3, study.Options.Repeat) && statuses.SkipLast(1).Distinct().Count() == 1)
            return $"{name} is answered {statuses[0]} at once and {statuses[^1]} where a second passes between the steps: what it needs ends within a second, or with the connection over which it was made. "
                + "State that is bound to a connection cannot move to any other replica.";
        return $"{name} has another status from run to run of the undisturbed scenario: {string.Join(", ", statuses)}. "
            + "If a name is taken by an earlier run, make it unique with {{$guid}}; if a limit is hit, raise it for the check; if the step is random, leave it out.";
    }

    /// <summary>Two sessions step by step beside each other, undisturbed, and one within the other: does either see the other?</summary>
    private static async Task<bool> IsIsolatedAsync(Lab lab, CancellationToken cancellationToken)
    {
        const int MostWrites = 4;
        // Step by step both write the same to what they share; so a whole session is had after each write, before the first one goes on.
        foreach (var write in lab.Study.Scenario.Steps.Where(s => !s.IsSafe && s.Number < lab.Steps).Select(s => s.Number).TakeLast(MostWrites))
        {
            using var outer = new Session(lab);
            await outer.DoAsync(Plans.All(write, _ => 0), cancellationToken);
            await lab.RunAsync(Plans.All(lab.Steps, _ => 0), cancellationToken);
            await outer.DoAsync(Plans.All(lab.Steps, _ => 0).Skip(write), cancellationToken);
            if (lab.Main.Compare(outer.Run).Count > 0) return false;
        }
        using var one = new Session(lab);
        using var two = new Session(lab);
        for (var step = 1; step <= lab.Steps; step++)
        {
            await one.DoAsync([new Send(step, 0)], cancellationToken);
            await two.DoAsync([new Send(step, 0)], cancellationToken);
        }
        return lab.Main.Compare(one.Run).Count == 0 && lab.Main.Compare(two.Run).Count == 0 && !await SeesOthersAsync(lab, cancellationToken);
    }

    /// <summary>
    /// Whether what a session reads twice changes in between if another session is had there. What varies from run to run anyway (a list of what everybody did last) does not
    /// show that by itself.
    /// </summary>
    private static async Task<bool> SeesOthersAsync(Lab lab, CancellationToken cancellationToken)
    {
        var all = Plans.All(lab.Steps, _ => 0);
        List<Act> reads = [.. all.OfType<Send>().Where(send => lab.Step(send.Step).IsSafe).Select(send => send with { IsAside = true })];
        if (reads.Count == 0 || reads.Count == all.Count) return false;
        var anyway = await ChangedAsync(isAlone: true);
        anyway.UnionWith(await ChangedAsync(isAlone: true));
        var seen = await ChangedAsync(isAlone: false);
        seen.ExceptWith(anyway);
        if (seen.Count > 0) seen.IntersectWith(await ChangedAsync(isAlone: false));
        return seen.Count > 0;

        async Task<HashSet<(int Step, string Place)>> ChangedAsync(bool isAlone)
        {
            using var one = new Session(lab);
            await one.DoAsync([.. all, .. reads], cancellationToken);
            if (!isAlone) await lab.RunAsync(all, cancellationToken);
            await one.DoAsync(reads, cancellationToken);
            var changed = new HashSet<(int, string)>();
            foreach (var first in one.Run.Observations.Where(o => o.Slot.Occurrence == 1))
                if (one.Run[new Slot(first.Slot.Step, 2)] is { } second)
                    changed.UnionWith(first.Places.Union(second.Places).Where(place => first[place] != second[place]).Select(place => (first.Slot.Step, place)));
            return changed;
        }
    }

    /// <summary>Leaves each step out, to see which later steps are answered otherwise: those depend on it.</summary>
    private static async Task DependenciesAsync(Lab lab, CancellationToken cancellationToken)
    {
        const int Controls = 5;
        var straight = Plans.All(lab.Steps, _ => 0);
        var once = (await lab.EachAsync(Enumerable.Range(1, lab.Steps), WithoutAsync)).Where(w => w.Differ.Count > 0).ToList();
        // Two that differ by chance at one place would be taken for a dependency: so undisturbed runs come in between, which show chance too.
        for (var i = 0; once.Count > 0 && i < Controls; i++) await LearnAsync(lab, straight, cancellationToken);
        // The other way round, so that what one leaves undone does not befall the same one twice.
        once.Reverse();
        var twice = await lab.EachAsync(once, async first => (await WithoutAsync(first.Left)).Differ.Intersect(first.Differ).Select(d => (first.Left, d.Step, d.Place)));
        foreach (var (left, step, place) in twice.SelectMany(t => t).Where(t => t.Step > t.Left && !lab.Study.Noise.Contains(t.Step, t.Place)))
        {
            if (!lab.Study.DependsOn.TryGetValue(step, out var on)) lab.Study.DependsOn.Add(step, on = []);
            on.Add(left);
        }
        lab.Study.Knowledge.ShowsState = lab.Study.DependsOn.Count > 0;

        async Task<(int Left, HashSet<(int Step, string Place)> Differ)> WithoutAsync(int left)
        {
            var plan = straight.Where(a => a is Send send && send.Step != left).ToList();
            return (left, (await lab.TryAsync(plan, straight, lab.Main, cancellationToken)).Differences.Select(d => (d.Slot.Step, d.Place)).ToHashSet());
        }
    }

    /// <summary>Whether a constant that differs between replicas is a name of the replica, and not an amount.</summary>
    private static bool IsName(TwinModel model, Difference difference)
    {
        if (difference.Expected is null || difference.Actual is null || difference.Place is "status" or "trouble" || !model.IsConstant(difference.Slot, difference.Place)) return false;
        if (difference.Place.StartsWith("header:", StringComparison.Ordinal) && !difference.Place.Contains("limit", StringComparison.OrdinalIgnoreCase)) return true;
        // A name that a machine was given (web-1, a hash), in the place of another; not a person's, and no other sentence.
        var (was, now) = (Parts().Matches(difference.Expected), Parts().Matches(difference.Actual));
        if (Digits().Replace(difference.Expected, "#") != Digits().Replace(difference.Actual, "#") && was.Count == now.Count
            && was.Zip(now).All(p => p.First.Value == p.Second.Value || Made().IsMatch(p.First.Value) && Made().IsMatch(p.Second.Value))) return true;
        return Name().IsMatch(difference.Place) || Name().IsMatch(difference.Expected);
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    [GeneratedRegex(@"[\w.\-]+")]
    private static partial Regex Parts();

    [GeneratedRegex(@"[\d._\-]")]
    private static partial Regex Made();

    [GeneratedRegex(@"(?<![a-z])(pid|proc|process|port|host|hostname|instance|node|replica|server|worker|pod|machine|container|build|version|started|uptime|region|zone)", RegexOptions.IgnoreCase)]
    private static partial Regex Name();
}
