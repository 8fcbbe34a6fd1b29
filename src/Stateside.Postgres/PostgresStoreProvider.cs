using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>
/// Makes the PostgreSQL store from <c>postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]…]/DATABASE[?OPTION=VALUE&amp;…]</c>, each part
/// percent-encoded. Of several hosts it uses the one that can be written to.
/// </summary>
/// <remarks>
/// Without a password that of PGPASSWORD or of the password file is taken. Options: <c>sslmode</c>, <c>sslrootcert</c>, <c>sslcert</c>,
/// <c>sslkey</c>; <c>schema</c> (default <c>stateside</c>); <c>pool</c> (most connections, 5 to 200, default 10);
/// <c>connect_timeout</c> (1 to 60 seconds, default 5); <c>command_timeout</c> (1 to 300 seconds, default 10); <c>keepalive</c> (seconds,
/// default 15, 0: none); <c>notify</c> (default true: commits tell those who watch of changes).
/// </remarks>
/// <param name="loggers">Where the store writes what it meets; null: nowhere.</param>
public sealed class PostgresStoreProvider(ILoggerFactory? loggers = null) : IStoreProvider
{
    /// <inheritdoc/>
    public string Scheme => PostgresUrl.Scheme;

    /// <inheritdoc/>
    public string Example => PostgresUrl.Example;

    /// <inheritdoc/>
    public IStore Create(string url, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        var log = (loggers ?? NullLoggerFactory.Instance).CreateLogger("Stateside.Postgres");
        return new PostgresStore(PostgresUrl.Parse(url), time, log);
    }
}
