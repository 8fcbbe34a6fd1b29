using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// The rows that were read or written last, found again by key <em>and version</em>. The file is always asked for the version
/// first, so nothing stale is ever answered; what is saved is copying the body and decoding it again. Bounded: a fixed number of
/// places, each overwritten by the next row that falls on it, and no large bodies.
/// </summary>
internal sealed class RowCache
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

    public void Keep(Row row)
    {
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

    private static int Place(StateKey key) => (int)((uint)key.GetHashCode() % (Places / Neighbours)) * Neighbours;
}
