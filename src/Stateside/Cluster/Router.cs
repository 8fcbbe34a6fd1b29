using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Cluster;

/// <summary>What became of one attempt to have another node answer a request.</summary>
internal enum Forwarded
{
    /// <summary>It has answered, and the answer was relayed; or the answer broke off, and the router can do no more.</summary>
    Answered,

    /// <summary>It does not own the shard, and has done nothing.</summary>
    Misdirected,

    /// <summary>The request has not reached it.</summary>
    NotSent,

    /// <summary>It was sent, and no answer came: it may have been done.</summary>
    Lost,
}

/// <summary>The same with what it takes to try again.</summary>
/// <param name="Result">What became of it.</param>
/// <param name="View">The number of the view that the other node knows; 0 if it did not say.</param>
/// <param name="CanRepeat">Whether the request is at hand, whole, to be sent once more.</param>
internal readonly record struct ForwardAttempt(Forwarded Result, long View, bool CanRepeat);

/// <summary>
/// Hop 2: which node answers a request. It is sent to the owner of its shard and, if that fails, again only where nothing can have been
/// done, or where doing it twice does nothing: a safe method, or an idempotency key with its caller.
/// </summary>
internal sealed class Router(ClusterAgent cluster, NodeModel model, TimeProvider time)
{
    private const int ConflictStatus = 409, PreconditionStatus = 412, BusyStatus = 429, FirstFault = 500;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private int _next;

    /// <summary>Whether this node owns the group as far as it knows: then there is nothing to route.</summary>
    public bool IsHere(Group? group) => group is { } g && cluster.View?.Owner(g.Shard) is { } owner && owner.Is(cluster.Self);

    /// <summary>Routes a request.</summary>
    /// <param name="group">The group of its states; null: any node will do.</param>
    /// <param name="isRepeatable">Whether it may be done twice without harm.</param>
    /// <param name="knownView">The number of the view that whoever sent it knows; 0 for one from outside.</param>
    /// <param name="send">Sends it to a node.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    /// <returns>True if another node has answered; false if this node is to.</returns>
    /// <exception cref="StatesideException">SS4001: no node could be reached; nothing was applied. SS4002: one was, and no answer came.</exception>
    public async ValueTask<bool> TryForwardAsync(
        Group? group, bool isRepeatable, long knownView, Func<Member, long, ValueTask<ForwardAttempt>> send, CancellationToken cancellationToken)
    {
        long? started = null;
        var view = await RefreshAsync(knownView, cancellationToken);
        while (true)
        {
            var newest = 0L;
            if (view is not null && Target(view, group) is { } target)
            {
                if (target.Is(cluster.Self)) return false;
                var attempt = await send(target, view.Number);
                if (attempt.Result == Forwarded.Answered) return true;
                if (attempt.Result == Forwarded.Lost && !(isRepeatable && attempt.CanRepeat)) throw Errors.ForwardLost();
                if (!attempt.CanRepeat) throw Errors.NotOwner();
                newest = attempt.View;
            }
            started ??= time.GetTimestamp();
            if (time.GetElapsedTime(started.Value) > model.WaitFor) throw Errors.NotOwner();
            var before = view?.Number ?? 0;
            view = await RefreshAsync(newest, cancellationToken);
            // The view changes once the others have noticed; until then there is nothing to do but to ask again.
            if (view is null || view.Number == before) await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    /// <summary>
    /// Whether a refusal says only that this attempt was not applied: the one before it, which was not answered, may have been, or may yet be. One that
    /// follows from the request itself, or from another request under its key, holds for both.
    /// </summary>
    public static bool LeavesOpen(StatesideException e) =>
        e.Applied == Applied.No && e.Kind.Status is >= FirstFault or ConflictStatus or PreconditionStatus or BusyStatus;

    private async ValueTask<ClusterView?> RefreshAsync(long atLeast, CancellationToken cancellationToken)
    {
        if (cluster.View is { } view && view.Number >= atLeast) return view;
        try
        {
            return await cluster.RefreshAsync(atLeast, cancellationToken);
        }
        catch (StoreException)
        {
            return cluster.View;
        }
    }

    /// <summary>The owner; where any node will do, this one if it owns anything, else each in its turn.</summary>
    private Member? Target(ClusterView view, Group? group)
    {
        if (group is { } g) return view.Owner(g.Shard);
        if (view.Find(cluster.Self.Name) is { IsLeaving: false } self && self.Is(cluster.Self)) return self;
        var serving = view.Members.Where(m => !m.IsLeaving).ToArray();
        return serving.Length == 0 ? null : serving[(int)((uint)Interlocked.Increment(ref _next) % (uint)serving.Length)];
    }
}
