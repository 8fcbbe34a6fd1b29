using System.Text.Json;
using Stateside.Stores;

namespace Stateside.Cluster;

/// <summary>What a look at the cluster's rows brought.</summary>
/// <param name="View">The row of the view.</param>
/// <param name="Members">The members' own rows, in the order asked for.</param>
internal readonly record struct ClusterRows(Row View, IReadOnlyList<Row> Members);

/// <summary>The cluster's rows in the store: the view, and one row for each member, whose version is its sign of life.</summary>
internal sealed class ClusterStore(IStore store)
{
    private const string MemberName = "$member";
    private static readonly StateKey s_view = new(Group.Cluster(0), ClusterView.RowName);

    /// <summary>How long the row of a node stays that died with all others. A store's clock that is set wrong by hours must not end who lives.</summary>
    private static readonly TimeSpan s_memberLife = TimeSpan.FromDays(30);

    /// <summary>The view and the rows of some members: one trip.</summary>
    public async ValueTask<ClusterRows> LoadAsync(IReadOnlyList<string> members, CancellationToken cancellationToken)
    {
        var keys = new StateKey[members.Count + 1];
        keys[0] = s_view;
        for (var i = 0; i < members.Count; i++) keys[i + 1] = KeyOf(members[i]);
        var rows = (await store.LoadAsync(new LoadRequest(keys), cancellationToken)).Rows;
        return new(rows[0], [.. rows.Skip(1)]);
    }

    /// <summary>Replaces the view, if it is at that version.</summary>
    /// <returns>Whether it was, and the row that is there now.</returns>
    public ValueTask<(bool IsOurs, Row Row)> PutViewAsync(ClusterView view, StateVersion expected) =>
        PutAsync(new RowWrite(s_view, RowChange.Put, expected) { Schema = ClusterView.Shape, Body = view.Write() });

    /// <summary>A sign of life: writes the member's row, if it is at that version.</summary>
    /// <returns>Whether it was, and the row that is there now: another's, or none, if this life has ended.</returns>
    public ValueTask<(bool IsOurs, Row Row)> RenewAsync(Member member, StateVersion expected) => PutAsync(new RowWrite(KeyOf(member.Name), RowChange.Put, expected)
    {
        Schema = ClusterView.Shape,
        Body = JsonSerializer.SerializeToUtf8Bytes(
            new MemberContent(member.Name, member.Incarnation, member.Host, member.Port, member.IsLeaving), ClusterJson.Default.MemberContent),
        TimeToLive = s_memberLife,
    });

    /// <summary>Ends a life: once its row is gone, or at another version, the member itself can no longer renew it.</summary>
    /// <returns>False if it has renewed its row meanwhile.</returns>
    public async ValueTask<bool> EndAsync(string member, StateVersion expected)
    {
        var write = new RowWrite(KeyOf(member), RowChange.Delete, expected);
        return await store.CommitAsync(new Commit(write.Key.Group, TurnId.New()) { Rows = [write] }, CancellationToken.None) == CommitResult.Committed;
    }

    /// <summary>Raises the fence of a shard: from now on the store refuses what an earlier owner sends.</summary>
    /// <returns>The epoch that the store knows now.</returns>
    public async ValueTask<long> RaiseAsync(int shard, long epoch)
    {
        var result = await store.CommitAsync(new Commit(Group.Cluster(shard), TurnId.New()) { Fence = new Fence(shard, epoch) }, CancellationToken.None);
        return result is CommitResult.Fenced fenced ? fenced.Epoch : epoch;
    }

    /// <summary>Whose life a member's row shows; null if it is gone or unreadable.</summary>
    public static UInt128? IncarnationOf(Row row)
    {
        if (!row.Exists) return null;
        try
        {
            return JsonSerializer.Deserialize(row.Body.Span, ClusterJson.Default.MemberContent)?.Incarnation;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async ValueTask<(bool IsOurs, Row Row)> PutAsync(RowWrite write)
    {
        var turn = TurnId.New();
        var result = await store.CommitAsync(new Commit(write.Key.Group, turn) { Rows = [write] }, CancellationToken.None);
        return result is CommitResult.Conflict conflict ? (false, conflict.Rows[0]) : (true, Row.Of(write, turn, write.TimeToLive));
    }

    private static StateKey KeyOf(string member) => new(Group.Cluster((int)(Rendezvous.Seed(member) % Group.ShardCount)), MemberName, member);
}
