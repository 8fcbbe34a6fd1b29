namespace Stateside.BenchServer;

/// <summary>Makes many small states, each by a turn as a request has one, and tells what they take.</summary>
internal static class Resident
{
    private const int Parallel = 256;
    private static long s_json;

    public static void Map(WebApplication app)
    {
        app.MapPost("/resident", async (IStates states, int from, int count) => await Task.WhenAll(Enumerable.Range(0, Parallel).Select(i => AddAsync(states, from + i, from + count))));
        app.MapGet("/resident", Read);
    }

    private static async Task AddAsync(IStates states, int from, int to)
    {
        for (var i = from; i < to; i += Parallel)
        {
            var before = 0;
            var after = await states.RunAsync<Counter>(StateKey.From("counter", $"key-{i:D8}"), c =>
            {
                before = c.Value == 0 ? 0 : Size(c);
                return new Counter(c.Value + 1);
            });
            Interlocked.Add(ref s_json, Size(after) - before);
        }
    }

    private static Held Read()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return new Held(GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet, Interlocked.Read(ref s_json));
    }

    private static int Size(Counter counter) => System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(counter, BenchJson.Default.Counter).Length;
}
