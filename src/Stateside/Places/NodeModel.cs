namespace Stateside.Places;

/// <summary>What the configuration says of place Node.</summary>
/// <param name="CheckpointEvery">The interval of checkpoints: at most so much is lost with a node.</param>
/// <param name="MaxBytes">Most bytes of states in memory; 0: no limit.</param>
/// <param name="IdleAfter">How long a state stays in memory that nobody uses.</param>
/// <param name="WaitFor">How long a request waits for a shard that is on its way from one node to another.</param>
internal sealed record NodeModel(TimeSpan CheckpointEvery, long MaxBytes, TimeSpan IdleAfter, TimeSpan WaitFor)
{
    public static NodeModel Default { get; } = new(TimeSpan.FromSeconds(1), 1L << 30, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5));
}
