using Stateside.Places;
using Stateside.Stores;
using Stateside.Testing;

namespace Stateside.Tests.Nodes;

public sealed class ClusterTests : IDisposable
{
    private readonly MemoryStore _store = new(TimeProvider.System);

    public void Dispose() => _store.DisposeAsync().AsTask().Wait();

    [Fact]
    public async Task The_first_node_owns_everything_and_those_that_join_take_their_part()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one");
        await NodeEngine.UntilAsync(() => one.Cluster.OwnedCount == Group.ShardCount, "the first owns all");
        await using var two = await NodeEngine.JoinAsync(_store, "two");
        await using var three = await NodeEngine.JoinAsync(_store, "three");
        NodeEngine[] all = [one, two, three];
        await NodeEngine.UntilAsync(() => all.Sum(n => n.Cluster.OwnedCount) == Group.ShardCount && all.All(n => n.Cluster.OwnedCount > 250), "each owns about a third");
        Assert.All(Enumerable.Range(0, Group.ShardCount), shard => Assert.Single(all, n => n.Cluster.Shards[shard].IsOwned));
    }

    [Fact]
    public async Task A_turn_on_a_node_that_does_not_own_the_state_is_sent_elsewhere_and_nothing_is_done()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one");
        await using var two = await NodeEngine.JoinAsync(_store, "two");
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300, "the second owns its part");
        var key = two.OwnKey();
        var e = await Assert.ThrowsAsync<StatesideException>(() => one.AddAsync(key));
        Assert.Equal(("SS4007", Applied.No), (e.Code, e.Applied));
        Assert.Equal(1, await two.AddAsync(key));
    }

    [Fact]
    public async Task A_node_that_leaves_passes_everything_on_and_loses_nothing()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one", NodeDurability.Checkpoint);
        await using var two = await NodeEngine.JoinAsync(_store, "two", NodeDurability.Checkpoint);
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300, "the second owns its part");
        await NodeEngine.UntilAsync(() => one.Cluster.OwnedCount + two.Cluster.OwnedCount == Group.ShardCount, "nothing is on its way");
        var keys = Enumerable.Range(0, 200).Select(i => NodeEngine.Key($"{i}")).ToArray();
        foreach (var key in keys) await (one.Cluster.IsElsewhere(key.Group.Shard) ? two : one).AddAsync(key, 7);
        await two.LeaveAsync();
        await NodeEngine.UntilAsync(() => one.Cluster.OwnedCount == Group.ShardCount, "the first owns all again");
        foreach (var key in keys) Assert.Equal(7, await one.ReadAsync(key));
    }

    [Fact]
    public async Task A_node_whose_store_is_gone_for_good_ends_all_the_same()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one", NodeDurability.Checkpoint);
        await using var two = await NodeEngine.JoinAsync(_store, "two", NodeDurability.Checkpoint);
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300, "the second owns its part");
        var keys = Enumerable.Range(0, 2_000).Select(i => NodeEngine.Key($"{i}")).Where(k => two.Cluster.Shards[k.Group.Shard].IsOwned).Take(300).ToArray();
        foreach (var key in keys) await two.AddAsync(key, 7);
        (two.Store.IsAway, two.Store.RefusesAfter) = (true, TimeSpan.FromMilliseconds(200));
        await two.LeaveAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, two.Cluster.OwnedCount);
    }

    [Fact]
    public async Task A_dead_node_is_noticed_and_what_it_sends_late_is_refused()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one");
        await using var two = await NodeEngine.JoinAsync(_store, "two");
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300, "the second owns its part");
        var key = two.OwnKey();
        await two.AddAsync(key);
        var open = new TaskCompletionSource();
        two.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var late = two.AddAsync(key, 100);
        await NodeEngine.UntilAsync(() => two.Store.Trips.Commits == 2, "the commit is on its way");
        var started = TimeProvider.System.GetTimestamp();
        await two.CrashAsync();
        while (one.Cluster.IsElsewhere(key.Group.Shard)) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.Equal(2, await one.AddAsync(key));
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), NodeEngine.Lease * 0.9, NodeEngine.Lease * 5);
        open.SetResult();
        Assert.Equal("SS3006", (await Assert.ThrowsAsync<StatesideException>(() => late)).Code);
        Assert.Equal(2, await one.ReadAsync(key));
    }

    [Fact]
    public async Task Without_the_store_a_node_answers_until_its_lease_ends_and_goes_on_when_it_returns()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one", node: NodeModel.Default with { WaitFor = TimeSpan.FromMilliseconds(50) });
        await one.AddAsync(NodeEngine.Key());
        one.Store.IsAway = true;
        Assert.Equal(1, await one.ReadAsync(NodeEngine.Key()));
        await NodeEngine.UntilAsync(() => !one.Cluster.HoldsLease, "the lease has ended");
        var e = await Assert.ThrowsAsync<StatesideException>(() => one.ReadAsync(NodeEngine.Key()));
        Assert.Equal(("SS4001", Applied.No), (e.Code, e.Applied));
        one.Store.IsAway = false;
        await NodeEngine.UntilAsync(() => one.Cluster.HoldsLease, "the lease is renewed");
        Assert.Equal(2, await one.AddAsync(NodeEngine.Key()));
    }

    [Fact]
    public async Task A_second_node_of_the_same_name_is_refused_while_the_first_lives()
    {
        await using var one = await NodeEngine.JoinAsync(_store, "one");
        var e = await Assert.ThrowsAsync<StatesideException>(() => NodeEngine.JoinAsync(_store, "one"));
        Assert.Equal("SS4003", e.Code);
        Assert.Equal(1, await one.AddAsync(NodeEngine.Key()));
    }

    [Fact]
    public async Task A_node_comes_back_under_the_name_of_one_that_died()
    {
        var one = await NodeEngine.JoinAsync(_store, "one");
        await one.AddAsync(NodeEngine.Key());
        await one.CrashAsync();
        await using var again = await NodeEngine.JoinAsync(_store, "one");
        Assert.Equal(2, await again.AddAsync(NodeEngine.Key()));
    }

    [Theory]
    [InlineData("SS4004")]
    [InlineData("SS4005")]
    public async Task A_node_that_does_not_fit_is_refused_unless_those_who_are_in_its_way_are_dead(string code)
    {
        var agreement = code == "SS4004" ? Enumerable.Repeat((byte)1, 32).ToArray() : null;
        var port = code == "SS4005" ? 0 : 9;
        var one = await NodeEngine.JoinAsync(_store, "one");
        Assert.Equal(code, (await Assert.ThrowsAsync<StatesideException>(() => NodeEngine.JoinAsync(_store, "two", agreement: agreement, port: port))).Code);
        await one.AddAsync(NodeEngine.Key());
        await one.CrashAsync();
        await using var two = await NodeEngine.JoinAsync(_store, "two", agreement: agreement, port: port);
        Assert.Equal(2, await two.AddAsync(NodeEngine.Key()));
    }

    [Fact]
    public async Task A_store_that_loses_its_rows_gets_the_cluster_back_under_epochs_above_those_it_knew()
    {
        await using var store = new ForgetfulStore();
        await using var one = await NodeEngine.JoinAsync(store, "one");
        await using var two = await NodeEngine.JoinAsync(store, "two");
        NodeEngine[] all = [one, two];
        await NodeEngine.UntilAsync(() => two.Cluster.OwnedCount > 300 && all.Sum(n => n.Cluster.OwnedCount) == Group.ShardCount, "each owns its part");
        var before = one.Cluster.View!;
        var key = two.OwnKey();
        var open = new TaskCompletionSource();
        two.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var late = two.AddAsync(key, 100);
        await NodeEngine.UntilAsync(() => two.Store.Trips.Commits == 1, "the commit is on its way");

        store.Forget();
        await NodeEngine.UntilAsync(() => all.All(n => n.Cluster.IsReady && !n.Cluster.View!.Secret.SequenceEqual(before.Secret)), "both have joined anew");
        await NodeEngine.UntilAsync(() => all.Sum(n => n.Cluster.OwnedCount) == Group.ShardCount && one.Cluster.View!.Number == two.Cluster.View!.Number, "every shard has an owner");
        for (var shard = 0; shard < Group.ShardCount; shard++) Assert.True(one.Cluster.View!.Epoch(shard) > before.Epoch(shard), $"shard {shard} is under an old epoch");
        two.Store.BeforeCommit = null;
        open.SetResult();
        // What was sent before the loss is refused by its epoch: nothing else stands in its way.
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<StatesideException>(() => late)).Applied);
        var owner = one.Cluster.IsElsewhere(key.Group.Shard) ? two : one;
        Assert.Equal(0, await owner.ReadAsync(key));
        for (var i = 1; i <= 3; i++) Assert.Equal(i, await owner.AddAsync(key));
    }

    /// <summary>Can lose everything, as a server whose data was deleted under it.</summary>
    private sealed class ForgetfulStore() : DelegatingStore(new MemoryStore(TimeProvider.System))
    {
        private volatile IStore? _other;

        public void Forget() => _other = new MemoryStore(TimeProvider.System);

        public override ValueTask<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellationToken) => (_other ?? Inner).LoadAsync(request, cancellationToken);

        public override ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => (_other ?? Inner).CommitAsync(commit, cancellationToken);
    }
}
