using System.Net.Sockets;

namespace Stateside.Check.Replicas;

/// <summary>Waits until replicas serve.</summary>
internal static class Readiness
{
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(5);

    /// <summary>Waits until the path answers anything below 500.</summary>
    /// <param name="address">The replica.</param>
    /// <param name="path">The path.</param>
    /// <param name="within">The longest wait.</param>
    /// <param name="hasEnded">Whether waiting is in vain.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
    /// <returns>Null, or what was seen last.</returns>
    public static async Task<string?> WaitAsync(Uri address, string path, TimeSpan within, Func<bool> hasEnded, TimeProvider time, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = s_answerWithin })
        {
            Timeout = s_answerWithin,
        };
        var begun = time.GetTimestamp();
        var last = "nothing listens";
        while (time.GetElapsedTime(begun) < within)
        {
            if (hasEnded()) return "it has ended";
            try
            {
                using var response = await client.GetAsync(new Uri(address, path), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                if ((int)response.StatusCode < 500) return null;
                last = $"GET {path} answers {(int)response.StatusCode}";
            }
            catch (HttpRequestException e)
            {
                last = e.InnerException is SocketException ? "nothing listens" : e.Message;
            }
            catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                last = $"GET {path} does not answer";
            }
            await Task.Delay(s_pollEvery, time, cancellationToken);
        }
        return last;
    }
}
