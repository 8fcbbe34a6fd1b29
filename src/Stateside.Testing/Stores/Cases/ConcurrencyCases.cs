using System.Globalization;
using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>Many commits at once.</summary>
internal static class ConcurrencyCases
{
    public static IEnumerable<ConformanceCase> All =>
    [
        new("Sixty-four writers of one key count exactly", HarnessAbilities.None, s => CountAsync(s, [s.Store], 1)),
        new("Sixty-four writers of sixty-four keys count exactly", HarnessAbilities.None, s => CountAsync(s, [s.Store], 64)),
        new("Writers of one key from two stores count exactly", HarnessAbilities.SecondStore, async s => await CountAsync(s, [s.Store, await s.OpenAnotherAsync()], 1)),
        new("Writers of many keys from two stores count exactly", HarnessAbilities.SecondStore, async s => await CountAsync(s, [s.Store, await s.OpenAnotherAsync()], 64)),
        new("Of many commits at once the one in the middle that conflicts is refused and the others land", HarnessAbilities.None, OneInTheMiddleAsync),
        new("Of many commits at once with every kind of refusal each gets its own answer", HarnessAbilities.None, MixedAsync),
        new("Commits of the same rows in opposite orders all end", HarnessAbilities.None, OppositeOrdersAsync),
        new("Two checks that cross never both hold", HarnessAbilities.None, WriteSkewAsync),
        new("A load sees each commit whole", HarnessAbilities.None, WholeAsync),
    ];

    private static async Task<IStore[]> StoresAsync(Scene scene) => scene.Can(HarnessAbilities.SecondStore) ? [scene.Store, await scene.OpenAnotherAsync()] : [scene.Store];

