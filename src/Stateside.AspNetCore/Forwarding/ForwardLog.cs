using System.Net;
using Microsoft.Extensions.Logging;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Every message of the node port and of the forwarder. Event ids 2100 to 2199.</summary>
internal static partial class ForwardLog
{
    [LoggerMessage(2100, LogLevel.Information, "The node port listens on {EndPoint}.")]
    public static partial void NodePortOpen(this ILogger log, EndPoint? endPoint);

    [LoggerMessage(2101, LogLevel.Warning, "The node port refused {Remote}: {Reason}. {Unlogged} more refusals since the last such line.")]
    public static partial void PeerRefused(this ILogger log, EndPoint? remote, string reason, long unlogged);

    [LoggerMessage(2102, LogLevel.Warning, "Node {Node} cannot be reached: {Reason}. {Unlogged} more failures since the last such line.")]
    public static partial void NodeUnreachable(this ILogger log, string node, string reason, long unlogged);

    [LoggerMessage(2103, LogLevel.Debug, "The exchange with node {Node} broke off.")]
    public static partial void ExchangeBroken(this ILogger log, string node, Exception e);

    [LoggerMessage(2104, LogLevel.Warning, "Node {Node} sent a request whose hop header cannot be read: does it run another version?")]
    public static partial void BadHop(this ILogger log, string node);
}

/// <summary>Lets one line a second through and counts the others, so that whoever knocks often cannot fill the log.</summary>
internal sealed class LogBudget(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long? _last;
    private long _unlogged;

    /// <param name="unlogged">How many lines were held back since the last one.</param>
    public bool TryTake(out long unlogged)
    {
        lock (_lock)
        {
            unlogged = _unlogged;
            if (_last is { } last && time.GetElapsedTime(last) < TimeSpan.FromSeconds(1))
            {
                _unlogged++;
                return false;
            }
            (_last, _unlogged) = (time.GetTimestamp(), 0);
            return true;
        }
    }
}
