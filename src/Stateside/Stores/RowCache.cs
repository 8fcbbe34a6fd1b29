namespace Stateside.Stores;

/// <summary>
/// For stores outside the process: the rows that were read or written last, found again by key <em>and version</em>. The store is
/// always asked for the version first, so nothing stale is ever answered; what is saved is copying the body and decoding it again.
/// Bounded: a fixed number of places, each overwritten by the next row that falls on it, and no large bodies. Safe for use by many threads.
/// </summary>
public sealed class RowCache
{
    private const int Places = 4096;

    /// <summary>The places that a row may take, so that two keys in use do not drive each other out.</summary>
    private const int Neighbours = 4;
    private const int MaxBodyBytes = 16 * 1024;

    private readonly Row?[] _rows = new Row?[Places];

    /// <summary>The row with exactly this version, or null.</summary>
    public Row? Find(StateKey key, StateVersion version)
    {
        var place = Place(key);
        for (var i = 0; i < Neighbours; i++)
            if (Volatile.Read(ref _rows[place + i]) is { } row && row.Version == version && row.Key == key) return row;
        return null;
    }

    /// <summary>Keeps a row that was read, or whose commit holds. One with a body of more than 16 KB is not kept.</summary>
    public void Keep(Row row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row.Body.Length > MaxBodyBytes) return;
        var place = Place(row.Key);
        // Where all neighbours are taken by others, any of them makes way.
        var at = place + (int)((ulong)row.Version.Counter % Neighbours);
        for (var i = 0; i < Neighbours; i++)
        {
            if (_rows[place + i] is { } there && there.Key != row.Key) continue;
            at = place + i;
            break;
        }
        Volatile.Write(ref _rows[at], row);
    }

    /// <summary>Keeps what a commit has written. To be called once it holds, and not before.</summary>
    public void Keep(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        foreach (var row in commit.Rows)
            if (row.Change == RowChange.Put) Keep(Row.Of(row, commit.Turn, row.TimeToLive));
    }

    /// <summary>
    /// Forgets all rows. To be called when the store may have lost commits, as when a replica was promoted: a turn that is taken over
    /// keeps its id, and may then write another content under the version of one that was lost.
    /// </summary>
    public void Clear() => Array.Clear(_rows);

    private static int Place(StateKey key) => (int)((uint)key.GetHashCode() % (Places / Neighbours)) * Neighbours;
}
