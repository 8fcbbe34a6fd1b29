using System.Globalization;
using System.Text.RegularExpressions;

namespace Stateside.Check.Replicas;

/// <summary>
/// Fills in what is a replica's own. Where a command says on which address it listens, replicas listen on addresses of their own (127.0.0.2, …) and on one port, as they
/// would on machines of their own: services make names of cookies, keys and sessions of the port, and that it differs would be the rig's doing.
/// </summary>
internal static partial class LaunchFill
{
    private const string Loopback = "127.0.0.1";

    /// <summary>Whether replicas can have addresses of their own: the system has more than one on loopback, and the command names the one that it listens on.</summary>
    public static bool HasOwnAddress(LaunchOptions options) =>
        OperatingSystem.IsLinux() && options.Command.Contains("{port}", StringComparison.Ordinal) && Listens().Count(options.Command) == 1
        && !options.Environment.Values.Any(v => v.Contains("{port}", StringComparison.Ordinal) && !v.Contains(Loopback + ":{port}", StringComparison.Ordinal));

    /// <summary>The command of a replica, all but its directory filled in.</summary>
    public static string Command(LaunchOptions options, int number, Uri address) =>
        Numbers(HasOwnAddress(options) ? Listens().Replace(options.Command, address.Host) : options.Command, number, address);

    /// <summary>Any other text of a replica, such as a variable of its environment.</summary>
    public static string Text(string text, int number, Uri address) => Numbers(text.Replace(Loopback + ":{port}", address.Host + ":{port}", StringComparison.Ordinal), number, address);

    private static string Numbers(string text, int number, Uri address) => text
        .Replace("{port}", address.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("{i}", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    // Another service, such as a database, is named with its port, or by an option that says so.
    [GeneratedRegex(@"(?<![\d.])127\.0\.0\.1(?=:\{port\})|(?<=(^|[\s'""])(-[A-Za-z]|--?(host|hostname|ip|addr|address|bind|listen|bind-?addr(ess)?|listen-?addr(ess)?|http-?host|server-?(host|address)))[= ]['""]?)127\.0\.0\.1(?![\d.]|:\d)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Listens();
}
