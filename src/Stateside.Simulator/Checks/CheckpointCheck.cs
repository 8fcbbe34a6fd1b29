using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// Checks what clients saw of ledgers that are in memory and reach the store at intervals. A node that dies takes with it what it had acknowledged since the last
/// checkpoint; anything else that is acknowledged stands in the ledger, what is refused does not, and nothing stands there twice.
/// </summary>
internal static class CheckpointCheck
{
    /// <summary>How late an acknowledgement may come of which the node that gave it has died meanwhile.</summary>
    private static readonly TimeSpan s_way = TimeSpan.FromSeconds(3);

    /// <param name="operations">All operations, of all keys.</param>
    /// <param name="ledgers">What stands in the ledger of each key in the end.</param>
    /// <param name="deaths">When nodes died.</param>
    /// <param name="most">How long before such a moment a write may have been acknowledged that is lost with it.</param>
    public static IEnumerable<Violation> Run(
        IReadOnlyList<Operation> operations, IReadOnlyDictionary<int, IReadOnlyList<int>> ledgers, IReadOnlyList<long> deaths, TimeSpan most)
    {
        foreach (var operation in operations.Where(o => o.Kind != OperationKind.Read))
        {
            var count = ledgers[operation.Key].Count(id => id == operation.Id);
            if (count > 1) yield return new(Violation.AtMostOnce, $"{operation} stands there {count} times");
            if (count > 0 && operation.Applied == Applied.No) yield return new(Violation.NothingRefusedApplied, $"{operation} stands there");
            if (count > 0 || operation.Applied != Applied.Yes) continue;
            // A request with an idempotency key waits for the store whatever the durability.
            if (operation.IsIdempotent) yield return new(Violation.NothingLost, $"{operation} stands nowhere");
            else if (!deaths.Any(death => operation.AcknowledgedAt > death - most.Ticks && operation.AcknowledgedAt < death + s_way.Ticks))
                yield return new(Violation.Bounded, $"{operation} stands nowhere, and nobody had died within {most.TotalSeconds} s after it was acknowledged");
        }
    }
}
