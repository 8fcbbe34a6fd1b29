using Stateside.Turns;

namespace Stateside.Tests.Turns;

public class TurnGateTests
{
    private static readonly Group A = Group.Keyed("a");
    private readonly TurnGate _gate = new(maxTurns: 10, maxPerGroup: 3);

    [Fact]
    public async Task Turns_of_one_group_go_in_the_order_in_which_they_came()
    {
        var holder = await Queue(A);
        var order = new List<int>();
        var waiting = Enumerable.Range(1, 3).Select(async i =>
        {
            using var pass = await Queue(A);
            lock (order) order.Add(i);
        }).ToArray();
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
        holder.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal([1, 2, 3], order);
        Assert.True(Queue(A).IsCompletedSuccessfully);
    }

    [Fact]
    public void Other_groups_and_turns_that_only_read_do_not_wait()
    {
        Assert.True(Queue(A).IsCompletedSuccessfully);
        Assert.True(Queue(Group.Keyed("b")).IsCompletedSuccessfully);
        Assert.True(Queue(null).IsCompletedSuccessfully);
        Assert.False(Queue(A).IsCompleted);
    }

    [Fact]
    public async Task The_queue_of_a_group_is_bounded()
    {
        using var holder = await Queue(A);
        for (var i = 0; i < 3; i++) Assert.False(Queue(A).IsCompleted);
        var refused = await Assert.ThrowsAsync<StatesideException>(() => Queue(A));
        Assert.Equal(("SS1010", Stores.Applied.No), (refused.Code, refused.Applied));
        Assert.NotNull(refused.RetryAfter);
    }

    [Fact]
    public async Task Waiters_that_give_up_are_skipped_and_make_room_at_once()
    {
        var holder = await Queue(A);
        for (var round = 0; round < 10; round++)
        {
            using var abort = new CancellationTokenSource();
            var waiting = Enumerable.Range(0, 3).Select(_ => Queue(A, abort.Token)).ToArray();
            await abort.CancelAsync();
            foreach (var w in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => w);
        }
        var patient = Queue(A);
        holder.Dispose();
        (await patient).Dispose();
        Assert.True(Queue(A).IsCompletedSuccessfully);
    }

    [Fact]
    public void Turns_on_their_way_are_bounded_and_counted_out_again()
    {
        var admissions = Enumerable.Range(0, 10).Select(_ => _gate.Admit()).ToArray();
        Assert.Equal("SS1010", Assert.Throws<StatesideException>(() => _gate.Admit()).Code);
        Assert.Equal(10, _gate.Turns);
        foreach (var admission in admissions) admission.Dispose();
        Assert.Equal(0, _gate.Turns);
    }

    [Fact]
    public async Task Under_load_and_cancellation_one_goes_at_a_time_and_nothing_is_left_behind()
    {
        var gate = new TurnGate(10_000, 10_000);
        var (inside, most, done) = (0, 0, 0);
        using var abort = new CancellationTokenSource();
        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => Task.Run(async () =>
        {
            try
            {
                using var pass = await gate.QueueAsync(Group.Keyed("k" + i % 3), i % 5 == 0 ? abort.Token : default);
                if (i % 3 == 0) most = Math.Max(most, Interlocked.Increment(ref inside));
                await Task.Yield();
                if (i % 3 == 0) Interlocked.Decrement(ref inside);
                if (Interlocked.Increment(ref done) == 500) await abort.CancelAsync();
            }
            catch (OperationCanceledException)
            {
                Assert.True(i % 5 == 0);
            }
        })));
        Assert.Equal(1, most);
        for (var k = 0; k < 3; k++) Assert.True(gate.QueueAsync(Group.Keyed("k" + k), default).AsTask().IsCompletedSuccessfully);
    }

    private Task<TurnGate.Pass> Queue(Group? group, CancellationToken aborted = default) => _gate.QueueAsync(group, aborted).AsTask();
}
