using System.Globalization;
using Npgsql;

namespace Stateside.Postgres;

/// <summary>What a URL of this store says.</summary>
/// <param name="Connection">How to connect, without the parts that the store itself sets.</param>
/// <param name="Schema">The database schema that holds the tables; it was checked to be a plain identifier.</param>
/// <param name="Notify">Whether commits tell of changes.</param>
internal sealed record PostgresUrl(NpgsqlConnectionStringBuilder Connection, string Schema, bool Notify)
{
    public const string Scheme = "postgres";

    public const string Example = "postgres://app@127.0.0.1:5432/app";

    private const string Options = "sslmode, sslrootcert, sslcert, sslkey, schema, pool, connect_timeout, command_timeout, keepalive and notify";

    /// <exception cref="FormatException">It is not one; the message says what to write instead, and repeats nothing of the URL.</exception>
    public static PostgresUrl Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!url.StartsWith(Scheme + "://", StringComparison.OrdinalIgnoreCase))
            throw new FormatException($"The URL of a PostgreSQL store begins with \"{Scheme}://\", for example {Example}.");
        var rest = url[(Scheme.Length + 3)..];
        var question = rest.IndexOf('?');
        var options = question < 0 ? "" : rest[(question + 1)..];
        if (question >= 0) rest = rest[..question];
        if (rest.Contains('#')) throw new FormatException("The URL holds a \"#\". Write it as %23 where it belongs to a name or a password.");

        var slash = rest.IndexOf('/');
        if (slash < 0 || slash == rest.Length - 1 || rest[(slash + 1)..].Contains('/'))
            throw new FormatException($"The URL names no database, or has a slash too many. Write {Scheme}://USER@HOST:PORT/DATABASE, for example {Example}, with %2F for a slash in a password.");
        var at = rest.LastIndexOf('@', slash);
        if (at < 1) throw new FormatException($"The URL names no user. Write {Scheme}://USER@HOST:PORT/DATABASE, for example {Example}.");

        var connection = new NpgsqlConnectionStringBuilder { Database = Decode(rest[(slash + 1)..], "database"), Timeout = 5, CommandTimeout = 10, KeepAlive = 15, MaxPoolSize = 10 };
        var user = rest[..at];
        var colon = user.IndexOf(':');
        connection.Username = Decode(colon < 0 ? user : user[..colon], "user");
        if (colon >= 0) connection.Password = Decode(user[(colon + 1)..], "password");
        ParseHosts(rest[(at + 1)..slash], connection);
        return ParseOptions(options, new PostgresUrl(connection, "stateside", Notify: true));
    }

    private static void ParseHosts(string text, NpgsqlConnectionStringBuilder connection)
    {
        var hosts = text.Split(',').Select(ParseHost).ToArray();
        if (hosts.Length == 1)
        {
            (connection.Host, connection.Port) = hosts[0];
            return;
        }
        connection.Host = string.Join(',', hosts.Select(h => string.Create(CultureInfo.InvariantCulture, $"{h.Host}:{h.Port}")));
        // A node that was promoted is found within two seconds; the default is ten.
        connection.HostRecheckSeconds = 2;
    }

    private static (string Host, int Port) ParseHost(string text)
    {
        var colon = text.LastIndexOf(':');
        if (text.EndsWith(']')) colon = -1;
        var host = Decode(colon < 0 ? text : text[..colon], "host");
        if (host.Contains(',') || host.Contains('\0')) throw new FormatException("A host's name holds a comma or a NUL character.");
        return (host, colon < 0 ? 5432 : Number(text[(colon + 1)..], "port", 1, 65_535));
    }

    private static PostgresUrl ParseOptions(string text, PostgresUrl url)
    {
        var connection = url.Connection;
        foreach (var option in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = option.IndexOf('=');
            var (name, value) = equals < 0 ? (option, "") : (option[..equals], Decode(option[(equals + 1)..], "option"));
            switch (name)
            {
                case "sslmode": connection.SslMode = ParseSslMode(value); break;
                case "sslrootcert": connection.RootCertificate = value; break;
                case "sslcert": connection.SslCertificate = value; break;
                case "sslkey": connection.SslKey = value; break;
                case "schema" when IsIdentifier(value): url = url with { Schema = value }; break;
                case "schema": throw new FormatException("A schema's name is a lower-case letter, then lower-case letters, digits and underscores, at most 40, and does not begin with pg_.");
                case "pool": connection.MaxPoolSize = Number(value, name, 5, 200); break;
                case "connect_timeout": connection.Timeout = Number(value, name, 1, 60); break;
                case "command_timeout": connection.CommandTimeout = Number(value, name, 1, 300); break;
                case "keepalive": connection.KeepAlive = Number(value, name, 0, 3600); break;
                case "notify" when value is "true" or "false": url = url with { Notify = value == "true" }; break;
                case "notify": throw new FormatException("notify is true (the default) or false.");
                default: throw new FormatException($"An option in the URL is not known. The options are {Options}.");
            }
        }
        return url;
    }

    private static SslMode ParseSslMode(string value) => value switch
    {
        "disable" => SslMode.Disable,
        "allow" => SslMode.Allow,
        "prefer" => SslMode.Prefer,
        "require" => SslMode.Require,
        "verify-ca" => SslMode.VerifyCA,
        "verify-full" => SslMode.VerifyFull,
        _ => throw new FormatException("sslmode is disable, allow, prefer (the default), require, verify-ca or verify-full."),
    };

    private static bool IsIdentifier(string name) =>
        name.Length is > 0 and <= 40 && char.IsAsciiLetterLower(name[0]) && !name.StartsWith("pg_", StringComparison.Ordinal)
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');

    private static int Number(string text, string what, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"The {what} in the URL is a whole number from {least} to {most}."));

    private static string Decode(string text, string what)
    {
        var decoded = Uri.UnescapeDataString(text);
        return decoded.Length > 0 ? decoded : throw new FormatException($"The {what} in the URL is empty. Write {Scheme}://USER@HOST:PORT/DATABASE, for example {Example}.");
    }
}
