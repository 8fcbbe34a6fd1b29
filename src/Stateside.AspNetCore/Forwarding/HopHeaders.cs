using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Stateside.AspNetCore.Forwarding;

/// <summary>Which headers nodes say to each other, and which no proxy may pass on.</summary>
internal static class HopHeaders
{
    /// <summary>Request: hops, view, kind, the client's address and port, scheme and host, with one space between them.</summary>
    public const string Hop = "Stateside-Hop";

    /// <summary>Request: the request target as it came, where it is no path.</summary>
    public const string Target = "Stateside-Target";

    /// <summary>Request: the certificate that the client has shown to the first node, DER in base64.</summary>
    public const string Certificate = "Stateside-Certificate";

    /// <summary>Response, with 421: the version of the shard map of a node that is not the owner.</summary>
    public const string View = "Stateside-View";

    /// <summary>Response: the upgrade that an HTTP/1.1 client asked for was accepted.</summary>
    public const string Upgraded = "Stateside-Upgraded";

    /// <summary>Removes what only a node may say.</summary>
    public static void Strip(IHeaderDictionary headers)
    {
        headers.Remove(Hop);
        headers.Remove(Target);
        headers.Remove(Certificate);
        headers.Remove(View);
        headers.Remove("Stateside-Client");
        headers.Remove("Stateside-Scheme");
        headers.Remove("Stateside-Host");
    }

    /// <summary>Whether a header is about one connection and not about the message.</summary>
    public static bool IsHopByHop(string name) => name.Length switch
    {
        2 => Is(name, "TE"),
        7 => Is(name, "Upgrade"),
        10 => Is(name, "Connection") || Is(name, "Keep-Alive"),
        16 => Is(name, "Proxy-Connection"),
        17 => Is(name, "Transfer-Encoding"),
        _ => false,
    };

    /// <summary>The names that the request's <c>Connection</c> header takes away from the message; null if it names none.</summary>
    public static HashSet<string>? Named(StringValues connection)
    {
        HashSet<string>? names = null;
        foreach (var value in connection)
        {
            // Almost every request says one of these, or nothing.
            if (string.IsNullOrEmpty(value) || Is(value, "keep-alive") || Is(value, "close") || Is(value, "upgrade")) continue;
            foreach (var range in value.AsSpan().Split(','))
            {
                var name = value.AsSpan(range).Trim();
                if (name.Length > 0) (names ??= new(StringComparer.OrdinalIgnoreCase)).Add(name.ToString());
            }
        }
        return names;
    }

    private static bool Is(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);
}

/// <summary>What a request is that a node sends to another.</summary>
internal enum HopKind
{
    Request,

    /// <summary>It was sent to a node before that has not answered, so that it may have been applied already.</summary>
    Again,

    /// <summary>An extended CONNECT between nodes that came as the upgrade of an HTTP/1.1 connection.</summary>
    Upgrade,
}

/// <summary>What the header <see cref="HopHeaders.Hop"/> says.</summary>
/// <param name="Hops">How many nodes the request has left.</param>
/// <param name="View">The sender's version of the shard map.</param>
/// <param name="Kind">What it is; a word that is not known means a request.</param>
/// <param name="Client">Where the request came from; null if that is no IP connection.</param>
/// <param name="Scheme">How it came.</param>
/// <param name="Host">Which host it asked for; empty if none.</param>
internal readonly record struct HopLine(int Hops, long View, HopKind Kind, IPEndPoint? Client, string Scheme, string Host)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Hops} {View} {(Kind == HopKind.Upgrade ? "upgrade" : Kind == HopKind.Again ? "again" : "request")} {Client?.ToString() ?? "-"} {Scheme} {Host}");

    public static bool TryParse(string text, out HopLine line)
    {
        line = default;
        Span<Range> parts = stackalloc Range[7];
        var span = text.AsSpan();
        // The server trims the line, so that an empty host is not there at all.
        var count = span.Split(parts, ' ');
        if (count is not (5 or 6)) return false;
        var client = span[parts[3]];
        IPEndPoint? from = null;
        if (!int.TryParse(span[parts[0]], NumberStyles.None, CultureInfo.InvariantCulture, out var hops)
            || !long.TryParse(span[parts[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var view)
            || (client is not "-" && !IPEndPoint.TryParse(client, out from))) return false;
        line = new(hops, view, span[parts[2]] is "upgrade" ? HopKind.Upgrade : span[parts[2]] is "again" ? HopKind.Again : HopKind.Request, from, SchemeOf(span[parts[4]]), count == 6 ? span[parts[5]].ToString() : "");
        return true;
    }

    private static string SchemeOf(ReadOnlySpan<char> scheme) => scheme is "https" ? "https" : scheme is "http" ? "http" : scheme.ToString();
}
