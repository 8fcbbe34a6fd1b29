using System.Net;
using System.Text.Json;

namespace Stateside.Tool.Bench;

/// <summary>Makes the sessions that the load uses, and checks that the server under measurement does what it is measured for.</summary>
internal static class Carts
{
    private const int Sessions = 200;

    // What the JSON of one line takes, at least and at most; 18 of them are 1 KB.
    private const double LinesPerKilobyte = 18;
    private const int LeastLine = 48, MostLine = 62;

    /// <summary>How many lines make a cart of that size.</summary>
    public static int Lines(double kilobytes) => (int)Math.Max(1, Math.Round(kilobytes * LinesPerKilobyte));

    /// <summary>Makes the sessions, one cart each.</summary>
    /// <returns>What each session sends as its <c>Cookie</c>; one empty text for a server without sessions.</returns>
    /// <exception cref="UsageException">An answer is not what it has to be.</exception>
    public static async Task<IReadOnlyList<string>> MakeAsync(HttpClient client, BenchServer server, Uri url, int lines, CancellationToken cancellationToken)
    {
        if (!server.HasSessions)
        {
            Require(IsCart((await SendAsync(client, "GET", url, "", cancellationToken)).Body, lines), server, "GET /cart answers no cart");
            return [""];
        }

        var carts = new Dictionary<string, string>();
        for (var i = 0; i < Sessions; i++)
        {
            var (cookie, body) = await SendAsync(client, "POST", url, "", cancellationToken);
            Require(cookie.Length > 0 && carts.TryAdd(cookie, body), server, "a first write brings no cookie of its own");
        }
        var (first, second) = (carts.Keys.First(), carts.Keys.Last());
        // Where the cart travels in the cookie, the write shows only to who sends the new one.
        var (renewed, changed) = await SendAsync(client, "POST", url, first, cancellationToken);
        Require(changed != carts[first] && changed.Length == carts[first].Length, server, "a write does not change the cart into one as large");
        Require((await SendAsync(client, "GET", url, renewed, cancellationToken)).Body == changed, server, "a read does not see the write before it");
        Require((await SendAsync(client, "GET", url, second, cancellationToken)).Body == carts[second], server, "one session sees another's cart");
        await CheckAsync(client, server, url, lines, [.. carts.Keys], cancellationToken);
        return [.. carts.Keys];
    }

    /// <summary>Reads every cart once more, after the load.</summary>
    /// <exception cref="UsageException">An answer is not what it has to be.</exception>
    public static async Task CheckAsync(HttpClient client, BenchServer server, Uri url, int lines, IReadOnlyList<string> cookies, CancellationToken cancellationToken)
    {
        foreach (var cookie in cookies)
            Require(IsCart((await SendAsync(client, "GET", url, cookie, cancellationToken)).Body, lines), server, "GET /cart answers no cart");
    }

    private static async Task<(string Cookie, string Body)> SendAsync(HttpClient client, string method, Uri url, string cookie, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        if (cookie.Length > 0) request.Headers.Add("Cookie", cookie);
        using var response = await client.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) throw new UsageException($"{method} {url} answers {(int)response.StatusCode}.");
        return (Merge(cookie, response.Headers.TryGetValues("Set-Cookie", out var values) ? values : []), await response.Content.ReadAsStringAsync(cancellationToken));
    }

    /// <summary>What a browser sends next: the cookies it had, with those that the response set. One that is set to nothing is gone.</summary>
    public static string Merge(string cookie, IEnumerable<string> set)
    {
        var all = new OrderedDictionary<string, string>();
        foreach (var pair in cookie.Split("; ", StringSplitOptions.RemoveEmptyEntries).Concat(set.Select(s => s.Split(';')[0])))
        {
            var parts = pair.Split('=', 2);
            if (parts[1].Length > 0) all[parts[0]] = parts[1];
            else all.Remove(parts[0]);
        }
        return string.Join("; ", all.Select(pair => $"{pair.Key}={pair.Value}"));
    }

    private static bool IsCart(string body, int lines)
    {
        using var json = JsonDocument.Parse(body);
        return body.Length > lines * LeastLine && body.Length < (lines + 1) * MostLine && json.RootElement.GetProperty("lines").GetArrayLength() == lines;
    }

    private static void Require(bool holds, BenchServer server, string fault)
    {
        if (!holds) throw new UsageException($"the server {server.Name} is not fit to be measured: {fault}.");
    }
}
