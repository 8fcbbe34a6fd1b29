using System.Globalization;
using Stateside.Check.Conversations;

namespace Stateside.Check.Scenarios;

/// <summary>Makes a scenario of a HAR: the requests to the main origin, each a step, with what later requests took from earlier responses correlated.</summary>
internal static class HarReader
{
    private const int MaxNotices = 200;

    private static readonly HashSet<string> Dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Cookie", "Content-Length", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect",
        // What a browser says of itself and of the click; services that guard against forged requests look at Origin and Sec-Fetch-Site.
        "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-User", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Upgrade-Insecure-Requests", "Priority", "DNT", "Sec-GPC",
        "Cache-Control", "Pragma", "If-None-Match", "If-Modified-Since", "If-Range", "Range", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions",
    };

    /// <summary>Reads the bytes of a HAR.</summary>
    public static Scenario Read(string file, byte[] bytes, Corrections corrections)
    {
        var entries = HarFile.Read(file, bytes);
        var notices = new List<string>();
        var origin = MainOrigin(entries) ?? throw new ScenarioException($"{file}: has no request to a web server; record one, with the network tab open before the first page loads");
        var kept = Kept(entries, origin, notices);
        if (kept.Count == 0) throw new ScenarioException($"{file}: has no request of {origin} but for images, styles and scripts; record the use of the service itself");
        if (!entries.Exists(e => e.Headers.Exists(h => h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase)) || e.Answer.Header("set-cookie") is not null))
            notices.Add("the recording holds no cookies at all; if the service uses them, export the HAR with sensitive data (Chrome leaves them out otherwise)");
        var correlator = new Correlator(corrections);
        var passwords = new Passwords();
        var steps = new List<Step>();
        foreach (var entry in kept)
        {
            var step = StepOf(entry, steps.Count + 1, origin, correlator, passwords);
            steps.Add(step);
            correlator.Learn(step, entry.Answer);
            passwords.Learn(entry.Answer);
        }
        foreach (var c in corrections.Correlate.Where(c => c.Step > steps.Count))
            throw new ScenarioException($"{file}: --correlate {c.Name} names step {c.Step}, but there are {steps.Count}");
        var found = correlator.All.ToList();
        var used = found.Where(f => f.Users.Count > 0).ToList();
        if (used.Count > MaxNotices) notices.Add($"{used.Count} values are taken from live responses; the first {MaxNotices}:");
        notices.AddRange(used.Take(MaxNotices).Select(f =>
            $"{Senders(f.Users)} '{f.Name}', which is taken from {Describe(f.Place)} of step {f.Step} ({steps[f.Step - 1].Name})"));
        notices.AddRange(found.Where(f => corrections.Leave.Contains(f.Name)).Select(f => $"'{f.Name}' is sent as it was recorded, as asked"));
        foreach (var name in corrections.Leave.Where(n => !found.Exists(f => f.Name == n)))
            throw new ScenarioException($"{file}: --no-correlate {name}: nothing of that name was correlated; the names are {string.Join(", ", found.Select(f => f.Name).DefaultIfEmpty("(none)"))}");
        foreach (var group in used.GroupBy(f => f.Step))
            steps[group.Key - 1] = steps[group.Key - 1] with { Extractions = [.. group.Select(f => new Extraction(f.Name, f.Place, f.Secret))] };
        foreach (var c in corrections.Correlate.Where(c => !found.Exists(f => f.Name == c.Name && f.Users.Count > 0)))
            notices.Add($"nothing after step {c.Step} sends '{c.Name}' ({c.Place})");
        return new(file, steps, passwords.Variables, notices) { SecretVariables = passwords.Variables.Keys.ToHashSet() };
    }

    /// <summary>The origin that is audited: of those that answered with a page, else of all, the one with the most requests for more than images and scripts.</summary>
    private static string? MainOrigin(List<HarEntry> entries)
    {
        var web = entries.Where(e => e.Origin.Length > 0 && !IsAsset(e)).ToList();
        var pages = web.Where(e => e.ResponseType == "text/html" && e.Answer.Status is >= 200 and < 300).Select(e => e.Origin).ToHashSet();
        return web.GroupBy(e => e.Origin).OrderByDescending(g => pages.Contains(g.Key)).ThenByDescending(g => g.Count()).Select(g => g.Key).FirstOrDefault();
    }

    private static List<HarEntry> Kept(List<HarEntry> entries, string origin, List<string> notices)
    {
        var own = entries.Where(e => e.Origin == origin).ToList();
        var others = entries.Where(e => e.Origin != origin).ToList();
        notices.Add($"the service is {origin}, as it was recorded");
        if (others.Count > 0)
        {
            var hosts = others.Select(e => e.Origin.Length > 0 ? e.Origin : "no web server").Distinct().ToList();
            notices.Add($"left out: {Count(others.Count, "request")} to {(hosts.Count == 1 ? "another host" : $"{hosts.Count} other hosts")} ({string.Join(", ", hosts.Take(5))}{(hosts.Count > 5 ? ", …" : "")})");
        }
        var unanswered = own.RemoveAll(e => e.Answer.Status == 0 && e.Kind != "websocket");
        if (unanswered > 0) notices.Add($"left out: {Count(unanswered, "request")} that had no response in the recording");
        var assets = own.RemoveAll(e => IsAsset(e) && !SetsCookie(e.Answer));
        if (assets > 0) notices.Add($"left out: {Count(assets, "request")} for images, fonts, styles and scripts");
        var conditional = own.Count(e => e.Headers.Exists(h => h.Key.ToLowerInvariant() is "if-none-match" or "if-modified-since" or "range"));
        if (conditional > 0) notices.Add($"{Count(conditional, "request")} asked for changes or parts only; the whole is asked for");
        return own;
    }

    /// <summary>Whether an entry loads something that is the same for everybody: what a check could learn from it is not worth the time.</summary>
    private static bool IsAsset(HarEntry entry)
    {
        if (entry.Method != "GET" || entry.Kind is "xhr" or "fetch" or "document" or "websocket" or "eventsource") return false;
        var type = entry.ResponseType;
        return entry.Kind is "image" or "font" or "stylesheet" or "script" or "media" or "manifest" || type.StartsWith("image/", StringComparison.Ordinal) || type.StartsWith("font/", StringComparison.Ordinal)
            || type.StartsWith("audio/", StringComparison.Ordinal) || type.StartsWith("video/", StringComparison.Ordinal)
            || type is "text/css" or "text/javascript" or "application/javascript" or "application/x-javascript" or "application/wasm" or "application/font-woff" or "application/font-woff2" or "application/manifest+json";
    }

    /// <summary>Whether a response gives the client a cookie; to take one back is nothing that a picture is worth asking for.</summary>
    private static bool SetsCookie(Answer answer) => answer.Headers.Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase))
        .Any(h => SetCookie.Parse(h.Value, "/") is not { } cookie || !cookie.RemovesAt(DateTimeOffset.TryParse(answer.Header("date"), CultureInfo.InvariantCulture, out var date) ? date : DateTimeOffset.UnixEpoch.AddDays(1)));

    private static Step StepOf(HarEntry entry, int number, string origin, Correlator correlator, Passwords passwords)
    {
        var template = new RequestTemplate(sink => passwords.Choose(sink) ?? correlator.Choose(number, sink));
        var headers = new List<KeyValuePair<string, string>>();
        var target = template.Target(entry.Target);
        foreach (var (name, value) in entry.Headers.Where(h => !Dropped.Contains(h.Key))) headers.Add(new(name, HeaderOf(name, value, origin, template)));
        if (entry.Kind == "websocket" || entry.Answer.Status == 101) headers.Add(new("Upgrade", "websocket"));
        var type = entry.Headers.Where(h => h.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault() ?? "";
        var body = entry.BodyBytes is { } bytes ? new StepBody(null, bytes) : entry.Body is { } text ? new StepBody(entry.Kind == "websocket" ? Messages(text, template) : template.Body(text, type), null) : null;
        return new() { Number = number, Name = $"{entry.Method} {Shown(entry.Target)}", Method = entry.Method, Target = target, Headers = headers, Body = body };
    }

    /// <summary>A target for people: with those parameters that say what the step does, and without those that were made for this visit.</summary>
    private static string Shown(string target)
    {
        const int Longest = 80;
        var (path, query) = Places.Split(target);
        var said = Places.Parameters(query).Where(p => p.Value.Length is > 0 and < 40 && !LinkForms.LooksGenerated(p.Value) && !Correlator.TokenName().IsMatch(p.Key) && !Masks.IsSecretName(p.Key)).ToList();
        var shown = said.Count == 0 ? path : $"{path}?{string.Join('&', said.Select(p => $"{p.Key}={p.Value}"))}";
        return shown.Length <= Longest ? shown : shown[..Longest] + "…";
    }

    private static string Messages(string text, RequestTemplate template) => string.Join(HarFile.MessageDivider, text.Split(HarFile.MessageDivider).Select(m => template.Body(m, "")));

    /// <summary>Origin and Referer name the replicas' host instead of the recorded one, since services compare them with Host.</summary>
    private static string HeaderOf(string name, string value, string origin, RequestTemplate template)
    {
        if (!name.Equals("Origin", StringComparison.OrdinalIgnoreCase) && !name.Equals("Referer", StringComparison.OrdinalIgnoreCase)) return template.Header(name, value);
        if (value == origin) return "{{$origin}}";
        return value.StartsWith(origin + "/", StringComparison.Ordinal) ? "{{$origin}}" + template.Target(value[origin.Length..].Split('#')[0]) : Template.Literal(value);
    }

    private static string Describe(string place)
    {
        var name = Masks.LastName(place);
        return place switch
        {
            _ when place.Contains(".field[", StringComparison.Ordinal) => $"the form field '{name}'",
            _ when place.StartsWith("html:meta", StringComparison.Ordinal) => $"the meta value '{name}'",
            _ when place.StartsWith("html:", StringComparison.Ordinal) => $"a link ({place})",
            _ when place.StartsWith("cookie:", StringComparison.Ordinal) => $"the cookie '{place["cookie:".Length..^1]}'",
            _ when place.StartsWith("header:", StringComparison.Ordinal) => $"the header field {place["header:".Length..]}",
            _ => place["json:".Length..],
        };
    }

    private static string Senders(IEnumerable<int> users)
    {
        var steps = users.Distinct().Order().ToList();
        return steps.Count == 1 ? $"step {steps[0]} sends" : $"steps {string.Join(", ", steps[..^1])} and {steps[^1]} send";
    }

    private static string Count(int count, string noun) => $"{count} {noun}{(count == 1 ? "" : "s")}";
}
