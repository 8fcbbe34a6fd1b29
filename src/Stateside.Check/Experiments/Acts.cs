using Stateside.Check.Conversations;

namespace Stateside.Check.Experiments;

/// <summary>One thing that an experiment does. A plan is a list of them; the same plan with everything on one replica and nothing killed is its control.</summary>
internal abstract record Act;

/// <summary>Sends a step.</summary>
/// <param name="Step">The step's number, from 1.</param>
/// <param name="Replica">To which replica.</param>
internal sealed record Send(int Step, int Replica) : Act
{
    /// <summary>What is sent otherwise than the scenario says, or null.</summary>
    public Func<Conversation, SendChange?>? Change { get; init; }

    /// <summary>Whether cookies and values of the response are forgotten: somebody else looks.</summary>
    public bool IsAside { get; init; }

    /// <summary>Sends the request of the step's last sending once more, byte by byte.</summary>
    public bool IsAgain { get; init; }
}

/// <summary>Sends a step several times at once.</summary>
/// <param name="Step">The step's number, from 1.</param>
/// <param name="Replicas">To which replica each copy goes.</param>
/// <param name="IsOne">Whether all copies are one request, byte by byte, or each is filled in anew and has an <c>Idempotency-Key</c> of its own.</param>
internal sealed record Burst(int Step, IReadOnlyList<int> Replicas, bool IsOne) : Act;

/// <summary>Kills replicas without notice and starts them again.</summary>
/// <param name="Replicas">Which.</param>
internal sealed record Kill(IReadOnlyList<int> Replicas) : Act
{
    /// <summary>How long they are left alone before.</summary>
    public TimeSpan After { get; init; }
}

/// <summary>Lets time pass.</summary>
/// <param name="Length">How much.</param>
internal sealed record Wait(TimeSpan Length) : Act;

/// <summary>Keeps the client's cookies and values as they are now.</summary>
internal sealed record Park : Act;

/// <summary>Goes back to the cookies and values that were kept.</summary>
internal sealed record Resume : Act;

/// <summary>Changes the client's cookies by hand.</summary>
/// <param name="Change">The change.</param>
internal sealed record Tamper(Action<Conversation> Change) : Act;

/// <summary>Plans that several experiments use.</summary>
internal static class Plans
{
    /// <summary>More than a second, so that clocks of whole seconds go on.</summary>
    public static TimeSpan Second { get; } = TimeSpan.FromMilliseconds(1_100);

    /// <summary>All steps, each on the replica that is named for it.</summary>
    public static List<Act> All(int steps, Func<int, int> replica) => [.. Enumerable.Range(1, steps).Select(step => new Send(step, replica(step)))];

    /// <summary>The same on one replica, with as much time in the place of each kill as a restart takes.</summary>
    public static List<Act> Waiting(this IEnumerable<Act> plan) => [.. plan.Select(act => act is Kill ? new Wait(Second) : act).OnOne()];

    /// <summary>The control of a plan: on one replica, none killed.</summary>
    public static List<Act> OnOne(this IEnumerable<Act> plan, int replica = 0) => [.. plan.Where(act => act is not Kill).Select(act => act switch
    {
        Send send => send with { Replica = replica },
        Burst burst => burst with { Replicas = [.. burst.Replicas.Select(_ => replica)] },
        _ => act,
    })];
}
