using System.Net;
using System.Text.Json;

namespace Stateside.Tool.Bench;

/// <summary>Makes the sessions that the load uses, and checks that the server under measurement does what it is measured for.</summary>
internal static class Carts
{
    private const int Sessions = 200;

    /// <summary>Makes the sessions, one cart each.</summary>
    /// <returns>One cookie for each session; an empty one for a server without sessions.</returns>
    /// <exception cref="UsageException">An answer is not what it has to be.</exception>
    public static async Task<IReadOnlyList<string>> MakeAsync(HttpClient client, BenchServer server, Uri url, CancellationToken cancellationToken)
    {
        if (!server.HasSessions)
        {
            Require(IsCart((await SendAsync(client, "GET", url, "", cancellationToken)).Body), server, "GET /cart answers no cart");
            return [""];
        }

        var carts = new Dictionary<string, string>();
        for (var i = 0; i < Sessions; i++)
        {
            var (cookie, body) = await SendAsync(client, "POST", url, "", cancellationToken);
            Require(cookie.Length > 0 && carts.TryAdd(cookie, body), server, "a first write brings no cookie of its own");
        }
        var (first, second) = (carts.Keys.First(), carts.Keys.Last());
        var (_, changed) = await SendAsync(client, "POST", url, first, cancellationToken);
        Require(changed != carts[first] && changed.Length == carts[first].Length, server, "a write does not change the cart into one as large");
        Require((await SendAsync(client, "GET", url, first, cancellationToken)).Body == changed, server, "a read does not see the write before it");
        Require((await SendAsync(client, "GET", url, second, cancellationToken)).Body == carts[second], server, "one session sees another's cart");
        await CheckAsync(client, server, url, [.. carts.Keys], cancellationToken);
        return [.. carts.Keys];
    }

    /// <summary>Reads every cart once more, after the load.</summary>
    /// <exception cref="UsageException">An answer is not what it has to be.</exception>
    public static async Task CheckAsync(HttpClient client, BenchServer server, Uri url, IReadOnlyList<string> cookies, CancellationToken cancellationToken)
    {
        foreach (var cookie in cookies)
            Require(IsCart((await SendAsync(client, "GET", url, cookie, cancellationToken)).Body), server, "GET /cart answers no cart");
    }

    private static async Task<(string Cookie, string Body)> SendAsync(HttpClient client, string method, Uri url, string cookie, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        if (cookie.Length > 0) request.Headers.Add("Cookie", cookie);
        using var response = await client.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) throw new UsageException($"{method} {url} answers {(int)response.StatusCode}.");
        var set = response.Headers.TryGetValues("Set-Cookie", out var values) ? values.First().Split(';')[0] : "";
        return (set, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static bool IsCart(string body)
    {
        using var json = JsonDocument.Parse(body);
        return body.Length is > 900 and < 1100 && json.RootElement.GetProperty("lines").GetArrayLength() > 0;
    }

    private static void Require(bool holds, BenchServer server, string fault)
    {
        if (!holds) throw new UsageException($"the server {server.Name} is not fit to be measured: {fault}.");
    }
}
