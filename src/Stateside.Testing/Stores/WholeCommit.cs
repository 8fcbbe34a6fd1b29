using System.Globalization;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>
/// Commits with everything that a commit can have, each saying one number more than the last: from what is there afterwards it
/// follows which of them were written, and whether one was written in part.
/// </summary>
/// <param name="id">Names the group; one writer at a time writes it.</param>
internal sealed class WholeCommit(string id)
{
    /// <summary>The rows that each commit writes together.</summary>
    public StateKey[] Keys { get; } = [.. Enumerable.Range(0, 3).Select(part => Key(id, $"part{part}"))];

    /// <summary>The commit that follows on these rows, and the number that it writes.</summary>
    public (Commit Commit, long Number) Next(IReadOnlyList<Row> rows)
    {
        var number = Number(rows[0]) + 1;
        var text = Bytes(number.ToString(CultureInfo.InvariantCulture));
        return (new Commit(Keys[0].Group, TurnId.New())
        {
            Rows = [.. rows.Select(r => new RowWrite(r.Key, RowChange.Put, r.Version) { Body = text, Sequence = r.Sequence, Events = r.Key == Keys[0] ? [text] : [] })],
            Receipt = new ReceiptWrite(ReceiptOf(number).Id, ReceiptStatus.Recorded, default, text, TimeSpan.FromDays(1)),
            Effects = [new EffectWrite("e", "mail", text, TimeSpan.Zero)],
        }, number);
    }

    /// <summary>The rows that a commit leaves.</summary>
    public static Row[] RowsAfter(Commit commit) => [.. commit.Rows.Select(r => Row.Of(r, commit.Turn, null))];

    public static long Number(Row row) => row.Exists ? long.Parse(row.Body.Span, CultureInfo.InvariantCulture) : 0;

    /// <summary>Reads the number of the last commit, and makes sure that all of that commit is there and nothing of another.</summary>
    public async Task<long> ReadAsync(Scene scene, IStore store)
    {
        var rows = (await store.LoadAsync(new LoadRequest(Keys), default)).Rows;
        var number = Number(rows[0]);
        scene.SameOrder(rows.Select(_ => number), rows.Select(Number), "A commit is written whole or not at all: all its rows.");
        for (var n = Math.Max(1, number - 1); n <= number + 1; n++)
        {
            var receipt = (await store.LoadAsync(new LoadRequest([], ReceiptOf(n)), default)).Receipt;
            scene.Equal(n <= number, receipt is not null, "A commit is written whole or not at all: its receipt with its rows.");
        }
        var events = await store.ReadJournalAsync(Keys[0], Math.Max(0, number - 5), 10, default);
        scene.Equal(number, events.Count == 0 ? 0 : events[^1].Sequence, "A commit is written whole or not at all: its events with its rows.");
        var effect = (await store.FindDueAsync(10_000, default)).Where(e => e.Group == Keys[0].Group).Select(e => Text(e.Body)).SingleOrDefault("0");
        scene.Equal(number.ToString(CultureInfo.InvariantCulture), effect, "A commit is written whole or not at all: its effect with its rows.");
        return number;
    }

    private ReceiptKey ReceiptOf(long number) => new(Keys[0].Group, new ReceiptId((UInt128)number, 1));
}
