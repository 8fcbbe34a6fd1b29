using Stateside.Simulator;

namespace Stateside.Simulation.Tests;

public sealed class ScaleTests
{
    /// <summary>The larger ones, and the table of docs/clusters.md: ./stateside simulate --scale.</summary>
    [Fact]
    public void A_hundred_nodes_move_no_shard_that_need_not_move()
    {
        const int Nodes = 100;
        var lease = TimeSpan.FromMilliseconds(500);
        var result = ScaleRun.Of(Nodes, keys: 100_000, lease);

        Assert.Equal(["join", "leave", "crash"], result.Changes.Select(c => c.Kind));
        // A node that joins takes what the hash gives it, which is its fair share give or take what chance does; what one leaves behind is what it had.
        Assert.InRange(result.Changes[0].Shards, 1, 2 * Group.ShardCount / Nodes);
        Assert.All(result.Changes.Skip(1), c => Assert.Equal(c.LeastShards, c.Shards));
        Assert.All(result.Changes, c => Assert.InRange(c.Seconds, 0.01, 2 * lease.TotalSeconds));
        // A sign of life and a look each fifth of a lease.
        Assert.InRange(result.CommitsPerSecond, 4 * Nodes / lease.TotalSeconds, 5 * Nodes / lease.TotalSeconds);
        Assert.InRange(result.LoadsPerSecond, 4 * Nodes / lease.TotalSeconds, 5 * Nodes / lease.TotalSeconds);
    }
}
