using System.Globalization;
using System.Text.RegularExpressions;
using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>Which sending of which step: the second time a step is sent in a run, it is another occurrence.</summary>
/// <param name="Step">The step's number, from 1.</param>
/// <param name="Occurrence">From 0.</param>
internal readonly record struct Slot(int Step, int Occurrence = 0);

/// <summary>One exchange of a run, taken apart.</summary>
internal sealed partial class Observation
{
    /// <summary>Header fields that say how a response came, not what it says.</summary>
    private static readonly HashSet<string> s_incidental = new(StringComparer.OrdinalIgnoreCase)
    {
        "header:date", "header:age", "header:connection", "header:keep-alive", "header:transfer-encoding", "header:content-length", "header:x-response-time",
        "header:x-runtime", "header:server-timing", "header:x-request-id", "header:x-correlation-id", "header:traceparent", "header:expires", "header:last-modified",
        "header:content-encoding", "header:retry-after", "header:set-cookie",
    };

    private readonly Dictionary<string, string> _byPlace = new(StringComparer.Ordinal);

    /// <summary>Takes an exchange apart.</summary>
    public Observation(Slot slot, Exchange exchange, Normal normal)
    {
        (Slot, Exchange) = (slot, exchange);
        Sent = exchange.Request is { } request ? Tokens(normal, request) : [];
        foreach (var (place, value) in Facts.Of(exchange).Values)
            if (!IsIncidental(place)) Add(NameOf(normal.Of(place)), normal.Of(value));
    }

    /// <summary>Which sending.</summary>
    public Slot Slot { get; }

    /// <summary>The exchange.</summary>
    public Exchange Exchange { get; }

    /// <summary>The places with their values, without ports and times, in order. A place that comes twice counts once with both values.</summary>
    public List<string> Places { get; } = [];

    /// <summary>What the request said, word by word: later responses may repeat it.</summary>
    public IReadOnlyList<string> Sent { get; }

    /// <summary>Whether it asks for what an earlier step made, by what that was answered: where that step was sent several times it shows one of them, and not how many there are.</summary>
    public bool IsOfOne(int step) => Exchange.Request?.Filled?.Target.Any(part => part.Step == step) == true;

    /// <summary>The value at a place, or null.</summary>
    public string? this[string place] => _byPlace.GetValueOrDefault(place);

    // The mark of a version says that something was written, not what: a process may well begin again with it, and writing the same twice may well change it.
    // What is left of a limit says how often was asked, not what: every request lowers it. Whether replicas count apart is looked at by itself.
    private static bool IsIncidental(string place) => s_incidental.Contains(place) || Allowance().IsMatch(place) || Revision().IsMatch(place);

    /// <summary>A place, and of a cookie that has a hash in its name (of the port, the folder, the installation) the rest of the name: which cookie it is, not whose.</summary>
    private static string NameOf(string place) => place.StartsWith("cookie:", StringComparison.Ordinal) ? Hash().Replace(place, "<hash>") : place;

    private void Add(string place, string value)
    {
        if (_byPlace.TryAdd(place, value)) Places.Add(place);
        else _byPlace[place] += "\n" + value;
    }

    private static List<string> Tokens(Normal normal, SentRequest request)
    {
        const int MostBytes = 256 * 1024;
        var text = normal.Of(Uri.UnescapeDataString(request.Url.PathAndQuery)) + "\n";
        foreach (var (name, value) in request.Headers)
            if (!name.Equals("Cookie", StringComparison.OrdinalIgnoreCase) && !name.Equals("Host", StringComparison.OrdinalIgnoreCase)) text += value + "\n";
        if (request.Body.Length <= MostBytes) text += System.Text.Encoding.UTF8.GetString(request.Body.Span);
        return [.. Token().Matches(text).Select(m => m.Value)];
    }

    /// <summary>What is left of a rate limit by a response's header fields, or null.</summary>
    public int? Allowed => Exchange.Answer?.Headers.Where(h => Allowance().IsMatch("header:" + h.Key)).Select(h => Left().Match($"{h.Key}={h.Value}"))
        .Where(m => m.Success).Select(m => int.Parse(m.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)).Cast<int?>().FirstOrDefault();

    [GeneratedRegex(@"^header:([\w-]+-)?rate-?limit(-[\w-]+)?$", RegexOptions.IgnoreCase)]
    private static partial Regex Allowance();

    [GeneratedRegex(@"^(header:etag|json:.*\.(etag|_etag|rev|_rev|revision))$", RegexOptions.IgnoreCase)]
    private static partial Regex Revision();

    [GeneratedRegex(@"(?:remaining\s*=\s*|^ratelimit=.*\br=)(\d{1,9})", RegexOptions.IgnoreCase)]
    private static partial Regex Left();

    [GeneratedRegex(@"(?<![0-9A-Za-z])(?=[a-f]*\d)[0-9a-f]{8,64}(?![0-9A-Za-z])|(?<=^cookie:[A-Z]{1,4})(?=[a-f]*\d)[0-9a-f]{32}")]
    private static partial Regex Hash();

    [GeneratedRegex(@"[\p{L}\p{N}_\-]+")]
    private static partial Regex Token();
}
