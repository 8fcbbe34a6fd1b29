using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>
/// Checks what replies showed of the notes of a key against its ledger, which each write changes in the same turn. The notes are the end of what the ledger says
/// was written since they were last deleted: all of it, or, where notes expire, less; and what has gone does not come back.
/// </summary>
internal static class NotesCheck
{
    /// <param name="operations">All operations, of all keys.</param>
    /// <param name="ledgers">What stands in the ledger of each key in the end.</param>
    /// <param name="expire">Whether notes expire that nobody uses.</param>
    public static IEnumerable<Violation> Run(IReadOnlyList<Operation> operations, IReadOnlyDictionary<int, IReadOnlyList<int>> ledgers, bool expire)
    {
        var clears = operations.Where(o => o.Kind == OperationKind.Clear).Select(o => o.Id).ToHashSet();
        foreach (var seen in operations.Where(o => o.Applied == Applied.Yes).GroupBy(o => o.Key))
        {
            var ledger = ledgers[seen.Key];
            var begin = 0;
            foreach (var operation in seen.Where(o => o.Mark.Length <= ledger.Count).OrderBy(o => o.Mark.Length))
            {
                var length = operation.Mark.Length;
                for (var i = begin; i < length; i++)
                    if (clears.Contains(ledger[i])) begin = i + 1;
                var from = length - operation.Notes.Length;
                if (from < begin || (from > begin && !expire) || LedgerMark.Of([.. ledger.Take(length).Skip(from)]) != operation.Notes)
                    yield return new(Violation.Whole, $"{operation} saw {operation.Notes.Length} notes where {length - begin} were written since they were deleted or had gone");
                // Of two that saw one ledger, one may have come before the notes expired; a later ledger shows none of what had gone.
                else if (operation.Notes.Length > 0) begin = from;
            }
        }
    }
}
