namespace Stateside.Simulator;

/// <summary>Asks the nodes after each step who owns the shards that the keys are in, and notes for how long. Moments are steps, so that hand-offs within one moment of virtual time are told apart.</summary>
internal sealed class OwnerWatch(World world, IReadOnlyList<int> shards)
{
    private readonly Dictionary<(int Node, int Shard), Ownership> _open = [];
    private readonly List<Ownership> _closed = [];

    /// <summary>All ownerships, those that go on included.</summary>
    public IEnumerable<Ownership> All => _closed.Concat(_open.Values.Select(o => o with { To = world.Scheduler.Steps }));

    /// <summary>A node has run. The others cannot have become owners meanwhile; that they may have ceased to be matters once somebody else is.</summary>
    public void Ran(SimProcess process)
    {
        foreach (var shard in shards)
            if (Look(process.Id, shard))
                foreach (var node in world.Nodes) Look(node.Id, shard);
    }

    /// <returns>True if it has just become the owner.</returns>
    private bool Look(int id, int shard)
    {
        var node = world.Node(id);
        var epoch = node.IsRunning ? node.Software?.EpochOf(shard) ?? 0 : 0;
        var isOpen = _open.TryGetValue((id, shard), out var open);
        if (isOpen && open!.Epoch == epoch) return false;
        if (isOpen || epoch > 0) world.Note($"node {id} owns shard {shard} under epoch {epoch}");
        if (isOpen) _closed.Add(open! with { To = world.Scheduler.Steps });
        _open.Remove((id, shard));
        if (epoch > 0) _open[(id, shard)] = new Ownership(shard, epoch, id, world.Scheduler.Steps, long.MaxValue);
        return epoch > 0;
    }
}
