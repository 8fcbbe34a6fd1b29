using Stateside.Places;
using Stateside.Stores;
using Stateside.Tests.Turns;
using Stateside.Turns;

namespace Stateside.Tests.Nodes;

public sealed class NodePlaceTests : IDisposable
{
    private readonly MemoryStore _store = new(TimeProvider.System);

    public void Dispose() => _store.DisposeAsync().AsTask().Wait();

    [Fact]
    public async Task A_read_takes_no_trip_and_a_write_takes_one()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        Assert.Equal(1, await node.AddAsync(NodeEngine.Key()));
        Assert.Equal((1, 1), node.Store.Trips);
        for (var i = 0; i < 5; i++) Assert.Equal(1, await node.ReadAsync(NodeEngine.Key()));
        Assert.Equal((1, 1), node.Store.Trips);
        Assert.Equal(2, await node.AddAsync(NodeEngine.Key()));
        Assert.Equal((1, 2), node.Store.Trips);
    }

    [Fact]
    public async Task Turns_that_come_while_a_commit_is_on_its_way_share_the_next_one()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        node.Store.Forget();
        var open = new TaskCompletionSource();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var turns = Enumerable.Range(0, 64).Select(_ => node.AddAsync(NodeEngine.Key())).ToArray();
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 1, "the first commit is on its way");
        Assert.All(turns, t => Assert.False(t.IsCompleted));
        open.SetResult();
        var values = await Task.WhenAll(turns);
        Assert.Equal(Enumerable.Range(2, 64), values.Order());
        Assert.InRange(node.Store.Trips.Commits, 2, 5);
        var row = await RowAsync(NodeEngine.Key());
        Assert.Equal(65, node.Count.Decode(row).Value);
        Assert.Equal(65, row.Version.Counter);
    }

    [Fact]
    public async Task A_snapshot_shows_what_is_committed_and_no_more()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        var open = new TaskCompletionSource();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var turn = node.AddAsync(NodeEngine.Key());
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 2, "the commit is on its way");
        Assert.Equal(1, await node.ReadAsync(NodeEngine.Key()));
        open.SetResult();
        Assert.Equal(2, await turn);
        Assert.Equal(2, await node.ReadAsync(NodeEngine.Key()));
    }

    [Fact]
    public async Task A_turn_that_changes_nothing_answers_only_once_what_it_read_is_committed()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        var open = new TaskCompletionSource();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var write = node.AddAsync(NodeEngine.Key());
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 2, "the commit is on its way");
        var look = node.States.RunAsync<Count>(NodeEngine.Key(), c => c).AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System);
        Assert.False(look.IsCompleted);
        open.SetResult();
        Assert.Equal(2, (await look).Value);
        await write;
    }

    [Fact]
    public async Task A_commit_that_the_store_refuses_leaves_nothing_in_memory()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        node.Store.BeforeCommit = _ => throw new StoreException("away", Applied.No);
        var e = await Assert.ThrowsAsync<StatesideException>(() => node.AddAsync(NodeEngine.Key()));
        Assert.Equal(("SS3001", Applied.No), (e.Code, e.Applied));
        node.Store.BeforeCommit = null;
        Assert.Equal(1, await node.ReadAsync(NodeEngine.Key()));
        Assert.Equal(2, await node.AddAsync(NodeEngine.Key()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_answer_is_lost_is_resolved_or_forgotten(bool arrives)
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        if (arrives) node.Store.AfterCommit = _ => throw new StoreException("lost", Applied.Unknown);
        else node.Store.BeforeCommit = _ => throw new StoreException("lost", Applied.Unknown);
        var turn = node.AddAsync(NodeEngine.Key());
        if (arrives) Assert.Equal(2, await turn);
        else Assert.Equal(Applied.Unknown, (await Assert.ThrowsAsync<StatesideException>(() => turn)).Applied);
        (node.Store.BeforeCommit, node.Store.AfterCommit) = (null, null);
        Assert.Equal(arrives ? 2 : 1, await node.ReadAsync(NodeEngine.Key()));
        Assert.Equal(arrives ? 3 : 2, await node.AddAsync(NodeEngine.Key()));
    }

    [Fact]
    public async Task What_rests_on_a_commit_that_fails_runs_again()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        var open = new TaskCompletionSource();
        var first = true;
        node.Store.BeforeCommit = async _ =>
        {
            if (!first) return;
            first = false;
            await open.Task;
            throw new StoreException("away", Applied.No);
        };
        var fails = node.AddAsync(NodeEngine.Key(), 100);
        await NodeEngine.UntilAsync(() => !first, "the first commit is on its way");
        var others = Enumerable.Range(0, 10).Select(_ => node.AddAsync(NodeEngine.Key())).ToArray();
        var look = node.States.RunAsync<Count>(NodeEngine.Key(), c => c).AsTask();
        open.SetResult();
        Assert.Equal(Applied.No, (await Assert.ThrowsAsync<StatesideException>(() => fails)).Applied);
        Assert.Equal(Enumerable.Range(2, 10), (await Task.WhenAll(others)).Order());
        Assert.InRange((await look).Value, 1, 11);
        Assert.Equal(11, node.Count.Decode(await RowAsync(NodeEngine.Key())).Value);
    }

    [Fact]
    public async Task A_retry_is_answered_from_the_receipt_and_done_once()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        var receipt = new ReceiptRequest(new ReceiptId(1, 1), new ReceiptId(2, 2), false, false);
        Assert.Null((await node.Runtime.RunAsync(node.Add(NodeEngine.Key(), receipt: receipt))).Replay);
        for (var i = 0; i < 3; i++) Assert.NotNull((await node.Runtime.RunAsync(node.Add(NodeEngine.Key(), receipt: receipt))).Replay);
        Assert.Equal(1, await node.ReadAsync(NodeEngine.Key()));
        var both = Enumerable.Range(0, 20).Select(i => node.Runtime.RunAsync(node.Add(NodeEngine.Key(), receipt: receipt with { Id = new ReceiptId(5, (ulong)(i % 5)) })).AsTask());
        await Task.WhenAll(both);
        Assert.Equal(6, await node.ReadAsync(NodeEngine.Key()));
    }

    /// <summary>As the order of a cart, sent twice: the second one finds the cart empty, in memory that is not yet in the store, and must not be told so.</summary>
    [Fact]
    public async Task What_a_retry_would_refuse_because_of_what_it_did_itself_is_answered_from_the_receipt()
    {
        await using var node = await NodeEngine.JoinAsync(_store);
        await node.AddAsync(NodeEngine.Key());
        var open = new TaskCompletionSource();
        node.Store.BeforeCommit = _ => new ValueTask(open.Task);
        var receipt = new ReceiptRequest(new ReceiptId(1, 1), new ReceiptId(2, 2), false, false);
        var first = node.Runtime.RunAsync(node.AddOnce(NodeEngine.Key(), receipt)).AsTask();
        await NodeEngine.UntilAsync(() => node.Store.Trips.Commits == 2, "the first commit is on its way");
        var (again, loads) = (node.AddOnce(NodeEngine.Key(), receipt), node.Store.Trips.Loads);
        var second = node.Runtime.RunAsync(again).AsTask();
        await NodeEngine.UntilAsync(() => again.Runs.Count == 1, "the second request has found what the first one left");
        await Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System);
        Assert.Equal(loads, node.Store.Trips.Loads);
        open.SetResult();
        Assert.Null((await first).Replay);
        Assert.NotNull((await second).Replay);
    }

    [Fact]
    public async Task With_checkpoints_the_reply_does_not_wait_and_the_store_follows()
    {
        var node = await NodeEngine.JoinAsync(_store, durability: NodeDurability.Checkpoint, node: NodeModel.Default with { CheckpointEvery = TimeSpan.FromMilliseconds(100) });
        for (var i = 1; i <= 50; i++) Assert.Equal(i, await node.AddAsync(NodeEngine.Key()));
        Assert.InRange(node.Store.Trips.Commits, 0, 3);
        await NodeEngine.UntilAsync(() => RowAsync(NodeEngine.Key()).Result is { Exists: true } row && node.Count.Decode(row).Value == 50, "the checkpoint has been written");
        await node.AddAsync(NodeEngine.Key());
        await node.LeaveAsync();
        Assert.Equal(51, node.Count.Decode(await RowAsync(NodeEngine.Key())).Value);
        Assert.Equal(51, (await RowAsync(NodeEngine.Key())).Version.Counter);
    }

    [Fact]
    public async Task Checkpoints_survive_a_store_that_is_away_and_answers_that_are_lost()
    {
        await using var node = await NodeEngine.JoinAsync(_store, durability: NodeDurability.Checkpoint, node: NodeModel.Default with { CheckpointEvery = TimeSpan.FromMilliseconds(20) });
        var commits = 0;
        node.Store.BeforeCommit = _ => ++commits % 4 == 1 ? throw new StoreException("away", Applied.No) : default;
        node.Store.AfterCommit = _ => commits % 4 == 2 ? throw new StoreException("lost", Applied.Unknown) : default;
        for (var i = 1; i <= 200; i++)
        {
            Assert.Equal(i, await node.AddAsync(NodeEngine.Key()));
            if (i % 10 == 0) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
        await NodeEngine.UntilAsync(() => RowAsync(NodeEngine.Key()).Result is { Exists: true } row && node.Count.Decode(row).Value == 200, "the last checkpoint has been written");
        Assert.True(commits > 6);
    }

    [Fact]
    public async Task With_no_durability_the_store_is_never_asked()
    {
        await using var node = await NodeEngine.JoinAsync(_store, durability: NodeDurability.None);
        for (var i = 1; i <= 10; i++) Assert.Equal(i, await node.AddAsync(NodeEngine.Key()));
        Assert.Equal(10, await node.ReadAsync(NodeEngine.Key()));
        Assert.Equal((0, 0), node.Store.Trips);
    }

    [Fact]
    public async Task What_nobody_uses_leaves_memory_and_comes_back()
    {
        await using var node = await NodeEngine.JoinAsync(_store, node: NodeModel.Default with { IdleAfter = TimeSpan.FromMilliseconds(1) });
        for (var i = 0; i < 100; i++) await node.AddAsync(NodeEngine.Key($"{i}"));
        await NodeEngine.UntilAsync(() => node.Cluster.Shards.Sum(s => s.Snapshot().Length) == 0, "memory is empty");
        node.Store.Forget();
        Assert.Equal(1, await node.ReadAsync(NodeEngine.Key("7")));
        Assert.Equal((1, 0), node.Store.Trips);
    }

    [Fact]
    public async Task Where_memory_is_short_it_lets_go_of_what_was_used_longest_ago()
    {
        await using var node = await NodeEngine.JoinAsync(_store, node: NodeModel.Default with { MaxBytes = 10_000 });
        for (var i = 0; i < 100; i++) await node.AddAsync(NodeEngine.Key($"{i}"));
        await NodeEngine.UntilAsync(() => node.Cluster.Shards.Sum(s => s.Snapshot().Length) < 25, "memory is within its limit, 400 bytes for each key included");
        Assert.Equal(1, await node.ReadAsync(NodeEngine.Key("7")));
    }

    private async Task<Row> RowAsync(StateKey key) => (await _store.LoadAsync(new LoadRequest([key]), default)).Rows[0];
}
