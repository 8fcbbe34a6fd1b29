using Microsoft.Extensions.Logging;

namespace Stateside.Redis.Resp;

/// <summary>What is logged of connections to Redis. Event ids 4000 to 4049.</summary>
internal static partial class RespLog
{
    [LoggerMessage(4000, LogLevel.Information, "Connected to Redis at {Endpoint} (RESP{Protocol})")]
    public static partial void Connected(this ILogger log, RedisEndpoint endpoint, int protocol);

    [LoggerMessage(4001, LogLevel.Warning, "The connection to Redis at {Endpoint} is lost: {Reason}. It is opened again by itself")]
    public static partial void Lost(this ILogger log, RedisEndpoint endpoint, string reason);

    [LoggerMessage(4002, LogLevel.Warning, "Redis at {Endpoint} cannot be reached: {Reason}. It is tried again by itself")]
    public static partial void CannotConnect(this ILogger log, RedisEndpoint endpoint, string reason);

    [LoggerMessage(4003, LogLevel.Information, "The Redis cluster has {Primaries} primaries")]
    public static partial void MapRead(this ILogger log, int primaries);

    [LoggerMessage(4004, LogLevel.Warning, "The map of the Redis cluster cannot be read: {Reason}")]
    public static partial void CannotReadMap(this ILogger log, string reason);
}
