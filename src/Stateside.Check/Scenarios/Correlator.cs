using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>
/// Finds the values of recorded responses that later recorded requests send, so that a replay takes them from the live responses. It goes through the recording in
/// order: <see cref="Choose"/> for each value of a request, then <see cref="Learn"/> with its response.
/// </summary>
internal sealed partial class Correlator(Corrections corrections)
{
    private const int ShortestValue = 6;
    private const int LongestValue = 8 * 1024;
    private const int MaxPlaces = 50;

    private readonly Dictionary<string, List<Source>> _sources = [];
    private readonly HashSet<string> _userInput = [];
    private readonly Dictionary<(int Step, string Place), Found> _found = [];
    private readonly Dictionary<string, int> _names = [];

    /// <summary>A value of a recorded response.</summary>
    /// <param name="Step">The number of its step.</param>
    /// <param name="Place">Where it is.</param>
    /// <param name="Name">The name in which the place ends.</param>
    /// <param name="Decoding">What must be done to the live value, such as <c>|unpercent</c>; or empty.</param>
    /// <param name="AsWritten">Whether any value of it is taken: a hidden field or CSRF token, or what the user named.</param>
    /// <param name="IsNew">Whether an unsafe request created it: its id may be short.</param>
    /// <param name="Given">The name that the user gave, or null.</param>
    private sealed record Source(int Step, string Place, string Name, string Decoding, bool AsWritten, bool IsNew, string? Given = null)
    {
        /// <summary>The name without regard to case and punctuation.</summary>
        public string PlainName { get; } = Plain(Name);
    }

    /// <summary>A value that is sent on.</summary>
    public sealed record Found(string Name, int Step, string Place, bool Secret)
    {
        /// <summary>The numbers of the steps that send it.</summary>
        public List<int> Users { get; } = [];
    }

    /// <summary>What was found, in order of the steps.</summary>
    public IEnumerable<Found> All => _found.Values.OrderBy(f => f.Step);

    /// <summary>The expression that takes the place of a value that step <paramref name="step"/> sends, or null if it stays as it was recorded.</summary>
    public string? Choose(int step, Sink sink)
    {
        if (IsOfTheBrowser(sink) || sink.Value.Length == 0) return null;
        if (_sources.TryGetValue(sink.Value, out var sources) && !_userInput.Contains(InputKey(sink.Name, sink.Value)) && Best(sources, sink) is { } source)
        {
            var found = Keep(source);
            if (!corrections.Leave.Contains(found.Name))
            {
                found.Users.Add(step);
                return found.Name + source.Decoding;
            }
        }
        _userInput.Add(InputKey(sink.Name, sink.Value));
        return null;
    }

    /// <summary>Remembers what a step was answered.</summary>
    public void Learn(Step step, Answer answer)
    {
        var exchange = new Exchange(step, 0, null, answer, null, null, TimeSpan.Zero);
        var facts = Facts.Of(exchange).Values;
        var links = new LinkForms();
        foreach (var (place, value) in facts)
        {
            if (place.StartsWith("header:", StringComparison.Ordinal) && NotOfTheService().IsMatch(place)) continue;
            if (place.StartsWith("html:text", StringComparison.Ordinal) || place.StartsWith("text:", StringComparison.Ordinal) || place is "html:title" or "status") continue;
            if (place.EndsWith(".length()", StringComparison.Ordinal) || place.EndsWith(".method", StringComparison.Ordinal) || place.EndsWith(".action", StringComparison.Ordinal)) continue;
            if (place.StartsWith("cookie:", StringComparison.Ordinal) && !place.EndsWith('=')) continue;
            if (place.StartsWith("bytes:", StringComparison.Ordinal) || place.StartsWith("redirect", StringComparison.Ordinal)) continue;
            if (place.StartsWith("html:link", StringComparison.Ordinal)) Parts(step, links.Next(value), value);
            else if (place == "header:location") Parts(step, place, value);
            else Add(step, place, value);
        }
        foreach (var form in facts.Where(f => f.Key.EndsWith(".action", StringComparison.Ordinal))) Parts(step, form.Key, form.Value);
        foreach (var c in corrections.Correlate.Where(c => c.Step == step.Number)) Add(step, c, Places.Find(exchange, c.Place));
    }

    private void Add(Step step, Correction correction, string? value)
    {
        if (value is null) throw new ScenarioException($"--correlate {correction.Name}: the recorded response of step {step.Number} ({step.Name}) has nothing at {correction.Place}");
        var sources = _sources[value] = _sources.GetValueOrDefault(value) ?? [];
        sources.Add(new(step.Number, correction.Place, correction.Name, "", true, true, correction.Name));
        _userInput.Remove(value);
        _names.TryAdd(correction.Name, 1);
    }

    private void Add(Step step, string place, string value)
    {
        var name = Masks.LastName(place);
        var written = place.Contains(".field[", StringComparison.Ordinal) || place.StartsWith("html:field[", StringComparison.Ordinal) || TokenName().IsMatch(name);
        Add(step, place, name, value, "", written);
        if (value.Contains('%', StringComparison.Ordinal) && Uri.UnescapeDataString(value) is var plain && plain != value) Add(step, place, name, plain, "|unpercent", written);
        if (value.Length >= 8 && Filler.Base64Url(value) is { Length: >= ShortestValue } decoded) Add(step, place, name, decoded, "|unbase64url", false);
    }

    private void Add(Step step, string place, string name, string value, string decoding, bool written)
    {
        if (value.Length is 0 or > LongestValue || _userInput.Contains(InputKey(name, value))) return;
        var sources = _sources[value] = _sources.GetValueOrDefault(value) ?? [];
        // Of a value that stands everywhere (true, 1) the oldest places are forgotten.
        if (sources.Count == MaxPlaces) sources.RemoveAt(0);
        sources.Add(new(step.Number, place, name, decoding, written, !step.IsSafe));
    }

