namespace Stateside.Cluster;

/// <summary>One node as the others know it.</summary>
/// <param name="Name">Its name, unique in the cluster; a node that starts again keeps it.</param>
/// <param name="Incarnation">Which of its lives: random, new at each start, and after the others have given it up.</param>
/// <param name="Host">Where its node port listens; empty for a node that is alone.</param>
/// <param name="Port">The same.</param>
/// <param name="IsLeaving">Whether it is passing its shards on before it stops.</param>
internal sealed record Member(string Name, UInt128 Incarnation, string Host, int Port, bool IsLeaving = false)
{
    /// <summary>Whether both are one life of one node.</summary>
    public bool Is(Member? other) => other is not null && other.Incarnation == Incarnation && other.Name == Name;
}
