using Stateside.Stores;

namespace Stateside.Sqlite;

/// <summary>
/// Makes the embedded store from <c>sqlite:PATH</c>: one file on a local disk, on the SQLite library of the operating
/// system. Several processes of one machine may use the same file at once.
/// </summary>
/// <remarks>
/// The path is absolute or relative to the current directory. <c>?synchronous=FULL</c> (the default) has every commit on
/// disk before it is acknowledged; <c>?synchronous=NORMAL</c> is faster, and a loss of power takes the last moments.
/// </remarks>
public sealed class SqliteStoreProvider : IStoreProvider
{
    /// <inheritdoc/>
    public string Scheme => SqliteUrl.Scheme;

    /// <inheritdoc/>
    public string Example => SqliteUrl.Example;

    /// <inheritdoc/>
    public IStore Create(string url, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new SqliteStore(SqliteUrl.Parse(url), time);
    }
}
