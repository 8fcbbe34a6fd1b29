using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>One process's client of the store. A call that is on its way goes on when the process is killed, as one on a network does.</summary>
internal sealed class StoreHandle(World world, StoreServer server, SimProcess process) : IStore
{
    private IStoreWatcher? _watcher;
    private bool _isBehind;

    public async ValueTask<StoreCapabilities> OpenAsync(CancellationToken cancellationToken) =>
        // What a start-up compares with the needs of states is not the question here, so the store declares what all of them could need.
        await CallAsync("open", false, () => server.Inner.OpenAsync(CancellationToken.None), cancellationToken)
            with { Durability = Durability.Disk, Reach = StoreReach.Network };

    public ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) =>
        CallAsync("load", false, () =>
        {
            var answer = server.Inner.LoadAsync(request, CancellationToken.None);
            if (answer.IsCompletedSuccessfully) server.CountLoad(answer.Result);
            return answer;
        }, cancellationToken);

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => CallAsync("commit", true, () =>
    {
        var answer = server.Inner.CommitAsync(commit, CancellationToken.None);
        if (answer.IsCompletedSuccessfully && answer.Result == CommitResult.Committed) server.Tell(commit);
        world.Trace.Mix((long)commit.Turn.Value);
        server.CountCommit();
        return answer;
    }, cancellationToken);

    public ValueTask<IReadOnlyList<StateKey>> ListAsync(Group group, int limit, CancellationToken cancellationToken) =>
        CallAsync("list", false, () => server.Inner.ListAsync(group, limit, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<JournalEvent>> ReadJournalAsync(StateKey key, long after, int limit, CancellationToken cancellationToken) =>
        CallAsync("journal", false, () => server.Inner.ReadJournalAsync(key, after, limit, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<DueEffect>> FindDueAsync(int limit, CancellationToken cancellationToken) =>
        CallAsync("due", false, () => server.Inner.FindDueAsync(limit, CancellationToken.None), cancellationToken);

    public ValueTask<int> CleanUpAsync(int limit, CancellationToken cancellationToken) =>
        CallAsync("clean-up", true, () => server.Inner.CleanUpAsync(limit, CancellationToken.None), cancellationToken);

    public void Watch(IStoreWatcher watcher)
    {
        _watcher = watcher;
        server.Watch(this);
    }

    public ValueTask DisposeAsync() => default;

    /// <summary>A hint that a row has changed: late, or lost while the way is cut. After that the watcher hears that anything may have changed.</summary>
    public void Tell(StateKey key)
    {
        if (_watcher is not { } watcher || process.IsDead) return;
        if (server.Outages > 0 || world.Links.IsCut(world.Links.Store, process.Id))
        {
            _isBehind = true;
            return;
        }
        var isBehind = _isBehind;
        _isBehind = false;
        world.Scheduler.After(server.Way(), process, _ =>
        {
            if (isBehind) watcher.AnyChanged();
            watcher.Changed(key);
        });
    }

    private async ValueTask<T> CallAsync<T>(string verb, bool writes, Func<ValueTask<T>> act, CancellationToken cancellationToken)
    {
        if (world.Scheduler.IsForeign()) throw new StoreException("Called from another thread.", Applied.No);
        cancellationToken.ThrowIfCancellationRequested();
        var call = new Call<T>(world, server, process, verb, writes, act);
        call.Send(cancellationToken);
        // Awaited here, so that whoever combines the task with others is resumed in its process and not on a thread of the pool.
        return await call.Answer;
    }

    /// <summary>One call on its way.</summary>
    private sealed class Call<T>(World world, StoreServer server, SimProcess process, string verb, bool writes, Func<ValueTask<T>> act)
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _cancellation;

        public Task<T> Answer => _answer.Task;

        public void Send(CancellationToken cancellationToken)
        {
            var fate = server.Draw(process.Id);
            world.Trace.Mix((long)fate);
            if (fate != StoreFate.Answered) world.Trace.Add(world.Now, process.Name, $"store {verb}: {fate}");
            _cancellation = cancellationToken.Register(() => _answer.TrySetCanceled(cancellationToken));
            var patience = world.Random.Span(200, 1500);
            if (fate == StoreFate.Refused) Later(server.Way(), () => Fail("refuses connections", Applied.No));
            else if (fate == StoreFate.RequestLost) Later(patience, () => Fail("did not answer", Applied.Unknown));
            else if (fate == StoreFate.Late)
            {
                Later(patience, () => Fail("did not answer", Applied.Unknown));
                Later(patience + world.Random.Span(1, 2000), () => Act());
            }
            else Later(server.Way(), () => Arrive(fate == StoreFate.AnswerLost));
        }

        private void Arrive(bool losesAnswer)
        {
            if (server.Outages > 0)
            {
                Later(server.Way(), () => Fail("broke off", Applied.Unknown));
                return;
            }
            var end = Act();
            if (losesAnswer || world.Links.IsCut(world.Links.Store, process.Id)) Later(world.Random.Span(0.1, 1000), () => Fail("broke off", Applied.Unknown));
            else Later(server.Way(), end);
        }

        /// <summary>Lets the store do it.</summary>
        /// <returns>What gives the answer to the caller.</returns>
        private Action Act()
        {
            try
            {
                var result = act();
                if (!result.IsCompleted) throw new InvalidOperationException("The store behind the faults has to answer at once.");
                var value = result.GetAwaiter().GetResult();
                world.Trace.Add(world.Now, "store", $"{process.Name} {verb}: {(writes ? value!.ToString() : "done")}");
                return () => End(() => _answer.TrySetResult(value));
            }
            catch (StoreException e)
            {
                return () => End(() => _answer.TrySetException(e));
            }
        }

        private void Fail(string what, Applied applied) =>
            End(() => _answer.TrySetException(new StoreException($"The store {what}.", writes ? applied : Applied.No)));

        private void End(Action complete)
        {
            _cancellation.Dispose();
            complete();
        }

        private void Later(TimeSpan delay, Action act) => world.Scheduler.After(delay, world.Outside, static act => ((Action)act!)(), act);
    }
}
