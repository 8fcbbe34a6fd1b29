using Stateside.Stores;

namespace Stateside.Cluster;

/// <summary>
/// Judges from looks at the store whether another node lives: by its row changing, never by a time in it. Only an unbroken
/// series of looks counts, so a store that was away makes nobody look dead.
/// </summary>
internal sealed class Watched(Member member)
{
    private StateVersion _version;
    private long _since;
    private long _last;
    private bool _isSeen;

    public Member Member => member;

    /// <summary>The version at which its row has stood still.</summary>
    public StateVersion Version => _version;

    /// <summary>Takes in a look.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="began">When the look began, by the clock of leases.</param>
    /// <param name="model">The lease.</param>
    /// <param name="clock">That clock.</param>
    /// <returns>True if it has given no sign of life for longer than it may rely on its last one.</returns>
    public bool IsSilent(Row row, long began, ClusterModel model, TimeProvider clock)
    {
        if (ClusterStore.IncarnationOf(row) != member.Incarnation) return true;
        var isBroken = !_isSeen || clock.GetElapsedTime(_last, began) > model.Lease / 2;
        _last = began;
        if (isBroken || row.Version != _version) (_isSeen, _version, _since) = (true, row.Version, began);
        return clock.GetElapsedTime(_since, began) > model.Lease + model.Margin;
    }
}
