using Stateside.Check.Comparing;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>
/// Tries findings once more when nothing else goes on. Experiments that went on beside each other may have met in what all sessions of a service share, such as a list of
/// the latest changes, although two sessions side by side showed nothing of each other.
/// </summary>
internal static class Alone
{
    private const int MostTries = 3;

    /// <summary>The findings without those that do not show again.</summary>
    public static async Task<List<Suspicion>> StillShowAsync(Lab lab, IReadOnlyList<Suspicion> found, CancellationToken cancellationToken)
    {
        var kept = new List<Suspicion>();
        foreach (var suspicion in found)
        {
            if (await ShowsAsync(lab, suspicion, cancellationToken)) kept.Add(suspicion);
            else lab.Study.Notice($"A difference at step {suspicion.Step} showed while other experiments went on, and not when it was tried alone, so it does not count.");
        }
        return kept;
    }

    private static async Task<bool> ShowsAsync(Lab lab, Suspicion suspicion, CancellationToken cancellationToken)
    {
        // A race that was lost once was lost.
        if (suspicion is not { Severity: Severity.Error, Difference: { } difference, Plan: { } plan, Control: { } control } || plan.Any(a => a is Burst)) return true;
        var isMain = control.OfType<Send>().Select(s => s.Step).SequenceEqual(Enumerable.Range(1, lab.Steps));
        // The second of two that were created has no counterpart among undisturbed sendings; it stays there.
        if (isMain && difference.Slot.Occurrence > 0) return true;
        var model = isMain ? lab.Main : await lab.LearnAsync(control, cancellationToken);
        for (var tries = 0; tries < MostTries; tries++)
            if ((await lab.TryAsync(plan, control, model, cancellationToken)).Differences.Any(d => d.Slot == difference.Slot)) return true;
        return false;
    }
}
