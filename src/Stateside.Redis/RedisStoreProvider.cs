using Microsoft.Extensions.Logging;
using Stateside.Redis.Resp;
using Stateside.Stores;

namespace Stateside.Redis;

/// <summary>
/// Makes the store in Redis 7 or later, or a server compatible with it: one server, one with replicas, or a cluster.
/// <c>redis://[[user]:password@]host[:port][,host[:port]…][/database][?option=value&amp;…]</c>, user and password percent-encoded.
/// </summary>
/// <remarks>
/// Several hosts are any nodes of a cluster, or a primary and its replicas. The options:
/// <list type="bullet">
/// <item><c>prefix</c>: what every key begins with, so that several applications can share a server; 1 to 32 letters, digits or <c>: . _ -</c>. Default: <c>ss:</c>.</item>
/// <item><c>tls</c>: <c>true</c> encrypts, as <c>rediss://</c> does. Default: <c>false</c>.</item>
/// <item><c>ca</c>: a PEM file with the certificates that may have signed the server's. Default: those of the system.</item>
/// <item><c>cert</c> and <c>key</c>: PEM files with the client's own certificate and key. Default: none.</item>
/// <item><c>connect</c> and <c>timeout</c>: the longest time to reach a server, and to wait for an answer, in seconds from 0.05 to 300. Default: 5 each.</item>
/// </list>
/// </remarks>
/// <param name="loggers">Where the store writes what it meets; null: nowhere.</param>
public sealed class RedisStoreProvider(ILoggerFactory? loggers = null) : IStoreProvider
{
    /// <inheritdoc/>
    public string Scheme => "redis";

    /// <inheritdoc/>
    public string Example => "redis://127.0.0.1:6379";

    /// <inheritdoc/>
    public IStore Create(string url, TimeProvider time) => Make(url, time, loggers);

    internal static RedisStore Make(string url, TimeProvider time, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(time);
        return new RedisStore(RedisUrl.Parse(url), time, loggers?.CreateLogger("Stateside.Redis"));
    }
}

/// <summary>Makes the same store over TLS: <c>rediss://</c> and everything that <see cref="RedisStoreProvider"/> knows.</summary>
/// <param name="loggers">Where the store writes what it meets; null: nowhere.</param>
public sealed class RedisTlsStoreProvider(ILoggerFactory? loggers = null) : IStoreProvider
{
    /// <inheritdoc/>
    public string Scheme => "rediss";

    /// <inheritdoc/>
    public string Example => "rediss://redis.example.com:6380";

    /// <inheritdoc/>
    public IStore Create(string url, TimeProvider time) => RedisStoreProvider.Make(url, time, loggers);
}
