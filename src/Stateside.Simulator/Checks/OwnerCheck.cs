namespace Stateside.Simulator;

/// <summary>A time in which a node took itself for the owner of a shard.</summary>
/// <param name="Shard">Which shard.</param>
/// <param name="Epoch">Under which epoch.</param>
/// <param name="Node">Which node.</param>
/// <param name="From">Since when, in steps.</param>
/// <param name="To">Until when; the moment itself no longer belongs to it.</param>
internal sealed record Ownership(int Shard, long Epoch, int Node, long From, long To);

/// <summary>No two nodes own a shard at one time, and every owner has an epoch of its own, higher than those before.</summary>
internal static class OwnerCheck
{
    public static IEnumerable<Violation> Run(IEnumerable<Ownership> ownerships)
    {
        foreach (var shard in ownerships.GroupBy(o => o.Shard))
        {
            Ownership? last = null;
            foreach (var next in shard.OrderBy(o => o.From).ThenBy(o => o.To))
            {
                if (last is not null && next.From < last.To) yield return new(Violation.OneOwner, $"{next} begins before {last} ends");
                if (last is not null && (next.Node == last.Node ? next.Epoch < last.Epoch : next.Epoch <= last.Epoch)) yield return new(Violation.OneOwner, $"{next} has no higher epoch than {last}");
                if (last is null || next.To > last.To) last = next;
            }
        }
    }
}