    /// <summary>What a user typed is known by its value; a short value only together with its name, since 7 is a quantity here and an id there.</summary>
    private static string InputKey(string name, string value) => value.Length >= ShortestValue ? value : $"{Plain(name)}={value}";

    /// <summary>The parameters and path segments of a link.</summary>
    private void Parts(Step step, string place, string url)
    {
        var (path, query) = Places.Split(url);
        // The facts of Location already hold its parameters.
        if (place != "header:location")
            foreach (var (name, value) in Places.Parameters(query)) Add(step, $"{place}?{name}", name, value, "", TokenName().IsMatch(name));
        var segments = path.TrimStart('/').Split('/');
        for (var i = 0; i < segments.Length; i++)
            if (segments[i].Length > 0) Add(step, $"{place}/{i}", i > 0 ? segments[i - 1] : "", Uri.UnescapeDataString(segments[i]), "", false);
    }

    /// <summary>Of the places that fit: what the user named, else the most recent response, as in a browser, whose page is the last one; in it the same name.</summary>
    private static Source? Best(List<Source> sources, Sink sink)
    {
        var name = Plain(sink.Name);
        Source? best = null;
        for (var i = sources.Count - 1; i >= 0; i--)
        {
            var s = sources[i];
            if (best is not null && s.Given is null && (best.Given is not null || s.Step < best.Step || (best.PlainName == name && s.PlainName != name))) continue;
            if (Fits(s, sink, s.PlainName == name && name.Length > 0)) best = s;
        }
        return best;
    }

    private Found Keep(Source source)
    {
        if (_found.TryGetValue((source.Step, source.Place), out var found)) return found;
        var name = source.Given;
        if (name is null)
        {
            var stem = $"{NotWord().Replace(source.Name, "_").Trim('_')}_{source.Step}".TrimStart('_');
            if (char.IsAsciiDigit(stem[0])) stem = "value_" + stem;
            name = stem;
            while (!_names.TryAdd(name, 1)) name = $"{stem}_{++_names[stem]}";
        }
        var secret = Masks.IsSecretName(source.Name) || source.Place.StartsWith("cookie:", StringComparison.Ordinal) || TokenName().IsMatch(source.Name);
        return _found[(source.Step, source.Place)] = new(name, source.Step, source.Place, secret);
    }

    private static bool Fits(Source source, Sink sink, bool same)
    {
        if (source.Given is not null) return true;
        // A form's own fields go back by their name; a token travels under other names too (a meta's csrf-token as the header X-CSRF-Token).
        if (source.AsWritten && (same || (TokenName().IsMatch(source.Name) && TokenName().IsMatch(sink.Name)))) return true;
        var isLink = source.Place.StartsWith("html:link", StringComparison.Ordinal) || source.Place.Contains(".action", StringComparison.Ordinal);
        // Routes are written into pages and requests alike; only what looks generated is a value of this run.
        if (sink.Kind == SinkKind.PathSegment && (isLink || source.Place.StartsWith("header:location/", StringComparison.Ordinal)))
            return LooksGenerated(sink.Value) && (sink.Value.Length >= ShortestValue || same && (isLink || source.IsNew));
        // Whoever follows a link to the thing with the number 7 goes where that link leads now.
        if (isLink && (!LooksGenerated(sink.Value) || same && IdName().IsMatch(sink.Name))) return LooksGenerated(sink.Value);
        if (sink.Value.Length >= ShortestValue) return same || !IsWord().IsMatch(sink.Value);
        return source.IsNew && IdName().IsMatch(source.Name) && LooksGenerated(sink.Value) && (sink.Kind == SinkKind.PathSegment || IdName().IsMatch(sink.Name));
    }

    private static bool LooksGenerated(string value) => LinkForms.LooksGenerated(value);

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    /// <summary>Header fields that the browser writes by itself.</summary>
    private static bool IsOfTheBrowser(Sink sink) => sink.Kind == SinkKind.Header && BrowserHeader().IsMatch(sink.Name);

    [GeneratedRegex(@"csrf|xsrf|token|nonce|authenticity|verification|viewstate|eventvalidation|^state$|^code$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    internal static partial Regex TokenName();

    [GeneratedRegex(@"(^|[_-])(id|key|no|number|uuid|guid|slug|version|rev|revision)$|[a-z](Id|Key|No|Number|Version|Rev)$|^_?(id|ID|Id|rev)$", RegexOptions.CultureInvariant)]
    private static partial Regex IdName();

    [GeneratedRegex(@"^([a-z]{1,11}|[A-Z]{1,11}|[A-Z][a-z]{1,10})$", RegexOptions.CultureInvariant)]
    private static partial Regex IsWord();

    [GeneratedRegex(@"[^\w]+", RegexOptions.CultureInvariant)]
    private static partial Regex NotWord();

    [GeneratedRegex(@"^(user-agent|accept(-.*)?|content-(type|length|encoding)|origin|referer|sec-.*|upgrade(-.*)?|cache-control"
        + @"|pragma|priority|dnt|connection|x-requested-with|range)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BrowserHeader();

    [GeneratedRegex(@"^header:(content-.*|cache-control|server|vary|access-control-.*|strict-transport-security|x-frame-options|x-content-type-options"
        + @"|x-xss-protection|x-powered-by|referrer-policy|permissions-policy|accept-ranges|allow|expires|pragma|alt-svc|link|cross-origin-.*|p3p|nel|report-to)$", RegexOptions.CultureInvariant)]
    private static partial Regex NotOfTheService();
}
