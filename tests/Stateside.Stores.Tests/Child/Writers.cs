using System.Globalization;
using System.Text;
using Stateside.Stores.Tests.Sqlite;

namespace Stateside.Stores.Tests.Child;

/// <summary>Processes that write to a file which others write too.</summary>
internal static class Writers
{
    public const int Callers = 8;

    /// <summary>So many that somebody waits whenever a transaction ends: then the lock is let go for microseconds only, which is what starves the other process.</summary>
    private const int ManyCallers = 64;

    public static readonly StateKey Counter = new(Group.Keyed("shared"), "counter");

    public static StateKey Own(string name, int caller) => new(Group.Keyed($"{name}-{caller}"), "cart");

    /// <summary>Waits for a line, writes for a time, and says how often it committed, how long the longest wait was, and how often it counted.</summary>
    public static async Task<int> ShareAsync(string file, string name, int milliseconds)
    {
        await using var store = TempDirectory.Store(file);
        await store.OpenAsync(default);
        Console.WriteLine("ready");
        Console.ReadLine();
        using var stop = new CancellationTokenSource(milliseconds);
        var results = await Task.WhenAll(Enumerable.Range(0, ManyCallers).Select(caller => Task.Run(() => WriteAsync(store, Own(name, caller), stop.Token))));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{results.Sum(r => r.Commits)} {results.Max(r => r.Longest.TotalMilliseconds):0} {results.Sum(r => r.Counted)}"));
        return 0;
    }

    /// <summary>Writes ever higher numbers until it is killed, and says each one once it was acknowledged.</summary>
    public static async Task<int> EndlessAsync(string file)
    {
        var store = TempDirectory.Store(file);
        await store.OpenAsync(default);
        using var output = Console.OpenStandardOutput();
        // Ends with its parent, should that be killed itself.
        _ = Task.Run(() => { while (Console.Read() >= 0) { } Environment.Exit(3); });
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var key = Own("killed", caller);
            var row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
            var value = row.Exists ? int.Parse(row.Body.Span, CultureInfo.InvariantCulture) : 0;
            for (var version = row.Version; ;)
            {
                var turn = TurnId.New();
                var put = new RowWrite(key, RowChange.Put, version) { Body = Encoding.UTF8.GetBytes($"{++value}") };
                if (await store.CommitAsync(new Commit(key.Group, turn) { Rows = [put] }, default) != CommitResult.Committed) throw new InvalidOperationException("Nobody else writes this key.");
                version = version.Next(turn);
                var line = Encoding.UTF8.GetBytes($"{caller} {value}\n");
                lock (store) output.Write(line);
            }
        })));
        return 0;
    }

    /// <summary>Writes until the store fails, and says how often it was acknowledged and what the failure knew.</summary>
    public static async Task<int> UntilFailureAsync(string file)
    {
        await using var store = TempDirectory.Store(file);
        await store.OpenAsync(default);
        for (var acknowledged = 0; ; acknowledged++)
        {
            try
            {
                var key = Own("failing", acknowledged);
                var put = new RowWrite(key, RowChange.Put, default) { Body = new byte[5000] };
                await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [put] }, default);
            }
            catch (StoreException e)
            {
                Console.WriteLine($"{acknowledged} {e.Applied} {e.Message}");
                return 0;
            }
        }
    }

    /// <summary>Opens a store and says what it answered.</summary>
    public static async Task<int> OpenAsync(string file)
    {
        await using var store = TempDirectory.Store(file);
        try
        {
            await store.OpenAsync(default);
            Console.WriteLine("opened");
        }
        catch (StoreException e)
        {
            Console.WriteLine(e.Message);
        }
        return 0;
    }

    /// <summary>Adds one to a counter, again and again until no other writer was first.</summary>
    public static async Task IncrementAsync(IStore store, StateKey key)
    {
        for (var row = (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0]; ;)
        {
            var value = row.Exists ? int.Parse(row.Body.Span, CultureInfo.InvariantCulture) : 0;
            var put = new RowWrite(key, RowChange.Put, row.Version) { Body = Encoding.UTF8.GetBytes($"{value + 1}") };
            var result = await store.CommitAsync(new Commit(key.Group, TurnId.New()) { Rows = [put] }, default);
            if (result is not CommitResult.Conflict conflict) return;
            row = conflict.Rows[0];
        }
    }

    private static async Task<(int Commits, TimeSpan Longest, int Counted)> WriteAsync(IStore store, StateKey key, CancellationToken stop)
    {
        var (commits, counted, longest) = (0, 0, TimeSpan.Zero);
        for (var version = default(StateVersion); !stop.IsCancellationRequested; commits++)
        {
            var turn = TurnId.New();
            var put = new RowWrite(key, RowChange.Put, version) { Body = new byte[800] };
            var started = TimeProvider.System.GetTimestamp();
            if (await store.CommitAsync(new Commit(key.Group, turn) { Rows = [put] }, default) != CommitResult.Committed) throw new InvalidOperationException("Nobody else writes this key.");
            var took = TimeProvider.System.GetElapsedTime(started);
            if (took > longest) longest = took;
            version = version.Next(turn);
            if (commits % 10 != 0) continue;
            await IncrementAsync(store, Counter);
            counted++;
        }
        return (commits, longest, counted);
    }
}
