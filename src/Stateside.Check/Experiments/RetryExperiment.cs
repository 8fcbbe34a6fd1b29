using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Experiments;

/// <summary>
/// Every unsafe step sent twice, byte by byte the same: one after the other, at once, and, with an Idempotency-Key, to another replica. What later steps show tells
/// whether the effect was doubled; a refusal (409, 412, 422), a replay and no effect at all are safe.
/// </summary>
internal sealed partial class RetryExperiment : Experiment
{
    private const int RacingCopies = 8;
    private const int Races = 3;

    public override string Name => "retry";

    public override string? LeftOut(Study study) => study.Knowledge.HasUnsafe ? null : "the scenario has no unsafe step";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var notShown = new List<NotShown>();
        foreach (var step in lab.Study.Scenario.Steps.Where(s => !s.IsSafe))
        {
            var answer = lab.Main.Last[new Slot(step.Number)]?.Exchange.Answer;
            // What is refused the first time has no effect that a second one could double.
            var why = step.IsWebSocket ? NotShown.OverWebSocket : answer is null ? "which has no response" : answer.Status >= 400 ? $"which is answered {answer.Status}" : null;
            why ??= await RetryAsync(lab, step, cancellationToken);
            if (why is not null) notShown.Add(new NotShown(lab.Study.Scenario.Name, step.Number, step.Name, why));
        }
        lab.Study.Knowledge.NotShown = notShown;
        lab.Study.Knowledge.NotRetried = null;
    }

    /// <summary>Sends it twice in every way.</summary>
    /// <returns>Null, or why neither a second effect nor the refusal of one could be seen.</returns>
    private async Task<string?> RetryAsync(Lab lab, Step step, CancellationToken cancellationToken)
    {
        var key = Keys.Name(step);
        var readers = lab.Study.DependsOn.Where(d => d.Key > step.Number && d.Value.Contains(step.Number)).Select(d => d.Key).ToList();
        var rule = key is null ? "CHK-DOUBLED" : "CHK-KEY";
        var after = Plan(lab, step, new Send(step.Number, 0) { IsAgain = true });
        var (found, run) = await DoublesAsync(lab, step, after, cancellationToken);
        var second = run[new Slot(step.Number, 1)]?.Exchange;
        // Refused though the first was not: that too says that a second one has no effect.
        var isRefused = second?.Answer is { Status: >= 400 and < 500 } && run[new Slot(step.Number)]?.Exchange.Answer is { Status: < 400 };
        // Who asks for what one copy made, by the id that was answered, sees that one, and not whether there are two; unless the second copy is answered with the same.
        var isSeen = readers.Exists(r => lab.Main.Last[new Slot(r)]?.IsOfOne(step.Number) != true) || isRefused || found is not null || readers.Exists(r => NamesSame(lab, run, step, r));
        var why = isSeen ? null : readers.Count > 0 ? "which later steps read only by the id that it answers" : NotShown.Unread;
        if (isSeen) lab.Study.Knowledge.Retried++;
        if (second?.Answer is { Status: >= 500 } && run[new Slot(step.Number)]?.Exchange.Answer is { Status: < 500 })
            lab.Study.Find(new Suspicion("CHK-5XX", Severity.Warning, null, Name, $"step {step.Number} ({step.Name}) sent a second time is answered {second.Answer.Status}", "The same request was sent twice, one after the other.")
            { Step = step.Number, Actual = second, Run = run, Plan = after });
        if (found is not null)
        {
            Report(lab, rule, step, found, key is null ? "The same request was sent twice, one after the other, as a client does that has not got the first response."
                : $"The same request was sent twice with the same {key}, one after the other.");
            return why;
        }
        if (await RaceAsync(lab, step, key, isSeen ? readers : null, cancellationToken)) return why;
        await ElsewhereAsync(lab, step, key, cancellationToken);
        if (key is null) return why;
        await OtherBodyAsync(lab, step, key, cancellationToken);
        await WithoutKeyAsync(lab, step, key, cancellationToken);
        return why;
    }

    /// <summary>Whether the second copy was answered with the same as the first of that by which a later step asks.</summary>
    private static bool NamesSame(Lab lab, Run run, Step step, int reader)
    {
        var asked = (lab.Main.Last[new Slot(reader)]?.Exchange.Request?.Filled?.Target ?? []).Where(p => p.Step == step.Number).Select(p => p.Place!).ToList();
        var (first, second) = (run[new Slot(step.Number)], run[new Slot(step.Number, 1)]);
        return asked.Count > 0 && asked.TrueForAll(place => first?[place] is { } one && one == second?[place]);
    }

    /// <summary>Whether two or more at once have more than one effect. A race is not lost every time, so it is run several times.</summary>
    /// <param name="lab">Where.</param>
    /// <param name="step">The step.</param>
    /// <param name="key">The header field that holds its key, or null.</param>
    /// <param name="readers">The steps that show its effect; null where none would show a second.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    private async Task<bool> RaceAsync(Lab lab, Step step, string? key, List<int>? readers, CancellationToken cancellationToken)
    {
        var isMovable = lab.Set.Addresses.Count > 1 && !lab.Study.Found.Any(f => f.Question == Question.Context);
        var copies = Enumerable.Range(0, key is null ? 2 : RacingCopies).Select(i => isMovable && key is not null ? i % 2 : 0).ToList();
        var plan = Plans.All(lab.Steps, _ => 0);
        plan[step.Number - 1] = new Burst(step.Number, copies, IsOne: true);
        var isSeen = false;
        for (var race = 0; race < (key is null ? 1 : Races); race++)
        {
            var (found, run) = await DoublesAsync(lab, step, plan, cancellationToken);
            // Reads that are refused after copies at once, which have connections of their own, say nothing of how often it was done.
            isSeen |= readers?.Exists(r => run[new Slot(r)] is { } read && lab.Main.IsAnsweredAsEver(read)) == true || run.Observations.Count(o => o.Slot.Step == step.Number && o.Exchange.Answer is { Status: < 400 }) == 1;
            if (found is null) continue;
            Report(lab, key is null ? "CHK-DOUBLED" : "CHK-KEY", step, found, key is null ? "The same request was sent twice at the same time."
                : $"The same request was sent {copies.Count} times at once with the same {key}: the key is looked up and recorded in two steps, and between them another copy gets through.");
            return true;
        }
        if (isSeen && readers is not null) lab.Study.Knowledge.Raced++;
        return false;
    }

    /// <summary>The second copy to another replica, or, where there is only one, after its restart: what was done before may be known to one process only.</summary>
    private async Task ElsewhereAsync(Lab lab, Step step, string? key, CancellationToken cancellationToken)
    {
        var isMovable = lab.Set.Addresses.Count > 1;
        // Without a key nothing says that the other replica should know the first copy, and where replicas show different things already it need not be the retry that shows.
        if (key is null && lab.Study.Found.Any(f => f.Question is Question.Context or Question.Spread) || !isMovable && !lab.Set.CanRestart) return;
        var again = new Send(step.Number, isMovable ? 1 : 0) { IsAgain = true };
        var plan = Plan(lab, step, again);
        if (!isMovable) plan.Insert(step.Number, new Kill([0]) { After = lab.Study.Settling });
        var (found, _) = await DoublesAsync(lab, step, plan, cancellationToken);
        if (found is null) return;
        var where = isMovable ? "The first copy went to replica 0, the second" : "The replica was killed and started again between the first copy and the second";
        Report(lab, key is null ? "CHK-DOUBLED" : "CHK-KEY", step, found, key is null
            ? $"{where}{(isMovable ? " to replica 1" : "")}: what keeps a copy from being done again is known to one process only. A retry goes to any replica."
            : $"{where}{(isMovable ? $", with the same {key}, to replica 1: it does not know" : $", with the same {key}: it does not know any more")} what replica 0 has recorded. A retry goes to any replica.");
    }

    private async Task OtherBodyAsync(Lab lab, Step step, string key, CancellationToken cancellationToken)
    {
        var body = lab.Main.Last[new Slot(step.Number)]?.Exchange.Request?.Body ?? default;
        if (Altered(body) is not { } other) return;
        var run = await lab.RunAsync(Plan(lab, step, new Send(step.Number, 0) { IsAgain = true, Change = _ => new SendChange { Body = other } }), cancellationToken);
        var second = run[new Slot(step.Number, 1)]?.Exchange;
        if (second?.Answer is not { Status: < 400 }) return;
        lab.Study.Find(new Suspicion("CHK-KEY", Severity.Warning, null, Name, $"step {step.Number} ({step.Name}) with a known {key} and another body is answered {second.Answer.Status}",
            $"The body was changed and the {key} kept. A service that remembers what the key was for answers 422, so that a client's mistake does not pass for a success.")
        { Step = step.Number, Expected = run[new Slot(step.Number)]?.Exchange, Actual = second, Run = run });
    }

    private async Task WithoutKeyAsync(Lab lab, Step step, string key, CancellationToken cancellationToken)
    {
        var bare = new Func<Conversation, SendChange?>(_ => new SendChange { HeadersSet = new Dictionary<string, string?> { [key] = null } });
        var (found, _) = await DoublesAsync(lab, step, Plan(lab, step, new Send(step.Number, 0) { IsAgain = true, Change = bare }), cancellationToken);
        if (found is not null)
            lab.Study.Find(Suspect(lab, "CHK-DOUBLED", Question.Retry, found, $"without its {key}, step {step.Number} ({step.Name}) has its effect twice: {Say(lab, found.Difference)}",
                $"That is what the key is for; clients that leave it out are not protected.") with { Severity = Severity.Note, Question = null });
    }

    private void Report(Lab lab, string rule, Step step, Probe found, string how)
    {
        var isId = found.Difference.Slot.Step == step.Number;
        var copies = found.Evidence.Run.Observations.Where(o => o.Slot.Step == step.Number).Select(o => o.Exchange.Answer?.Status ?? 0).ToList();
        var isUndone = !isId && copies.Exists(s => s is > 0 and < 400) && copies.Skip(1).All(s => s is >= 400 and < 500);
        lab.Study.Find(Suspect(lab, rule, Question.Retry, found with { MadeBy = step.Number },
            isId ? $"step {step.Number} ({step.Name}) sent twice makes two: {found.Difference.Place} is {found.Difference.Expected}, then {found.Difference.Actual}"
                : found.Difference is { Place: "trouble" } or { Place: "status", Actual: ['5', ..] } ? $"after step {step.Number} ({step.Name}) was sent twice, {Say(lab, found.Difference)}"
                : isUndone ? $"step {step.Number} ({step.Name}) sent twice is refused the second time, and spoils what the first did: {Say(lab, found.Difference)}"
                : $"step {step.Number} ({step.Name}) sent twice has its effect twice: {Say(lab, found.Difference)}", how));
    }

    /// <summary>Whether a plan that sends a step more than once has more than one effect: later steps show it, or two things were created.</summary>
    private static async Task<(Probe? Found, Run Run)> DoublesAsync(Lab lab, Step step, List<Act> plan, CancellationToken cancellationToken)
    {
        var control = Plans.All(lab.Steps, _ => 0);
        var (run, _, differences) = await lab.TryAsync(plan, control, lab.Main, cancellationToken);
        if (TwoCreated(lab, step, run) is { } two)
            return (new Probe(plan, control, new Evidence(run, lab.Main.Last, [two]), two, step.Number), run);
        var isBurst = plan.Any(a => a is Burst);
        // Of two logins at once the client keeps one session, which may be that of the one that came too late and was answered so: no effect twice.
        if (isBurst && lab.Study.Traits.Logins.Contains(step.Number) && !run.Observations.Where(o => o.Slot.Step == step.Number).All(lab.Main.IsAnsweredAsEver)) return (null, run);
        var later = Effects(differences, step, isBurst);
        if (later.Count == 0) return (null, run);
        var evidence = await lab.ConfirmAsync(later, plan, control, lab.Main, cancellationToken);
        var shown = Effects(evidence.Differences, step, isBurst).OrderBy(d => d.Slot.Step).ThenBy(d => d.Rank).FirstOrDefault();
        // A race may not be lost a second time; what was acknowledged and shown once is enough.
        if (shown is null && isBurst && later.FirstOrDefault(d => !lab.Study.Noise.Contains(d.Slot.Step, d.Place)) is { } once)
            return (new Probe(plan, control, new Evidence(run, lab.Main.Last, later), once, step.Number), run);
        return (shown is null ? null : new Probe(plan, control, evidence, shown, step.Number), run);
    }

    /// <summary>
    /// What later content shows of it. That a cookie is set once more is how a session is kept, and no effect; that a later step is refused after copies at once, which have
    /// connections of their own, says nothing of how often the step was done, and neither does what the refusal looks like.
    /// </summary>
    private static List<Difference> Effects(IReadOnlyList<Difference> differences, Step step, bool isBurst)
    {
        var refused = isBurst ? differences.Where(d => d is { Place: "trouble" } or { Place: "status", Actual: null or ['4' or '5', ..] }).Select(d => d.Slot).ToHashSet() : [];
        return [.. differences.Where(d => d.Slot.Step > step.Number && !d.Place.StartsWith("cookie:", StringComparison.Ordinal) && !refused.Contains(d.Slot))];
    }

    /// <summary>Two responses 201, or 202, that name two ids: each copy created, or began, something of its own.</summary>
    private static Difference? TwoCreated(Lab lab, Step step, Run run)
    {
        if (lab.Study.Traits.Logins.Contains(step.Number)) return null;
        var created = run.Observations.Where(o => o.Slot.Step == step.Number && o.Exchange.Answer?.Status is 201 or 202).ToList();
        if (created.Count < 2) return null;
        // Where each run cleans up behind itself the id is the same in all of them, so it need not be one that varies.
        foreach (var place in created[0].Places.Where(p => Ids.IsIdLike(p) && !OfRequest().IsMatch(p)))
            foreach (var other in created.Skip(1))
                if (created[0][place] is { } one && other[place] is { } two && one != two) return new Difference(other.Slot, place, one, two);
        return null;
    }

    private static List<Act> Plan(Lab lab, Step step, Act again)
    {
        var plan = Plans.All(lab.Steps, _ => 0);
        plan.Insert(step.Number, again);
        return plan;
    }

    /// <summary>The body with one value changed; null where it is neither a JSON object nor a form.</summary>
    private static ReadOnlyMemory<byte>? Altered(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (JsonNode.Parse(body.Span) is not JsonObject json || json.Count == 0) return null;
            var changed = json.First(m => true);
            json[changed.Key] = changed.Value switch
            {
                JsonValue value when value.TryGetValue<decimal>(out var number) => JsonValue.Create(number + 1),
                JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(text + "x"),
                _ => JsonValue.Create("x"),
            };
            return System.Text.Encoding.UTF8.GetBytes(json.ToJsonString());
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // An id that each request gets, whatever it does.
    [GeneratedRegex(@"^header:(?!location)|(request|trace|correlation|span)[-_]?(id|key)$", RegexOptions.IgnoreCase)]
    private static partial Regex OfRequest();
}
