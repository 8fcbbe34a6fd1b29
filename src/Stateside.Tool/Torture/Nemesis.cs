namespace Stateside.Tool.Torture;

/// <summary>
/// Does to the cluster what the world does, all kinds at once and each at moments that the seed decides. Only one thing is done to a node at a time, one node at
/// least is always left alone but for the network, and whatever is done is undone before it ends.
/// </summary>
internal sealed class Nemesis(IReadOnlyList<TortureNode> nodes, TortureNode gateway, TortureStore store, PrivateNetwork? network, Record record, TimeProvider time, int seed)
{
    public const string Kill = "kill";
    public const string Pause = "pause";
    public const string Drain = "drain";
    public const string Partition = "partition";
    public const string Store = "store";

    /// <summary>All kinds.</summary>
    public static readonly string[] Kinds = [Kill, Pause, Drain, Partition, Store];

    private static readonly TimeSpan s_restartAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<TortureNode> _taken = [];

    /// <summary>Works until it is told to stop, and then until all is healed.</summary>
    public Task RunAsync(IEnumerable<string> kinds, CancellationToken stop, CancellationToken cancellationToken) =>
        Task.WhenAll(kinds.Select(kind => RepeatAsync(kind, new Random(seed + 1000 + Array.IndexOf(Kinds, kind)), stop, cancellationToken)));

    private async Task RepeatAsync(string kind, Random random, CancellationToken stop, CancellationToken cancellationToken)
    {
        // Everything has its turn early, also in a run of a few seconds.
        var wait = Seconds(random, 0.5, 3);
        try
        {
            while (true)
            {
                await Task.Delay(wait, time, stop);
                await (kind switch
                {
                    Kill => KillAsync(random, stop, cancellationToken),
                    Pause => PauseAsync(random, stop),
                    Drain => DrainAsync(random, stop, cancellationToken),
                    Partition => PartitionAsync(random),
                    _ => StoreAsync(random, cancellationToken),
                });
                wait = kind == Store ? Seconds(random, 8, 20) : kind == Partition ? Seconds(random, 1, 6) : Seconds(random, 2, 8);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The end of a wait; what was begun is over.
        }
    }

    private Task KillAsync(Random random, CancellationToken stop, CancellationToken cancellationToken) => random.Next(6) == 0
        ? RestartAsync(gateway, Kill, gateway.KillAsync, cancellationToken)
        : WithNodeAsync(random, node => RestartAsync(node, Kill, node.KillAsync, cancellationToken), stop);

    private Task DrainAsync(Random random, CancellationToken stop, CancellationToken cancellationToken) =>
        WithNodeAsync(random, node => RestartAsync(node, Drain, node.DrainAsync, cancellationToken), stop);

    private async Task RestartAsync(TortureNode node, string kind, Func<Task> end, CancellationToken cancellationToken)
    {
        var fault = record.Begin(kind, node.Name);
        await end();
        if (kind == Kill) await Task.Delay(s_restartAfter, time, cancellationToken);
        await node.StartAsync(cancellationToken);
        fault.Until = record.Now;
    }

    private Task PauseAsync(Random random, CancellationToken stop)
    {
        // A lease is half a second, and after 0.6 s the others take over.
        var length = Seconds(random, 0.7, 3);
        return WithNodeAsync(random, async node =>
        {
            var fault = record.Begin(Pause, $"{node.Name} for {length.TotalMilliseconds:0} ms");
            await node.PauseAsync(length);
            fault.Until = record.Now;
        }, stop);
    }

    private async Task PartitionAsync(Random random)
    {
        var node = nodes[random.Next(nodes.Count)].Name;
        var other = random.Next(3) switch
        {
            0 when store.IsOurs => TortureStore.Member,
            1 => gateway.Name,
            _ => nodes.Select(n => n.Name).Where(name => name != node).ElementAt(random.Next(nodes.Count - 1)),
        };
        (string What, Func<bool, Task> Cut) done = random.Next(4) switch
        {
            0 => ($"{node} from all", cut => network!.IsolateAsync(node, cut)),
            1 => ($"{node} and {other}", async cut => { await network!.CutAsync(node, other, cut); await network.CutAsync(other, node, cut); }),
            2 => ($"{node} to {other}", cut => network!.CutAsync(node, other, cut)),
            _ => ($"{other} to {node}", cut => network!.CutAsync(other, node, cut)),
        };
        var fault = record.Begin(Partition, done.What);
        await done.Cut(true);
        await Task.Delay(Seconds(random, 0.5, 4), time);
        await done.Cut(false);
        fault.Until = record.Now;
    }

    private async Task StoreAsync(Random random, CancellationToken cancellationToken)
    {
        var isKilled = random.Next(3) > 0;
        var fault = record.Begin(Store, isKilled ? "killed" : "stopped");
        if (isKilled) await store.KillAsync();
        else await store.StopAsync();
        await Task.Delay(Seconds(random, 0.1, 1.5), time, cancellationToken);
        await store.StartAgainAsync(cancellationToken);
        fault.Until = record.Now;
    }

    private async Task WithNodeAsync(Random random, Func<TortureNode, Task> act, CancellationToken stop)
    {
        var node = await TakeAsync(random, stop);
        try
        {
            await act(node);
        }
        finally
        {
            lock (_lock) _taken.Remove(node);
        }
    }

    /// <summary>A node to which nothing is being done, once one more than that is left.</summary>
    private async Task<TortureNode> TakeAsync(Random random, CancellationToken stop)
    {
        while (true)
        {
            lock (_lock)
                if (_taken.Count < nodes.Count - 1)
                {
                    var free = nodes.Where(node => !_taken.Contains(node)).ToArray();
                    var node = free[random.Next(free.Length)];
                    _taken.Add(node);
                    return node;
                }
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, stop);
        }
    }

    private static TimeSpan Seconds(Random random, double from, double to) => TimeSpan.FromSeconds(from + random.NextDouble() * (to - from));
}
