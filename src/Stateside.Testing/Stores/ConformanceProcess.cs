using System.Globalization;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>What the process does that <see cref="StoreHarness.StartProcess"/> starts.</summary>
public static class ConformanceProcess
{
    internal const int Writers = 8;

    /// <summary>
    /// Opens the store and writes ever higher numbers until the process is killed; says each on standard output once it was acknowledged. It
    /// ends by itself when its standard input does, so that it never outlives the suite.
    /// </summary>
    /// <param name="store">A store on the data of the harness, not yet opened.</param>
    /// <returns>The exit code, should it come to that.</returns>
    public static async Task<int> RunAsync(IStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        await store.OpenAsync(default);
        await using var output = Console.OpenStandardOutput();
        var speaking = new Lock();
        var writing = Enumerable.Range(0, Writers).Select(writer => WriteAsync(store, writer, value =>
        {
            var line = Bytes(string.Create(CultureInfo.InvariantCulture, $"{writer} {value}\n"));
            lock (speaking) output.Write(line);
        }));
        using var input = new StreamReader(Console.OpenStandardInput());
        await Task.WhenAny(input.ReadToEndAsync(), Task.WhenAll(writing));
        return 3;
    }

    /// <summary>The rows of one writer, which one commit always writes together.</summary>
    internal static StateKey[] KeysOf(int writer) => [.. Enumerable.Range(0, 3).Select(part => Key($"killed {writer}", $"part{part}"))];

    internal static ReceiptKey ReceiptOf(int writer, long value) => new(KeysOf(writer)[0].Group, new ReceiptId((UInt128)value, 1));

    private static async Task WriteAsync(IStore store, int writer, Action<long> acknowledged)
    {
        await Task.Yield();
        var keys = KeysOf(writer);
        for (var rows = (await store.LoadAsync(new LoadRequest(keys), default)).Rows; ;)
        {
            var commit = Next(rows, writer, out var value);
            if (await store.CommitAsync(commit, default) != CommitResult.Committed) throw new InvalidOperationException("Nobody else writes these rows.");
            acknowledged(value);
            rows = [.. commit.Rows.Select(r => Row.Of(r, commit.Turn, null))];
        }
    }

    /// <summary>A commit with everything that a commit can have, one more than the last.</summary>
    internal static Commit Next(IReadOnlyList<Row> rows, int writer, out long value)
    {
        var next = rows[0].Exists ? long.Parse(rows[0].Body.Span, CultureInfo.InvariantCulture) + 1 : 1;
        value = next;
        var text = Bytes(next.ToString(CultureInfo.InvariantCulture));
        return new Commit(rows[0].Key.Group, TurnId.New())
        {
            Rows = [.. rows.Select(r => new RowWrite(r.Key, RowChange.Put, r.Version) { Body = text, Sequence = r.Sequence, Events = r.Key.Name == "part0" ? [text] : [] })],
            Receipt = new ReceiptWrite(ReceiptOf(writer, next).Id, ReceiptStatus.Recorded, default, text, TimeSpan.FromDays(1)),
            Effects = [new EffectWrite("e", "mail", text, TimeSpan.Zero)],
        };
    }
}
