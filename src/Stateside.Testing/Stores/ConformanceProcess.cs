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

    /// <summary>What one writer of the process writes.</summary>
    internal static WholeCommit Of(int writer) => new($"killed {writer}");

    private static async Task WriteAsync(IStore store, int writer, Action<long> acknowledged)
    {
        await Task.Yield();
        var whole = Of(writer);
        var isFirst = true;
        for (var rows = (await store.LoadAsync(new LoadRequest(whole.Keys), default)).Rows; ;)
        {
            var (commit, number) = whole.Next(rows);
            var result = await store.CommitAsync(commit, default);
            if (isFirst && result is CommitResult.Conflict late)
            {
                // The last commit of a process that was killed before may reach the store after this one has looked.
                (isFirst, rows) = (false, late.Rows);
                continue;
            }
            if (result != CommitResult.Committed) throw new InvalidOperationException("Nobody else writes these rows.");
            isFirst = false;
            acknowledged(number);
            rows = WholeCommit.RowsAfter(commit);
        }
    }
}
