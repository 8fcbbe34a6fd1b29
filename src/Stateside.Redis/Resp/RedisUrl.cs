using System.Buffers;
using System.Globalization;

namespace Stateside.Redis.Resp;

/// <summary>A server's address.</summary>
/// <param name="Host">A name or an address.</param>
/// <param name="Port">1 to 65,535.</param>
internal readonly record struct RedisEndpoint(string Host, int Port)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");
}

/// <summary>
/// What a store's URL says: <c>redis://[[user]:password@]host[:port][,host[:port]…][/database][?option=value&amp;…]</c>, and with
/// <c>rediss</c> the same over TLS. User, password and options are percent-encoded.
/// </summary>
internal sealed record RedisUrl
{
    private const int DefaultPort = 6379;
    private const int MaxLength = 4096;
    private static readonly SearchValues<char> s_noHost = SearchValues.Create(" \t\r\n@?#");

    /// <summary>The servers, at least one: any of a cluster's, or a primary and its replicas.</summary>
    public required IReadOnlyList<RedisEndpoint> Endpoints { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>The database's number; 0 in a cluster.</summary>
    public int Database { get; init; }

    public bool IsTls { get; init; }

    /// <summary>A file with the certificates (PEM) that may have signed the server's; null: those of the system. <c>ca=</c></summary>
    public string? Authorities { get; init; }

    /// <summary>Files with the client's certificate and its key (PEM). <c>cert=</c> and <c>key=</c></summary>
    public (string Certificate, string Key)? Client { get; init; }

    /// <summary>What every key begins with, so that several applications can share a server. <c>prefix=</c></summary>
    public string Prefix { get; init; } = "ss:";

    /// <summary>Longest time to reach a server. <c>connect=</c>, in seconds.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time to wait for an answer. <c>timeout=</c>, in seconds.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Reads a URL.</summary>
    /// <exception cref="FormatException">It is none; the message says what is wrong and repeats nothing of it but the name of an option.</exception>
    public static RedisUrl Parse(string url)
    {
        if (url.Length > MaxLength) throw new FormatException($"It is longer than {MaxLength} characters.");
        var start = url.IndexOf("://", StringComparison.Ordinal);
        var scheme = start < 0 ? "" : url[..start].ToLowerInvariant();
        if (scheme is not ("redis" or "rediss")) throw new FormatException("It begins neither with redis:// nor with rediss://.");
        var rest = url.AsSpan(start + 3);

        var options = "";
        if (rest.IndexOf('?') is >= 0 and var question)
        {
            options = rest[(question + 1)..].ToString();
            rest = rest[..question];
        }
        var (user, password) = ((string?)null, (string?)null);
        if (rest.LastIndexOf('@') is >= 0 and var at)
        {
            var credential = rest[..at];
            rest = rest[(at + 1)..];
            var colon = credential.IndexOf(':');
            if (colon < 0) throw new FormatException("Before the @ stands no password: write user:password@ or :password@.");
            (user, password) = (colon == 0 ? null : Decode(credential[..colon]), Decode(credential[(colon + 1)..]));
        }
        var database = 0;
        if (rest.IndexOf('/') is >= 0 and var slash)
        {
            var number = rest[(slash + 1)..];
            if (number.Length > 0 && !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out database)) throw new FormatException("After the / stands no database number.");
            rest = rest[..slash];
        }
        var endpoints = new List<RedisEndpoint>();
        foreach (var range in rest.Split(',')) endpoints.Add(ParseEndpoint(rest[range]));
        var parsed = new RedisUrl { Endpoints = endpoints, User = user, Password = password, Database = database, IsTls = scheme == "rediss" };
        return ParseOptions(parsed, options);
    }

    /// <inheritdoc/>
    public override string ToString() => (IsTls ? "rediss://" : "redis://") + string.Join(',', Endpoints);

    private static RedisEndpoint ParseEndpoint(ReadOnlySpan<char> text)
    {
        var port = DefaultPort;
        var host = text;
        if (text.StartsWith("["))
        {
            var end = text.IndexOf(']');
            if (end < 0) throw new FormatException("An IPv6 address has no closing bracket.");
            host = text[1..end];
            text = text[(end + 1)..];
            if (text.Length > 0 && text[0] != ':') throw new FormatException("After an IPv6 address only a port may follow.");
            if (text.Length > 0) port = ParsePort(text[1..]);
        }
        else if (text.IndexOf(':') is >= 0 and var colon)
        {
            host = text[..colon];
            port = ParsePort(text[(colon + 1)..]);
        }
        if (host.IsEmpty || host.ContainsAny(s_noHost)) throw new FormatException("A host is missing.");
        return new RedisEndpoint(host.ToString(), port);
    }

    private static int ParsePort(ReadOnlySpan<char> text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : throw new FormatException("A port is not a number from 1 to 65535.");

    private static RedisUrl ParseOptions(RedisUrl url, string options)
    {
        var (certificate, key) = ((string?)null, (string?)null);
        foreach (var option in options.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (option, "") : (option[..equals], Decode(option.AsSpan(equals + 1)));
            switch (name)
            {
                case "tls": url = url with { IsTls = value == "true" || (value == "false" ? false : throw new FormatException("tls is neither true nor false.")) }; break;
                case "ca": url = url with { Authorities = value }; break;
                case "cert": certificate = value; break;
                case "key": key = value; break;
                case "prefix": url = url with { Prefix = IsPrefix(value) ? value : throw new FormatException("prefix takes 1 to 32 letters, digits, or any of : . _ -") }; break;
                case "connect": url = url with { ConnectTimeout = ParseSeconds(name, value) }; break;
                case "timeout": url = url with { CommandTimeout = ParseSeconds(name, value) }; break;
                default: throw new FormatException($"There is no option \"{(name.Length <= 20 && name.All(char.IsAsciiLetter) ? name : "?")}\". Known: tls, ca, cert, key, prefix, connect, timeout.");
            }
        }
        if (certificate is null != key is null) throw new FormatException("cert and key need each other.");
        return certificate is null ? url : url with { Client = (certificate, key!) };
    }

    private static bool IsPrefix(string value) => value.Length is > 0 and <= 32 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '.' or '_' or '-');

    private static TimeSpan ParseSeconds(string name, string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0.05 and <= 300
            ? TimeSpan.FromSeconds(seconds)
            : throw new FormatException($"{name} is not a number of seconds from 0.05 to 300.");

    private static string Decode(ReadOnlySpan<char> text) => Uri.UnescapeDataString(text);
}
