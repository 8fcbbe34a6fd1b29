using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Servers that die, are away, and stand still.</summary>
internal static class ServerCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("What was acknowledged survives the death of the server and nothing is half done", HarnessAbilities.Server, KilledAsync),
        new("While the server is away every verb fails in bounded time and afterwards none does", HarnessAbilities.Server, AwayAsync),
        new("A server that stands still is a failure in bounded time and loses nothing", HarnessAbilities.Server, StillAsync),
    ];

    private static async Task KilledAsync(Scene scene)
    {
        const int Writers = 8;
        var acknowledged = new long[Writers];
        for (var round = 0; round < 3; round++)
        {
            var before = new IReadOnlyList<Row>[Writers];
            for (var writer = 0; writer < Writers; writer++)
                await Attempt.EventuallyAsync(scene, async () => before[writer] = (await scene.Store.LoadAsync(new LoadRequest(new WholeCommit($"server {writer}").Keys), default)).Rows);
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var left = 60 * (round + 1);
            var tried = new (Commit Commit, long Number, Applied? Said)[Writers];
            var writing = Enumerable.Range(0, Writers).Select(async writer =>
            {
                await Task.Yield();
                var whole = new WholeCommit($"server {writer}");
                for (var rows = before[writer]; ; rows = WholeCommit.RowsAfter(tried[writer].Commit))
                {
                    var (commit, number) = whole.Next(rows);
                    var said = await Attempt.CommitAsync(scene, scene.Store, commit);
                    tried[writer] = (commit, number, said);
                    if (said is not null) return;
                    acknowledged[writer] = number;
                    if (Interlocked.Decrement(ref left) == 0) enough.SetResult();
                }
            }).ToArray();
            if (await Task.WhenAny(enough.Task, Task.WhenAll(writing)) != enough.Task) await Task.WhenAll(writing);
            await scene.Harness.Server.KillAsync();
            await Task.WhenAll(writing);
            await scene.Harness.Server.RestartAsync();

            for (var writer = 0; writer < Writers; writer++)
            {
                var whole = new WholeCommit($"server {writer}");
                if (scene.Capabilities.Durability >= Durability.Process) await Attempt.ResolveAsync(scene, scene.Store, whole, tried[writer].Commit, tried[writer].Number, tried[writer].Said);
                else await Attempt.EventuallyAsync(scene, () => whole.ReadAsync(scene, scene.Store));
            }
        }
        scene.True(acknowledged.Sum() >= 60, "Writers write before the server dies.", "60 commits or more", string.Join(' ', acknowledged));
    }

    private static async Task AwayAsync(Scene scene)
    {
        var (store, key) = (scene.Store, Key("away"));
        var version = await scene.WriteAsync(key, "there");
        await scene.Harness.Server.KillAsync();
        var commit = CommitOf(Put(key, version, "tried"));
        var said = await Attempt.CommitAsync(scene, store, commit);
        scene.True(said is not null, "A commit without a server is not acknowledged.", nameof(StoreException), "Committed");
        (string Verb, Func<Task> Do)[] verbs =
        [
            ("load", () => store.LoadAsync(new LoadRequest([key]), default).AsTask()), ("list", () => store.ListAsync(key.Group, 10, default).AsTask()),
            ("journal", () => store.ReadJournalAsync(key, 0, 10, default).AsTask()), ("due", () => store.FindDueAsync(10, default).AsTask()),
        ];
        foreach (var (verb, run) in verbs)
            scene.True(!await Attempt.ReadAsync(scene, run), "A verb without a server fails.", nameof(StoreException), $"{verb} was answered");
        scene.True(!await Attempt.AnyAsync(scene, CleanUpAsync), "A verb without a server fails.", nameof(StoreException), "a clean-up was answered");
        await scene.Harness.Server.RestartAsync();
        await Attempt.EventuallyAsync(scene, CleanUpAsync);
        foreach (var (_, run) in verbs) await Attempt.EventuallyAsync(scene, run);
        if (scene.Capabilities.Durability < Durability.Process) return;
        var text = "";
        await Attempt.EventuallyAsync(scene, async () => text = Text(await scene.LoadAsync(key)));
        scene.True(text == "there" || (said == Applied.Unknown && text == "tried"), "What failed with Applied.No was not written.", "there", text);

        Task CleanUpAsync() => store.CleanUpAsync(10, default).AsTask();
    }

    private static async Task StillAsync(Scene scene)
    {
        var whole = new WholeCommit("still");
        for (var round = 0; round < 2; round++)
        {
            var rows = (IReadOnlyList<Row>)[];
            await Attempt.EventuallyAsync(scene, async () => rows = (await scene.Store.LoadAsync(new LoadRequest(whole.Keys), default)).Rows);
            var (commit, number) = whole.Next(rows);
            await scene.Harness.Server.PauseAsync();
            Applied? said;
            try
            {
                var reading = Attempt.ReadAsync(scene, () => scene.Store.LoadAsync(new LoadRequest(whole.Keys), default).AsTask());
                said = await Attempt.CommitAsync(scene, scene.Store, commit);
                scene.True(said is not null, "A commit that the server did not answer is not acknowledged.", nameof(StoreException), "Committed");
                scene.True(!await reading, "A load that the server did not answer fails.", nameof(StoreException), "it was answered");
            }
            finally
            {
                await scene.Harness.Server.ContinueAsync();
            }
            await Attempt.ResolveAsync(scene, scene.Store, whole, commit, number, said);
        }
    }
}
