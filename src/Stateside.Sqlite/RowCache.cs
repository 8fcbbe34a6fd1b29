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
    private const int MaxBodyBytes = 16 * 1024;

    private readonly Row?[] _rows = new Row?[Places];

    /// <summary>The row with exactly this version, or null.</summary>
    public Row? Find(StateKey key, StateVersion version) =>
        Volatile.Read(ref Place(key)) is { } row && row.Version == version && row.Key == key ? row : null;

    public void Keep(Row row)
    {
        if (row.Body.Length <= MaxBodyBytes) Volatile.Write(ref Place(row.Key), row);
    }

    private ref Row? Place(StateKey key) => ref _rows[(uint)key.GetHashCode() % Places];
}
