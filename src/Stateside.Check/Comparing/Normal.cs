using System.Globalization;
using System.Text.RegularExpressions;
using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>
/// Takes out of texts what differs although nothing is different: the ports of the replicas and the time of day. Twin runs would not show it, since they are on one
/// replica and often within one second.
/// </summary>
internal sealed partial class Normal
{
    private const string Replica = "<replica>";
    private readonly HashSet<string> _ports = [];
    private readonly HashSet<string> _hosts = new(StringComparer.OrdinalIgnoreCase) { "localhost", "127.0.0.1", "[::1]" };
    private readonly IReadOnlyList<Regex> _ignored;
    private readonly string? _host;

    /// <summary>Makes it.</summary>
    /// <param name="replicas">All replicas of the check.</param>
    /// <param name="host">The Host that all requests bear, or null.</param>
    /// <param name="ignored">What the user wants ignored in values.</param>
    public Normal(IEnumerable<Uri> replicas, string? host, IReadOnlyList<Regex> ignored)
    {
        foreach (var replica in replicas)
        {
            _hosts.Add(replica.Host);
            _ports.Add(replica.Port.ToString(CultureInfo.InvariantCulture));
        }
        _host = host;
        _ignored = ignored;
    }

    /// <summary>How replicas call cookies whose name they make of their address.</summary>
    public CookieNames CookieNames { get; } = new();

    /// <summary>The text without ports and times.</summary>
    public string Of(string text)
    {
        text = CookieNames.Plain(text);
        if (_host is not null) text = text.Replace(_host, Replica, StringComparison.OrdinalIgnoreCase);
        text = Number().Replace(text, m => _ports.Contains(m.Value) ? "<port>" : m.Value);
        foreach (var host in _hosts) text = text.Replace(host + ":<port>", Replica, StringComparison.OrdinalIgnoreCase);
        text = DateTime().Replace(text, "<time>");
        text = HttpDate().Replace(text, "<time>");
        text = Clock().Replace(text, "<time>");
        text = Epoch().Replace(text, "<time>");
        text = Ago().Replace(text, "<ago>");
        text = Duration().Replace(text, "<duration>");
        foreach (var ignored in _ignored) text = ignored.Replace(text, "<ignored>");
        return text;
    }

    [GeneratedRegex(@"(?<!\d)\d{4,5}(?!\d)")]
    private static partial Regex Number();

    [GeneratedRegex(@"\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?")]
    private static partial Regex DateTime();

    [GeneratedRegex(@"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d[ -][A-Z][a-z][a-z][ -]\d{2,4} \d\d:\d\d:\d\d( GMT)?")]
    private static partial Regex HttpDate();

    [GeneratedRegex(@"(?<![\d:])\d{1,2}:\d\d:\d\d(\.\d+)?(?![\d:])")]
    private static partial Regex Clock();

    // Seconds, milliseconds, microseconds and nanoseconds since 1970, from 2017 to 2033.
    [GeneratedRegex(@"(?<![\w.-])1[5-9]\d{8}(\d{3}|\d{6}|\d{9})?(\.\d+)?(?![\w-])")]
    private static partial Regex Epoch();

    [GeneratedRegex(@"\b(just now|moments ago|(less than )?(\d+|an?|one|a few|some) (seconds?|secs?|minutes?|mins?) ago)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Ago();

    [GeneratedRegex(@"(?<![\w.])\d+(\.\d+)? ?(ms|µs|us|milliseconds)\b|(?<![\w.])\d+\.\d+ ?(s|sec|seconds)\b")]
    private static partial Regex Duration();
}
