using System.Diagnostics.CodeAnalysis;
using Stateside.Places;

namespace Stateside.Cluster;

/// <summary>
/// One shard on this node: whether it is ours, how many turns are inside, and what of it is in memory. It goes Away → Coming → Owned →
/// Going → Away; memory is empty in Away and Coming.
/// </summary>
internal sealed class Shard(int number)
{
    private enum Stage
    {
        Away,

        /// <summary>The view gives it to us; the store does not yet refuse what its last owner sends.</summary>
        Coming,
        Owned,

        /// <summary>It is being passed on: who is inside finishes, who comes waits.</summary>
        Going,
    }

    private readonly Lock _gate = new();
    // A set finds a group by its name as a dictionary would, and takes a third less for each.
    private readonly HashSet<NodeGroup> _groups = new(ByName.Instance);
    private Stage _stage;
    private int _inside;
    private TaskCompletionSource? _changed;
    private TaskCompletionSource? _empty;

    public int Number => number;

    /// <summary>Called once it lets nobody in any more: it is being passed on, or it is gone.</summary>
    public Action? Leaving { get; set; }

    /// <summary>The epoch under which it is, or is about to be, owned; 0 while it is away.</summary>
    public long Epoch { get; private set; }

    public bool IsAway => _stage == Stage.Away;

    public bool IsOwned => _stage == Stage.Owned;

    /// <summary>Goes in, if it is owned.</summary>
    /// <param name="group">The group that the turn is about.</param>
    /// <param name="memory">What of it is in memory. To be given back with <see cref="Leave"/>.</param>
    /// <param name="changed">Where it could not go in: completes when that may have changed.</param>
    public bool TryEnter(Group group, out NodeGroup memory, out Task changed)
    {
        lock (_gate)
        {
            if (_stage != Stage.Owned)
            {
                memory = null!;
                changed = (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                return false;
            }
            changed = Task.CompletedTask;
            _inside++;
            memory = Open(group);
            return true;
        }
    }

    /// <summary>What of the group is in memory now, for a turn that is inside and whose earlier memory was dropped; null if the shard is no longer owned under that epoch.</summary>
    public NodeGroup? Reopen(NodeGroup dropped)
    {
        lock (_gate)
        {
            if (Epoch != dropped.Epoch || _stage is not (Stage.Owned or Stage.Going)) return null;
            dropped.Users--;
            return Open(dropped.Group);
        }
    }

    public void Leave(NodeGroup memory)
    {
        lock (_gate)
        {
            memory.Users--;
            if (--_inside == 0) _empty?.TrySetResult();
        }
    }

    /// <summary>The committed memory of a group, if any; for snapshots of groups that the turn is not about.</summary>
    public NodeGroup? Peek(Group group)
    {
        lock (_gate) return _stage == Stage.Owned && Find(group, out var memory) ? memory : null;
    }

    /// <summary>The view gives it to us.</summary>
    public void Come(long epoch) => Change(Stage.Coming, epoch);

    /// <summary>The store refuses earlier owners from now on.</summary>
    public void Own(long epoch)
    {
        lock (_gate)
            if (_stage != Stage.Coming || Epoch != epoch) return;
        Change(Stage.Owned, epoch);
    }

    /// <summary>Lets nobody in any more. Completes when nobody is inside.</summary>
    public async Task SealAsync()
    {
        Task empty;
        lock (_gate)
        {
            if (_stage != Stage.Owned) return;
            _stage = Stage.Going;
            empty = _inside == 0 ? Task.CompletedTask : (_empty = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        Leaving?.Invoke();
        await empty;
    }

    /// <summary>It stays after all.</summary>
    public void Unseal()
    {
        lock (_gate)
            if (_stage != Stage.Going) return;
        Change(Stage.Owned, Epoch);
    }

    /// <summary>It is ours no longer; all of its memory is gone.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            foreach (var memory in _groups) memory.Kill();
            _groups.Clear();
        }
        Change(Stage.Away, 0);
        Leaving?.Invoke();
    }

    /// <summary>What is in memory, for those who write checkpoints or make room.</summary>
    public NodeGroup[] Snapshot()
    {
        lock (_gate) return _groups.Count == 0 ? [] : [.. _groups];
    }

    /// <summary>Takes groups out of memory that nobody uses and whose every change is in the store.</summary>
    /// <param name="isOld">Which ones.</param>
    /// <returns>The bytes of state in those that stay, and how many they are.</returns>
    public (long Bytes, int Groups) Evict(Func<NodeGroup, bool> isOld)
    {
        lock (_gate)
        {
            var bytes = 0L;
            _groups.RemoveWhere(memory =>
            {
                if (memory.Users == 0 && isOld(memory) && memory.TryEvict()) return true;
                bytes += memory.Bytes;
                return false;
            });
            return (bytes, _groups.Count);
        }
    }

    private NodeGroup Open(Group group)
    {
        if (!Find(group, out var memory)) _groups.Add(memory = new NodeGroup(group, Epoch));
        memory.Users++;
        return memory;
    }

    private bool Find(Group group, [NotNullWhen(true)] out NodeGroup? memory) => _groups.GetAlternateLookup<string>().TryGetValue(group.Value, out memory);

    private void Change(Stage stage, long epoch)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            (_stage, Epoch, changed, _changed) = (stage, epoch, _changed, null);
        }
        changed?.TrySetResult();
    }

    private sealed class ByName : IEqualityComparer<NodeGroup>, IAlternateEqualityComparer<string, NodeGroup>
    {
        public static readonly ByName Instance = new();

        public bool Equals(NodeGroup? one, NodeGroup? other) => one == other;

        public int GetHashCode(NodeGroup memory) => GetHashCode(memory.Group.Value);

        public bool Equals(string name, NodeGroup memory) => name == memory.Group.Value;

        public int GetHashCode(string name) => name.GetHashCode(StringComparison.Ordinal);

        /// <summary>Never asked for: a group is made with its epoch, which its name does not tell.</summary>
        public NodeGroup Create(string name) => throw new NotSupportedException();
    }
}
