using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>One way to find out whether a service keeps state where it should not.</summary>
internal abstract class Experiment
{
    /// <summary>How the title of what was right a moment later begins.</summary>
    public const string ForAMoment = "for a moment, ";

    /// <summary>Its name, as <c>--only</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it kills replicas where it can, and so needs a set of its own.</summary>
    public virtual bool Kills => false;

    /// <summary>Whether it says nothing without a restart.</summary>
    public virtual bool NeedsRestart => false;

    /// <summary>Whether it needs a second replica.</summary>
    public virtual bool Moves => false;

    /// <summary>Why it cannot be done, or null.</summary>
    public virtual string? LeftOut(Study study) => null;

    /// <summary>Does it; what is found goes to the study.</summary>
    public abstract Task RunAsync(Lab lab, CancellationToken cancellationToken);

    /// <summary>A difference as evidence against a question.</summary>
    protected Suspicion Suspect(Lab lab, string rule, Question question, Probe probe, string title, string detail)
    {
        var (difference, evidence) = (probe.Difference, probe.Evidence);
        var actual = evidence.Run[difference.Slot]!.Exchange;
        return new Suspicion(RuleOf(lab, rule, difference, actual), Severity.Error, question, Name, title, detail)
        {
            Difference = difference,
            Step = difference.Slot.Step,
            MadeBy = probe.MadeBy,
            Plan = probe.Plan,
            Control = probe.Control,
            Run = evidence.Run,
            Expected = (evidence.Control[difference.Slot] ?? lab.Main.Last[difference.Slot])?.Exchange,
            Actual = actual,
        };
    }

    /// <summary>A difference that is gone a second later, as a warning: it decides nothing.</summary>
    protected Suspicion Late(Lab lab, Probe probe) =>
        Suspect(lab, "CHK-STALE", Question.Spread, probe, ForAMoment + Say(lab, probe.Difference),
            "Asked a second later it answers as expected. Either what was asked for takes time, and was asked for too early; or a replica learns late what another did, and whoever reads at once reads what was.")
        with { Severity = Severity.Warning, Question = null };

    /// <summary>A difference in words: the step, the place, what was expected and what was got.</summary>
    protected static string Say(Lab lab, Difference difference)
    {
        var step = lab.Step(difference.Slot.Step);
        var what = difference.Place switch
        {
            "status" => $"is answered {difference.Actual} instead of {difference.Expected}",
            "trouble" when difference.Expected is null => $"is not answered ({difference.Actual})",
            _ when IsOfCopies(lab, difference) => $"made two: {Shown(difference, difference.Expected)}, then {Shown(difference, difference.Actual)} at {difference.Place}",
            _ when difference.Actual is null => $"lacks {Shown(difference, difference.Expected)} at {difference.Place}",
            _ when difference.Expected is null => $"has {Shown(difference, difference.Actual)} at {difference.Place}, which was not there before",
            _ => $"shows {Shown(difference, difference.Actual)} instead of {Shown(difference, difference.Expected)} at {difference.Place}",
        };
        return $"step {step.Number} ({step.Name}) {what}";
    }

    /// <summary>Whether it is no difference from what is expected, but one between two copies of a write, each of which made something with an id of its own.</summary>
    public static bool IsOfCopies(Lab lab, Difference difference) =>
        difference is { Slot.Occurrence: > 0, Expected: not null, Actual: not null } && !lab.Step(difference.Slot.Step).IsSafe && Ids.IsIdLike(difference.Place);

    /// <summary>The first steps of a session, in words.</summary>
    protected static string First(int count) => count == 1 ? "Step 1" : $"Steps 1 to {count}";

    /// <summary>The rule of a difference: what says more than that there is one has a rule of its own.</summary>
    private static string RuleOf(Lab lab, string rule, Difference difference, Exchange actual)
    {
        if (difference.Place == "trouble") return actual.Trouble switch { Trouble.TimedOut => "CHK-TIMEOUT", Trouble.NotSent => rule, _ => "CHK-CRASH" };
        if (difference.Place == "status" && difference.Actual is ['5', ..] && difference.Expected is not ['5', ..]) return "CHK-5XX";
        if (difference.Place == "status" && (difference.Actual == "429" || difference.Expected == "429")) return "CHK-LIMIT";
        if (rule != "CHK-DOUBLED" && Traits.IsForgeryToken(difference.Place)) return "CHK-CSRF";
        if (rule is "CHK-MOVE" or "CHK-SPREAD" or "CHK-RESTART" or "CHK-FRESH" && lab.Study.Traits.Forgery.Contains(difference.Slot.Step)
            && difference.Place == "status" && difference.Actual is "400" or "401" or "403" or "419" or "422") return "CHK-CSRF";
        return rule;
    }

    private static string Shown(Difference difference, string? value)
    {
        const int Most = 80;
        var masked = Masks.Fact(difference.Place, value ?? "", null).ReplaceLineEndings(" ");
        return masked.Length > Most ? $"\"{masked[..Most]}…\"" : $"\"{masked}\"";
    }
}

/// <summary>A difference with what showed it.</summary>
/// <param name="Plan">What was done.</param>
/// <param name="Control">The same undisturbed.</param>
/// <param name="Evidence">What came.</param>
/// <param name="Difference">The difference to show.</param>
/// <param name="MadeBy">The step that made the state, or null.</param>
internal sealed record Probe(IReadOnlyList<Act> Plan, IReadOnlyList<Act> Control, Evidence Evidence, Difference Difference, int? MadeBy);
