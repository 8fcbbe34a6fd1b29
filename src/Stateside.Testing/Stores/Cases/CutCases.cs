using System.Net;
using System.Net.Sockets;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Connections that break, and servers that cannot be reached.</summary>
internal static class CutCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("A commit cut before it is sent tells the truth", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.BeforeRequest, [0, 0])),
        new("A commit cut in its middle tells the truth", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.DuringRequest, [1, 4, 16, 40, 90, 200, 400, 700, 1000])),
        new("A commit cut after it was sent tells the truth", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.AfterRequest, [.. new int[8]])),
        new("A commit whose answer is lost tells the truth", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.Answer, [.. new int[4]])),
        new("A commit whose answer never comes tells the truth in bounded time", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.SilentAnswer, [0])),
        new("A commit into a network that swallows everything tells the truth in bounded time", HarnessAbilities.Proxy, s => CommitAsync(s, ProxyCut.BlackHole, [0])),
        new("A load that is cut fails and never answers an empty row", HarnessAbilities.Proxy, LoadAsync),
        new("Many commits on a connection that breaks each tell the truth", HarnessAbilities.Proxy, ManyAsync),
        new("Writers whose connections break again and again count exactly", HarnessAbilities.Proxy, CountAsync),
        new("A store that finds no server says so when it opens", HarnessAbilities.Proxy, NoServerAsync),
    ];

    private static async Task CommitAsync(Scene scene, ProxyCut cut, int[] bytes)
    {
        await using var proxy = new CuttingProxy(scene.Harness.Address);
        var store = await OpenAsync(scene, proxy);
        var whole = new WholeCommit("cut");
        foreach (var pass in bytes)
        {
            var (commit, number) = await NextAsync(scene, store, whole);
            proxy.Arm(cut, pass);
            var said = await Attempt.CommitAsync(scene, store, commit);
            scene.True(proxy.Reached.IsCompleted, "A commit goes to the server.", "bytes through the proxy", "none");
            proxy.Pass();
            await Attempt.ResolveAsync(scene, store, whole, commit, number, said);
            scene.Equal(number, await whole.ReadAsync(scene, scene.Store), "Another store sees the same.");
        }
    }

    private static async Task LoadAsync(Scene scene)
    {
        await using var proxy = new CuttingProxy(scene.Harness.Address);
        var store = await OpenAsync(scene, proxy);
        var key = Key("there");
        await scene.WriteAsync(key, "there");
        foreach (var (cut, bytes) in new[] { (ProxyCut.BeforeRequest, 0), (ProxyCut.DuringRequest, 3), (ProxyCut.DuringRequest, 30), (ProxyCut.AfterRequest, 0), (ProxyCut.Answer, 0), (ProxyCut.SilentAnswer, 0), (ProxyCut.BlackHole, 0) })
        {
            proxy.Arm(cut, bytes);
            await Attempt.ReadAsync(scene, ReadAsync);
            scene.True(proxy.Reached.IsCompleted, "A load goes to the server.", "bytes through the proxy", "none");
            proxy.Pass();
            await Attempt.EventuallyAsync(scene, ReadAsync);
        }

        async Task ReadAsync() => scene.Equal("there", Text(await Scene.LoadAsync(store, key)), "A load answers what is there, or fails.");
    }

    private static async Task ManyAsync(Scene scene)
    {
        await using var proxy = new CuttingProxy(scene.Harness.Address);
        var store = await OpenAsync(scene, proxy);
        var groups = Enumerable.Range(0, 20).Select(i => new WholeCommit($"many {i}")).ToArray();
        foreach (var (cut, bytes) in new[] { (ProxyCut.DuringRequest, 300), (ProxyCut.AfterRequest, 0), (ProxyCut.Answer, 0), (ProxyCut.Answer, 0) })
        {
            var commits = new List<(WholeCommit Whole, Commit Commit, long Number)>();
            foreach (var whole in groups)
            {
                var (commit, number) = await NextAsync(scene, store, whole);
                commits.Add((whole, commit, number));
            }
            proxy.Arm(cut, bytes);
            var said = await Task.WhenAll(commits.Select(c => Attempt.CommitAsync(scene, store, c.Commit)));
            proxy.Pass();
            foreach (var (each, i) in commits.Select((c, i) => (c, i)))
                await Attempt.ResolveAsync(scene, store, each.Whole, each.Commit, each.Number, said[i]);
        }
    }

    private static async Task CountAsync(Scene scene)
    {
        await using var proxy = new CuttingProxy(scene.Harness.Address);
        var store = await OpenAsync(scene, proxy);
        var writing = Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var whole = new WholeCommit($"count {writer}");
            var mayBeOnItsWay = false;
            for (var done = 0L; done < 25;)
            {
                var rows = (IReadOnlyList<Row>)[];
                await Attempt.EventuallyAsync(scene, async () => rows = (await store.LoadAsync(new LoadRequest(whole.Keys), default)).Rows);
                scene.True(WholeCommit.Number(rows[0]) is var there && (there == done || there == done + 1), "What is there is what was acknowledged, or one more whose answer was lost.", $"{done} or {done + 1}", there);
                // The one whose answer was lost counts as done, also if it was the last.
                done = WholeCommit.Number(rows[0]);
                if (done == 25) break;
                var (commit, number) = whole.Next(rows);
                CommitResult? result = null;
                var failed = !await Attempt.AnyAsync(scene, async () => result = await store.CommitAsync(commit, default));
                // One whose answer was lost may still have been on its way, and have come before this one.
                if (result is not null) scene.True(result == CommitResult.Committed || mayBeOnItsWay, "Nobody else writes these rows.", "Committed", Scene.Answer(result));
                if (result == CommitResult.Committed) done = number;
                mayBeOnItsWay = failed || result != CommitResult.Committed && mayBeOnItsWay;
            }
        }));
        var random = new Random(11);
        ProxyCut[] cuts = [ProxyCut.BeforeRequest, ProxyCut.DuringRequest, ProxyCut.AfterRequest, ProxyCut.Answer];
        for (var cut = 0; cut < 60 && !writing.IsCompleted; cut++)
        {
            proxy.Arm(cuts[random.Next(cuts.Length)], random.Next(1, 800));
            await Task.WhenAny(writing, proxy.Reached.WaitAsync(scene.Harness.Patience, TimeProvider.System));
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 40)), TimeProvider.System);
        }
        proxy.Pass();
        await writing;
        for (var writer = 0; writer < 8; writer++)
            scene.Equal(25L, await new WholeCommit($"count {writer}").ReadAsync(scene, scene.Store), "Of all commits none is lost and none counts twice.");
    }

    private static async Task NoServerAsync(Scene scene)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var nobody = taken.LocalEndpoint;
        taken.Stop();
        await using var store = scene.Harness.CreateStore(nobody);
        scene.True(!await Attempt.ReadAsync(scene, async () => await store.OpenAsync(default)), "A store that cannot reach its server does not open.", nameof(StoreException), "it opened");
    }

    private static async Task<(Commit Commit, long Number)> NextAsync(Scene scene, IStore store, WholeCommit whole)
    {
        var rows = (IReadOnlyList<Row>)[];
        await Attempt.EventuallyAsync(scene, async () => rows = (await store.LoadAsync(new LoadRequest(whole.Keys), default)).Rows);
        return whole.Next(rows);
    }

    private static async Task<IStore> OpenAsync(Scene scene, CuttingProxy proxy)
    {
        var store = scene.Harness.CreateStore(proxy.Address);
        await scene.OpenAsync(store);
        await store.LoadAsync(new LoadRequest([Key("warm")]), default);
        return store;
    }
}
