using System.Net.Sockets;
using Stateside.Check.Conversations;

namespace Stateside.Check.Replicas;

/// <summary>Waits until replicas serve.</summary>
internal static class Readiness
{
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(5);

    /// <summary>Waits until the path answers anything below 500.</summary>
    /// <param name="address">The replica.</param>
    /// <param name="host">The Host field that is sent.</param>
    /// <param name="path">The path.</param>
    /// <param name="within">The longest wait, that for an answer included.</param>
    /// <param name="hasEnded">Whether waiting is in vain.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
    /// <returns>Null, or what was seen last.</returns>
    /// <exception cref="ReplicaException">Its certificate is refused, which no wait mends.</exception>
    public static async Task<string?> WaitAsync(Uri address, string host, string path, TimeSpan within, Func<bool> hasEnded, TimeProvider time, CancellationToken cancellationToken)
    {
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = Certificates.Believed(address.IsLoopback) });
        var begun = time.GetTimestamp();
        var last = "nothing listens";
        while (within - time.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
        {
            if (hasEnded()) return "it has ended";
            using var bound = new CancellationTokenSource(left < s_answerWithin ? left : s_answerWithin, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, bound.Token);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path)) { Headers = { Host = host } };
                using var response = await client.SendAsync(request, both.Token);
                if ((int)response.StatusCode < 500) return null;
                last = $"GET {path} answers {(int)response.StatusCode}";
            }
            catch (HttpRequestException e) when (Certificates.IsCertificate(e))
            {
                throw new ReplicaException($"{address.GetLeftPart(UriPartial.Authority)}: {Certificates.Fault(e)}.", e);
            }
            catch (HttpRequestException e)
            {
                last = e.InnerException is SocketException ? "nothing listens" : Certificates.Fault(e) ?? e.Message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                last = $"GET {path} does not answer";
            }
            await Task.Delay(s_pollEvery, time, cancellationToken);
        }
        return last;
    }
}
