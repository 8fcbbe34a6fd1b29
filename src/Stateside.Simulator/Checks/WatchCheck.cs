namespace Stateside.Simulator;

/// <summary>What one watcher of a key was told.</summary>
/// <param name="Watcher">Its name.</param>
/// <param name="From">The number of the event that it had seen last when it began; 0: none.</param>
/// <param name="Heard">The number and the content of each event that came, in the order in which they came.</param>
internal sealed record Watched(string Watcher, long From, IReadOnlyList<(long Number, int Content)> Heard);

/// <summary>A watcher hears every event after the one it began from, once, in order, as it stands in the journal.</summary>
internal static class WatchCheck
{
    /// <param name="journal">The contents of all events; the first one has the number 1.</param>
    /// <param name="watched">What the watchers heard.</param>
    /// <param name="mustBeComplete">Whether each was still listening when the last event came.</param>
    public static IEnumerable<Violation> Run(IReadOnlyList<int> journal, IEnumerable<Watched> watched, bool mustBeComplete)
    {
        foreach (var watch in watched)
        {
            var expected = watch.From;
            foreach (var (number, content) in watch.Heard)
            {
                if (number != ++expected) yield return new(Violation.WatchersInOrder, $"{watch.Watcher} heard {number} where {expected} comes next");
                if (number < 1 || number > journal.Count || journal[(int)number - 1] != content) yield return new(Violation.WatchersInOrder, $"{watch.Watcher} heard {content} as {number}, which the journal does not say");
                expected = number;
            }
            if (mustBeComplete && expected < journal.Count) yield return new(Violation.WatchersInOrder, $"{watch.Watcher} heard nothing after {expected} of {journal.Count}");
        }
    }
}
