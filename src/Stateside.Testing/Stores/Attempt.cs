using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>Verbs that may fail: what became of them, in bounded time, and whether it was true.</summary>
internal static class Attempt
{
    /// <summary>Tries a commit. Null: it was committed; else what the store knows of it. Any other end breaks a rule.</summary>
    public static async Task<Applied?> CommitAsync(Scene scene, IStore store, Commit commit)
    {
        var failure = await FailureAsync(scene, async () => scene.Committed(await store.CommitAsync(commit, default), "Nobody else writes these rows."));
        scene.True(failure?.Applied != Applied.Yes, "A commit that took effect is answered, not failed.", "No or Unknown", failure?.Applied);
        return failure?.Applied;
    }

    /// <summary>Tries a verb that writes nothing: it is answered, or fails with Applied.No.</summary>
    public static async Task<bool> ReadAsync(Scene scene, Func<Task> read)
    {
        var failure = await FailureAsync(scene, read);
        scene.True(failure is null or { Applied: Applied.No }, "A verb that writes nothing fails with Applied.No.", "No", failure?.Applied);
        return failure is null;
    }

    /// <summary>Tries a verb that may have written before it failed: it is answered, or fails in time.</summary>
    public static async Task<bool> AnyAsync(Scene scene, Func<Task> verb) => await FailureAsync(scene, verb) is null;

    /// <summary>Tries again until it succeeds: the store finds back to its server by itself.</summary>
    public static async Task EventuallyAsync(Scene scene, Func<Task> verb)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await AnyAsync(scene, verb))
        {
            scene.True(TimeProvider.System.GetElapsedTime(began) < scene.Harness.Patience, "A store recovers by itself when its server can be reached again.", $"within {scene.Harness.Patience}", "it still fails");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    /// <summary>
    /// After a commit that may have been cut: what the store said of it was true and stays true. An unknown outcome is resolved as the
    /// engine resolves it: by one load, and, if the row is still at the old version, by the next commit on it.
    /// </summary>
    /// <returns>The number that is there now.</returns>
    public static async Task<long> ResolveAsync(Scene scene, IStore store, WholeCommit whole, Commit tried, long number, Applied? said)
    {
        // What failed with Applied.No is not among those that may be there, neither now nor later.
        var possible = new HashSet<TurnId>();
        if (said != Applied.No) possible.Add(tried.Turn);
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            var rows = (IReadOnlyList<Row>)[];
            await EventuallyAsync(scene, async () => rows = (await store.LoadAsync(new LoadRequest(whole.Keys), default)).Rows);
            var there = WholeCommit.Number(rows[0]);
            if (said is null) scene.Equal(number, there, "What was acknowledged is there.");
            if (there == number && !possible.Contains(rows[0].Version.Turn)) throw scene.Failure("What failed with Applied.No is not written, now or later.", $"{number - 1}", $"{there}");
            if (there == number) break;
            scene.Equal(number - 1, there, "What was acknowledged before is there, and nothing that nobody wrote.");
            scene.True(TimeProvider.System.GetElapsedTime(began) < scene.Harness.Patience, "A store recovers by itself when its server can be reached again.", $"within {scene.Harness.Patience}", "commits still fail");

            // What was cut may still be on its way: it comes first or never, and whoever loses is told.
            var (next, _) = whole.Next(rows);
            CommitResult? result = null;
            var failure = await FailureAsync(scene, async () => result = await store.CommitAsync(next, default));
            if (failure?.Applied == Applied.Unknown || result == CommitResult.Committed) possible.Add(next.Turn);
            if (result is not null && result != CommitResult.Committed) scene.True(possible.Count > 0, "What failed with Applied.No does not come later.", "Committed", Scene.Answer(result));
            if (result == CommitResult.Committed) said = null;
        }
        var read = 0L;
        await EventuallyAsync(scene, async () => read = await whole.ReadAsync(scene, store));
        scene.Equal(number, read, "What was tried until it was committed counts once.");
        return number;
    }

    private static async Task<StoreException?> FailureAsync(Scene scene, Func<Task> verb)
    {
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            await verb().WaitAsync(scene.Harness.Patience, TimeProvider.System);
            return null;
        }
        catch (StoreException e)
        {
            return e;
        }
        catch (TimeoutException)
        {
            throw scene.Failure("Every verb ends in bounded time, whatever the network and the server do.", $"within {scene.Harness.Patience}", $"nothing after {TimeProvider.System.GetElapsedTime(began)}");
        }
        catch (Exception e) when (e is not StoreConformanceException)
        {
            throw scene.Failure("A store that cannot do what it is asked throws a StoreException.", nameof(StoreException), $"{e.GetType().Name}: {e.Message}", inner: e);
        }
    }
}
