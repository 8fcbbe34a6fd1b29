using Microsoft.Extensions.Logging;

namespace Stateside.Postgres;

/// <summary>Every message of the PostgreSQL store. Event ids 5000 to 5049. No message holds a key, a body or a connection string.</summary>
internal static partial class Log
{
    [LoggerMessage(5000, LogLevel.Information, "The PostgreSQL schema was brought from version {From} to version {To}.")]
    public static partial void Migrated(this ILogger log, int from, int to);

    [LoggerMessage(5001, LogLevel.Warning, "A trip to the PostgreSQL server failed ({SqlState}); it is connected to anew with the next. {More} more failures since the last such line.")]
    public static partial void TripFailed(this ILogger log, string sqlState, int more);

    [LoggerMessage(5002, LogLevel.Warning, "{Count} commits failed together ({SqlState}); each is tried by itself.")]
    public static partial void BatchSplit(this ILogger log, int count, string sqlState);

    [LoggerMessage(5003, LogLevel.Warning, "{Count} commits were on their way when the connection broke; their outcome is unknown.")]
    public static partial void OutcomeUnknown(this ILogger log, int count);

    [LoggerMessage(5004, LogLevel.Warning, "The server ended its wait for the synchronous standby early; whether {Count} commits are replicated is unknown.")]
    public static partial void NotReplicated(this ILogger log, int count);

    [LoggerMessage(5005, LogLevel.Warning, "The connection that listens for changes broke; it is opened anew.")]
    public static partial void WatchBroke(this ILogger log);
}
