using Microsoft.Extensions.Logging;
using Stateside.Stores;

namespace Stateside.AspNetCore.Diagnostics;

/// <summary>Every message of the HTTP surface. Event ids 2000 to 2099. No message holds a path's values, a key, a body or a cookie.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "{Code}: {Method} {Route} was refused; applied: {Applied}.")]
    public static partial void Refused(this ILogger log, string code, string method, string route, Applied applied);

    [LoggerMessage(2001, LogLevel.Debug, "The client of {Method} {Route} went away.")]
    public static partial void ClientGone(this ILogger log, string method, string route);

    [LoggerMessage(2002, LogLevel.Error, "{Code}: {Method} {Route} failed; applied: {Applied}.")]
    public static partial void Failed(this ILogger log, string code, string method, string route, Applied applied, Exception? e);

    [LoggerMessage(2003, LogLevel.Debug, "{Code}: the event stream of {Method} {Route} has ended.")]
    public static partial void StreamEnded(this ILogger log, string code, string method, string route);

    [LoggerMessage(2010, LogLevel.Warning, "The readiness check fails: the store does not answer as it should.")]
    public static partial void NotReady(this ILogger log, Exception e);
}
