using Stateside.Stores;
using static Stateside.Testing.Stores.Scene;

namespace Stateside.Testing.Stores;

/// <summary>What a store tells of changes. One that declares that it is not watchable is asked only to take the watcher.</summary>
internal static class WatchCases
{
    /// <summary>How soon a change must be heard of on a slow machine.</summary>
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(5);

    public static IEnumerable<ConformanceCase> All =>
    [
        new("A watcher hears of every change that another store makes to what it has loaded", HarnessAbilities.SecondStore, ChangesAsync),
        new("A watcher hears of changes to many keys of many groups", HarnessAbilities.SecondStore, ManyAsync),
        new("A watcher that was cut off hears that something may have changed", HarnessAbilities.SecondStore | HarnessAbilities.Proxy, CutOffAsync),
    ];

    private static async Task ChangesAsync(Scene scene)
    {
        var watching = await scene.OpenAnotherAsync();
        var watcher = new Watcher();
        watching.Watch(watcher);
        if (!scene.Capabilities.Watchable) return;
        var key = Key("watched");
        for (var i = 0; i < 6; i++)
        {
            await LoadAsync(watching, key);
            watcher.Clear();
            if (i % 3 == 2) await scene.DeleteAsync(key);
            else await scene.WriteAsync(key, $"{i}");
            scene.True(await watcher.HearsAsync([key], s_bound), "A change to a row that a store has loaded is told to its watcher.", $"within {s_bound}", "nothing was heard");
        }
    }

    private static async Task ManyAsync(Scene scene)
    {
        var watching = await scene.OpenAnotherAsync();
        var watcher = new Watcher();
        watching.Watch(watcher);
        if (!scene.Capabilities.Watchable) return;
        StateKey[] keys = [.. Enumerable.Range(0, 20).SelectMany(i => (StateKey[])[Key($"g{i}"), Key($"g{i}", "order", "it em")])];
        await watching.LoadAsync(new LoadRequest(keys), default);
        foreach (var pair in keys.Chunk(2))
            scene.Committed(await scene.CommitAsync([.. pair.Select(k => Put(k, default))]), "Two rows are one commit.");
        scene.True(await watcher.HearsAsync(keys, s_bound), "Every row that changed is told.", $"all {keys.Length} within {s_bound}", $"{watcher.Count} heard");
    }

    private static async Task CutOffAsync(Scene scene)
    {
        await using var proxy = new CuttingProxy(scene.Harness.Address);
        var watching = scene.Harness.CreateStore(proxy.Address);
        await scene.OpenAsync(watching);
        var watcher = new Watcher();
        watching.Watch(watcher);
        if (!scene.Capabilities.Watchable) return;
        var key = Key("watched");
        await scene.WriteAsync(key, "before");
        for (var round = 0; round < 3; round++)
        {
            await Attempt.EventuallyAsync(scene, () => LoadAsync(watching, key));
            watcher.Clear();
            proxy.Arm(ProxyCut.BlackHole);
            proxy.CutAll();
            await scene.WriteAsync(key, $"meanwhile {round}");
            proxy.Pass();
            scene.True(await watcher.HearsAsync([key], scene.Harness.Patience), "A watcher that was cut off hears of the change itself, or that any row may have changed.", $"within {scene.Harness.Patience}", "nothing was heard");
        }
        await Attempt.EventuallyAsync(scene, () => LoadAsync(watching, key));
        watcher.Clear();
        await scene.WriteAsync(key, "after");
        scene.True(await watcher.HearsAsync([key], s_bound), "After it was cut off a watcher hears as before.", $"within {s_bound}", "nothing was heard");
    }

    private sealed class Watcher : IStoreWatcher
    {
        private readonly Lock _lock = new();
        private readonly HashSet<StateKey> _heard = [];
        private bool _any;
        private TaskCompletionSource _more = NewSignal();

        public int Count
        {
            get
            {
                lock (_lock) return _heard.Count;
            }
        }

        public void Changed(StateKey key) => Note(() => _heard.Add(key));

        public void AnyChanged() => Note(() => _any = true);

        public void Clear()
        {
            lock (_lock)
            {
                _heard.Clear();
                _any = false;
            }
        }

        public async Task<bool> HearsAsync(StateKey[] keys, TimeSpan bound)
        {
            var began = TimeProvider.System.GetTimestamp();
            while (true)
            {
                Task more;
                lock (_lock)
                {
                    if (_any || keys.All(_heard.Contains)) return true;
                    more = _more.Task;
                }
                var left = bound - TimeProvider.System.GetElapsedTime(began);
                if (left <= TimeSpan.Zero || await Task.WhenAny(more, Task.Delay(left, TimeProvider.System)) != more) return false;
            }
        }

        private void Note(Action note)
        {
            lock (_lock)
            {
                note();
                _more.TrySetResult();
                _more = NewSignal();
            }
        }

        private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