    private static async Task CountAsync(Scene scene, IStore[] stores, int keys)
    {
        const int Most = 1024, Writers = 64;
        var (left, loaded, all) = (Most, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (var first = true; Interlocked.Decrement(ref left) >= 0; first = false)
                await scene.IncrementAsync(stores[writer % stores.Length], Key($"counter {writer % keys}"), first ? TogetherAsync : null);
        }));
        var rows = (await scene.Store.LoadAsync(new LoadRequest([.. Enumerable.Range(0, keys).Select(i => Key($"counter {i}"))]), default)).Rows;
        scene.Equal(Most, rows.Where(r => r.Exists).Sum(r => int.Parse(Text(r), CultureInfo.InvariantCulture)), "Of all commits that were acknowledged none is lost and none counts twice.");
        scene.Equal((long)Most, rows.Sum(r => r.Version.Counter), "Each commit counts the version up by one.");

        // The first commits all rest on what was there before any of them: also in a store that answers at once they meet.
        Task TogetherAsync()
        {
            if (Interlocked.Increment(ref loaded) == Writers) all.SetResult();
            return all.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private static async Task OneInTheMiddleAsync(Scene scene)
    {
        for (var round = 0; round < 10; round++)
        {
            StateKey[] keys = [.. Enumerable.Range(0, 50).Select(i => Key($"{round} {i}"))];
            await scene.WriteAsync(keys[25], "was first");
            var results = await Task.WhenAll(keys.Select(k => scene.Store.CommitAsync(CommitOf(Put(k, default, "landed"), Put(k with { Name = "second" }, default, "landed")), default).AsTask()));
            for (var i = 0; i < keys.Length; i++)
                if (i == 25) scene.Equal("was first", Text(scene.Is<CommitResult.Conflict>(results[i], "The one that conflicts is told so.").Rows[0]), "It is told the current row.");
                else scene.Committed(results[i], "The others are committed.");
            var rows = (await scene.Store.LoadAsync(new LoadRequest([.. keys, .. keys.Select(k => k with { Name = "second" })]), default)).Rows;
            scene.SameOrder(Enumerable.Range(0, 100).Select(i => i == 25 ? "was first" : i == 75 ? "absent" : "landed"), rows.Select(Text), "What was committed is there, what was refused is not.");
        }
    }

    private static async Task MixedAsync(Scene scene)
    {
        var groups = Enumerable.Range(0, 40).Select(i => Group.Keyed($"mixed {i}")).ToArray();
        var epochs = groups.DistinctBy(g => g.Shard).Where((_, i) => i % 4 == 3).ToHashSet();
        foreach (var (group, i) in groups.Select((g, i) => (g, i)))
            await scene.Store.CommitAsync(new Commit(group, TurnId.New())
            {
                Rows = i % 4 == 1 ? [Put(new StateKey(group, "cart"), default, "there")] : [],
                Receipt = i % 4 == 2 ? new ReceiptWrite(new(5, 5), ReceiptStatus.Recorded, default, Bytes($"{i}"), TimeSpan.FromDays(1)) : null,
                Fence = epochs.Contains(group) ? new Fence(group.Shard, 100 + i) : null,
            }, default);
        var results = await Task.WhenAll(groups.Select(g => scene.Store.CommitAsync(new Commit(g, TurnId.New())
        {
            Rows = [Put(new StateKey(g, "cart"), default, "landed")],
            Receipt = new ReceiptWrite(new(5, 5), ReceiptStatus.Recorded, default, Bytes("new"), TimeSpan.FromDays(1)),
            Fence = epochs.Contains(g) ? new Fence(g.Shard, 99) : null,
        }, default).AsTask()));
        for (var i = 0; i < groups.Length; i++)
        {
            if (epochs.Contains(groups[i])) scene.Equal(100L + i, scene.Is<CommitResult.Fenced>(results[i], "The fenced one is told so.").Epoch, "It is told the epoch of its own shard.");
            else if (i % 4 == 1) scene.Equal("there", Text(scene.Is<CommitResult.Conflict>(results[i], "The one that conflicts is told so.").Rows[0]), "It is told its own row.");
            else if (i % 4 == 2) scene.Equal($"{i}", Text(scene.Is<CommitResult.AlreadyRecorded>(results[i], "The one that was recorded is told so.").Receipt!.Body), "It is told its own receipt.");
            else scene.Committed(results[i], "The others are committed.");
        }
    }

    private static async Task OppositeOrdersAsync(Scene scene)
    {
        var stores = await StoresAsync(scene);
        StateKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Key("g", $"part{i}"))];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async writer =>
        {
            var mine = writer % 2 == 0 ? keys : [.. keys.Reverse()];
            var (store, done) = (stores[writer / 2 % stores.Length], 0);
            var rows = (await store.LoadAsync(new LoadRequest(mine), default)).Rows;
            while (done < 20)
            {
                await Task.Yield();
                var result = await store.CommitAsync(CommitOf([.. rows.Select(r => Put(r.Key, r.Version, $"{(r.Exists ? int.Parse(Text(r), CultureInfo.InvariantCulture) : 0) + 1}"))]), default);
                if (result == CommitResult.Committed) done++;
                rows = result is CommitResult.Conflict conflict ? conflict.Rows : (await store.LoadAsync(new LoadRequest(mine), default)).Rows;
                scene.SameOrder(mine, rows.Select(r => r.Key), "Rows come in the order of the commit.");
            }
        }));
        scene.SameOrder(keys.Select(_ => "320"), (await scene.Store.LoadAsync(new LoadRequest(keys), default)).Rows.Select(Text), "Of all commits that were acknowledged none is lost and none counts twice.");
    }

    private static async Task WriteSkewAsync(Scene scene)
    {
        var stores = await StoresAsync(scene);
        for (var round = 0; round < 30; round++)
        {
            var (a, b) = (Key($"skew {round}", "a"), Key($"skew {round}", "b"));
            var results = await Task.WhenAll(
                stores[0].CommitAsync(CommitOf(new RowWrite(a, RowChange.Check, default), Put(b, default)), default).AsTask(),
                stores[^1].CommitAsync(CommitOf(Put(a, default), new RowWrite(b, RowChange.Check, default)), default).AsTask());
            scene.Equal(1, results.Count(r => r == CommitResult.Committed), "Of two commits, each of which checks what the other writes, one is committed.");
        }
    }

    private static async Task WholeAsync(Scene scene)
    {
        var stores = await StoresAsync(scene);
        StateKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Key("g", $"part{i}"))];
        var writing = true;
        var reading = Enumerable.Range(0, 4).Select(async reader =>
        {
            for (var read = 0; Volatile.Read(ref writing) || read < 20; read++)
            {
                await Task.Yield();
                var request = new LoadRequest(reader % 2 == 0 ? keys : [.. keys.Reverse()], new ReceiptKey(keys[0].Group, new(1, 1)));
                var rows = (await stores[reader % stores.Length].LoadAsync(request, default)).Rows;
                scene.Equal(1, rows.Select(Text).Distinct().Count(), "All rows of a load are as of one moment: a commit is seen whole or not at all.");
            }
        }).ToArray();
        try
        {
            var versions = new StateVersion[keys.Length];
            for (var n = 0; n < 300; n++)
            {
                await Task.Yield();
                var turn = TurnId.New();
                scene.Committed(await scene.Store.CommitAsync(new Commit(keys[0].Group, turn) { Rows = [.. keys.Select((k, i) => Put(k, versions[i], $"{n}"))] }, default), "Nobody else writes these rows.");
                for (var i = 0; i < versions.Length; i++) versions[i] = versions[i].Next(turn);
            }
        }
        finally
        {
            Volatile.Write(ref writing, false);
        }
        await Task.WhenAll(reading);
    }
}
