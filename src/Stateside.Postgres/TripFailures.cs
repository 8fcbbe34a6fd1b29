using Microsoft.Extensions.Logging;

namespace Stateside.Postgres;

/// <summary>Tells of trips that failed, at most once a second: while the server is away there may be hundreds.</summary>
internal sealed class TripFailures(ILogger log, TimeProvider time)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private long? _told;
    private int _more;

    /// <summary>A trip failed.</summary>
    /// <param name="sqlState">The server's code, or what stands for one where there was no answer.</param>
    public void Tell(string sqlState)
    {
        int more;
        lock (_gate)
        {
            if (_told is { } told && time.GetElapsedTime(told) < s_pause)
            {
                _more++;
                return;
            }
            (more, _more, _told) = (_more, 0, time.GetTimestamp());
        }
        log.TripFailed(sqlState, more);
    }
}
