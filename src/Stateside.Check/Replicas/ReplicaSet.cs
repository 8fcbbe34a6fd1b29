namespace Stateside.Check.Replicas;

/// <summary>Some replicas of the service under test, which know of each other only what the service shares. The first has the number 0.</summary>
public abstract class ReplicaSet : IAsyncDisposable
{
    /// <summary>Where the replicas listen now.</summary>
    public abstract IReadOnlyList<Uri> Addresses { get; }

    /// <summary>Whether <see cref="RestartAsync"/> is possible.</summary>
    public abstract bool CanRestart { get; }

    /// <summary>Ends these replicas all at once, without notice, and starts them again; returns when they are ready.</summary>
    /// <exception cref="ReplicaException">One does not start, or not in time.</exception>
    public abstract Task RestartAsync(IReadOnlyList<int> replicas, CancellationToken cancellationToken);

    /// <summary>Which replica has ended by itself, and what it said last; null while all live or where it cannot be known.</summary>
    public abstract (int Replica, string Said)? Crashed();

    /// <summary>Why a replica over whose connection nothing came is not there any more; null while it is, or where <see cref="Crashed"/> knows.</summary>
    public virtual Task<string?> GoneAsync(int replica, CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    /// <summary>Lines for bash that start these replicas again as they were and stop them when the shell ends, for a reproduction that can be pasted; null where they run by themselves.</summary>
    public virtual string? StartScript(IReadOnlyList<int> replicas) => null;

    /// <summary>A line for bash that kills a replica and starts it again, or null.</summary>
    public virtual string? RestartScript(int replica) => null;

    /// <summary>Stops what was started.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Where replicas come from.</summary>
public abstract class ReplicaSource
{
    /// <summary>How many sets can be open at the same time.</summary>
    public abstract int MostSets { get; }

    /// <summary>Whether sets are known to keep what they write apart: then one may be killed while the other is proved. Not by default, since two sets may write the same files.</summary>
    public virtual bool KeepsApart => false;

    /// <summary>Whether the replicas of a set can be restarted.</summary>
    public abstract bool CanRestart { get; }

    /// <summary>Why the replicas cannot be restarted, where <see cref="CanRestart"/> is false.</summary>
    public virtual string WhyNoRestart => "replicas that were given by URL cannot be restarted without --restart 'CMD {i}'";

    /// <summary>How many replicas a set has.</summary>
    public abstract int Count { get; }

    /// <summary>How the replicas are named in reports, secrets masked.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Opens a set of replicas that serve.</summary>
    /// <exception cref="ReplicaException">One does not start, or not in time.</exception>
    public abstract Task<ReplicaSet> OpenAsync(CancellationToken cancellationToken);
}

/// <summary>A replica cannot be had; the message says why and what it said last.</summary>
public sealed class ReplicaException : Exception
{
    /// <summary>Makes it.</summary>
    public ReplicaException(string message) : base(message) { }

    /// <summary>Makes it.</summary>
    public ReplicaException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Makes it.</summary>
    public ReplicaException() { }
}
