using Stateside.Stores;

namespace Stateside.Sealing;

/// <summary>The ring's row in the store, and how it changes: by a commit that expects the version it was made from.</summary>
internal sealed class KeyRingStore(IStore store)
{
    public const string RowName = "$keys";
    private const int Shape = 1;
    private const int MostAttempts = 100;
    private static readonly StateKey s_key = new(Group.Cluster(0), RowName);

    public async ValueTask<RingContent> LoadAsync(CancellationToken cancellationToken)
    {
        var loaded = await store.LoadAsync(new LoadRequest([s_key]), cancellationToken);
        return Read(loaded.Rows[0]);
    }

    /// <summary>Changes the ring, whoever else does at the same time. A change that changes nothing writes nothing.</summary>
    /// <exception cref="StoreException">The store is away, or it is not known whether the change was written.</exception>
    public async ValueTask<RingContent> ChangeAsync(Func<RingContent, RingContent> change, CancellationToken cancellationToken)
    {
        var row = (await store.LoadAsync(new LoadRequest([s_key]), cancellationToken)).Rows[0];
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var before = Read(row);
            var after = change(before);
            if (after == before) return before;
            var write = new RowWrite(s_key, RowChange.Put, row.Version) { Schema = Shape, Body = after.Write() };
            var result = await store.CommitAsync(new Commit(s_key.Group, TurnId.New()) { Rows = [write] }, CancellationToken.None);
            if (result == CommitResult.Committed) return after;
            if (result is not CommitResult.Conflict conflict) break;
            row = conflict.Rows[0];
        }
        throw new StoreException("The keys were changed by others again and again. Try once more.", Applied.No);
    }

    private static RingContent Read(Row row)
    {
        if (!row.Exists) return RingContent.Empty;
        if (row.Schema > Shape) throw Errors.RowNewer(RowName, row.Schema, Shape);
        return RingContent.Read(row.Body);
    }
}
