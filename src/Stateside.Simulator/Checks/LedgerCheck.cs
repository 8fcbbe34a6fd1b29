using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// Checks what clients saw against what stands in the ledgers in the end. The ledger of a key is the order of all its writes, so no order has to be searched for: the
/// history is linearizable exactly if that order agrees with who was done before whom, and each reply with the ledger as it was then.
/// Knows nothing of how the run came about.
/// </summary>
internal static class LedgerCheck
{
    /// <param name="operations">All operations, of all keys.</param>
    /// <param name="ledgers">What stands in the ledger of each key in the end.</param>
    public static IEnumerable<Violation> Run(IReadOnlyList<Operation> operations, IReadOnlyDictionary<int, IReadOnlyList<int>> ledgers)
    {
        var byId = operations.ToDictionary(o => o.Id);
        foreach (var (key, ledger) in ledgers)
        {
            var ofKey = operations.Where(o => o.Key == key).ToArray();
            var positions = new Dictionary<int, int>();
            for (var i = 0; i < ledger.Count; i++)
            {
                if (!byId.TryGetValue(ledger[i], out var operation) || operation.Key != key) yield return new(Violation.Sound, $"key {key} holds {ledger[i]}, which nobody wrote there");
                else if (!positions.TryAdd(ledger[i], i + 1)) yield return new(Violation.AtMostOnce, $"{operation} stands at {positions[ledger[i]]} and at {i + 1}");
                else if (operation.Applied == Applied.No) yield return new(Violation.NothingRefusedApplied, $"{operation} stands at {i + 1}");
            }
            foreach (var violation in CheckReplies(ofKey, ledger, positions).Concat(CheckOrder(ofKey, positions))) yield return violation;
        }
    }

    /// <summary>Each reply shows the ledger as it stood after so many of the writes, and an acknowledged write is the last of these.</summary>
    private static IEnumerable<Violation> CheckReplies(Operation[] operations, IReadOnlyList<int> ledger, Dictionary<int, int> positions)
    {
        var marks = new LedgerMark[ledger.Count + 1];
        for (var i = 0; i < ledger.Count; i++) marks[i + 1] = marks[i].Next(ledger[i]);
        foreach (var operation in operations)
        {
            if (operation.Applied != Applied.Yes) continue;
            if (operation.Kind != OperationKind.Read && positions.GetValueOrDefault(operation.Id, -1) is var position && position != operation.Mark.Length)
                yield return new(Violation.NothingLost, $"{operation} stands {(position < 0 ? "nowhere" : $"at {position}")}");
            else if (operation.Mark.Length > ledger.Count || marks[operation.Mark.Length] != operation.Mark)
                yield return new(Violation.Linearizable, $"{operation} saw a ledger that never was");
        }
    }

    /// <summary>Whoever is called after another's reply sees at least what that one saw, and a write comes behind it.</summary>
    private static IEnumerable<Violation> CheckOrder(Operation[] operations, Dictionary<int, int> positions)
    {
        var done = new PriorityQueue<Operation, long>();
        Operation? latest = null;
        foreach (var operation in operations.OrderBy(o => o.CalledAt))
        {
            while (done.TryPeek(out var earlier, out var returnedAt) && returnedAt < operation.CalledAt)
            {
                done.Dequeue();
                if (latest is null || earlier.Mark.Length > latest.Mark.Length) latest = earlier;
            }
            if (operation.Applied == Applied.Yes) done.Enqueue(operation, operation.ReturnedAt);
            var isRead = operation.Kind == OperationKind.Read;
            // A write whose outcome the client does not know has a place all the same, if it was applied.
            var place = operation.Applied == Applied.Yes ? operation.Mark.Length : isRead ? -1 : positions.GetValueOrDefault(operation.Id, -1);
            if (latest is not null && place >= 0 && (isRead ? place < latest.Mark.Length : place <= latest.Mark.Length))
                yield return new(Violation.Linearizable, $"{operation}{(operation.Applied == Applied.Yes ? "" : $", which stands at {place},")} was called after {latest} had returned");
        }
    }
}
