using Stateside.Cluster;
using Stateside.Turns;

namespace Stateside.Places;

/// <summary>A turn inside a shard of this node: while it holds this, the shard is not passed on.</summary>
internal sealed class NodeEntry(Shard shard, NodeGroup memory) : IDisposable
{
    private TurnGate.Pass _pass;
    private bool _holdsPass;
    private bool _left;

    public Shard Shard => shard;

    public Group Group => Memory.Group;

    /// <summary>What is in memory; another one after <see cref="TryReopen"/>.</summary>
    public NodeGroup Memory { get; private set; } = memory;

    /// <summary><see cref="NodeGroup.Voids"/> when the turn last read.</summary>
    public int Voids { get; set; }

    /// <summary>Keeps the group's turn until the change is in memory: the next turn need not wait for the commit.</summary>
    public void Hold(TurnGate.Pass pass) => (_pass, _holdsPass) = (pass, true);

    public void LetNextIn()
    {
        if (!_holdsPass) return;
        _holdsPass = false;
        _pass.Dispose();
    }

    /// <summary>Takes the memory that has followed on one that was dropped; false if the shard is ours no longer.</summary>
    public bool TryReopen()
    {
        if (Shard.Reopen(Memory) is not { } next) return false;
        Memory = next;
        return true;
    }

    public void Dispose()
    {
        if (_left) return;
        _left = true;
        LetNextIn();
        Shard.Leave(Memory);
    }
}
