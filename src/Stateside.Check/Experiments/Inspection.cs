using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>What can be seen of cookies without doing anything more: attributes, caching, balancers, ids that stay at login, too little chance in ids.</summary>
internal sealed class Inspection : Experiment
{
    private const int FewestIds = 20;
    private const double FewestBits = 64;

    public override string Name => "cookies";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var observations = lab.Study.Main.Last.Observations;
        var all = observations.SelectMany(o => CookiesSet(o.Exchange).Select(c => (Cookie: c, Seen: o))).ToList();
        foreach (var (cookie, seen) in all.DistinctBy(c => c.Cookie.Name))
            if (Credentials.Balancer(cookie) is { } balancer)
                Tell(lab, "CHK-STICKY", Severity.Warning, seen, $"the cookie {cookie.Name} keeps a client at one server", $"It is a load balancer's ({balancer}): somebody decided that this service needs stickiness.");
        var sessions = all.Where(c => IsSessionCookie(lab.Study, c.Cookie)).ToList();
        foreach (var (cookie, seen) in sessions.DistinctBy(c => c.Cookie.Name)) Attributes(lab, cookie, seen);
        foreach (var (cookie, seen) in sessions.DistinctBy(c => c.Cookie.Name))
            if (IsCacheable(seen.Exchange.Answer!))
                Tell(lab, "CHK-CACHEABLE", Severity.Warning, seen, $"the response that sets {cookie.Name} may be kept by shared caches",
                    $"Its Cache-Control is \"{seen.Exchange.Answer!.Header("Cache-Control")}\": a cache would hand one client's session to others. Say no-store, or private.");
        Fixation(lab, observations, sessions.Select(s => s.Cookie.Name).ToHashSet());
        if (sessions.Count == 0 && lab.Study.Traits.Logins.Count + lab.Study.Traits.Bearers.Count == 0) await CapabilitiesAsync(lab, cancellationToken);
        await EntropyAsync(lab, sessions.Select(s => s.Cookie).Where(c => !Credentials.IsSelfContained(c.Name, c.Value)).Select(c => c.Name).ToHashSet(), cancellationToken);
    }

    /// <summary>The cookies that an exchange set, redirects included.</summary>
    public static IEnumerable<Cookie> CookiesSet(Exchange exchange) => exchange.Hops.Append(exchange)
        .SelectMany(e => e.Answer?.Headers ?? []).Where(h => h.Key.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase))
        .Select(h => SetCookie.Parse(h.Value, "/")).OfType<Cookie>().Where(c => c.Value.Length > 0);

    /// <summary>Whether a cookie is a session's, by its name, by its form, or because every run gets another one that scripts may not read.</summary>
    public static bool IsSessionCookie(Study study, Cookie cookie) => Credentials.IsSessionCookie(cookie) ||
        (cookie.HttpOnly && Credentials.Balancer(cookie) is null && cookie.Value.Length >= 8 &&
            study.Twins.All(t => t == study.Twins[^1] || !t.Observations.SelectMany(o => CookiesSet(o.Exchange)).Any(c => c.Name == cookie.Name && c.Value == cookie.Value)));

    private void Attributes(Lab lab, Cookie cookie, Observation seen)
    {
        var faults = new List<string>();
        if (!cookie.HttpOnly) faults.Add("HttpOnly is missing, so scripts can read it");
        if (cookie.SameSite is null) faults.Add("SameSite is missing, so browsers differ in when they send it");
        else if (cookie.SameSite.Equals("None", StringComparison.OrdinalIgnoreCase) && !cookie.Secure) faults.Add("SameSite=None without Secure is refused by browsers");
        if (cookie.Domain is { } domain) faults.Add($"Domain={domain} hands it to all subdomains");
        if (cookie.MaxAge > TimeSpan.FromDays(400).TotalSeconds) faults.Add("it lives longer than the 400 days that browsers allow");
        if (faults.Count > 0) Tell(lab, "CHK-COOKIE", Severity.Warning, seen, $"the session cookie {cookie.Name} is weaker than it need be", string.Join("; ", faults) + ".");
    }

    private void Fixation(Lab lab, IReadOnlyList<Observation> observations, HashSet<string> names)
    {
        foreach (var login in observations.Where(o => lab.Study.Traits.Logins.Contains(o.Slot.Step) && o.Slot.Occurrence == 0))
            foreach (var name in names)
            {
                // Set before the login, sent with it, and not set anew by it.
                var earlier = observations.TakeWhile(o => o != login).SelectMany(o => CookiesSet(o.Exchange)).Select(c => c.Name).ToHashSet();
                var before = observations.TakeWhile(o => o != login).SelectMany(o => CookiesSet(o.Exchange)).LastOrDefault(c => c.Name == name);
                var isDependedOn = lab.Study.DependsOn.Any(d => d.Value.Contains(login.Slot.Step));
                if (before is null || !isDependedOn || CookiesSet(login.Exchange).Any(c => c.Name == name && c.Value != before.Value)) continue;
                if (Credentials.IsSelfContained(name, before.Value) || CookiesSet(login.Exchange).Any(c => c.Name != name && IsSessionCookie(lab.Study, c))) continue;
                // A login may take several steps, and give the session its own cookie at the end.
                if (observations.SkipWhile(o => o != login).SelectMany(o => CookiesSet(o.Exchange)).Any(c => c.Name != name && !earlier.Contains(c.Name) && IsSessionCookie(lab.Study, c))) continue;
                Tell(lab, "CHK-FIXATION", Severity.Warning, login, $"the session id in {name} stays the same at login",
                    "Whoever planted or saw the id before the login is logged in with it afterwards (session fixation). Issue a new id when somebody logs in.");
                return;
            }
    }

    private async Task EntropyAsync(Lab lab, HashSet<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names)
        {
            var ids = new List<string>();
            var first = lab.Main.Last.Observations.FirstOrDefault(o => CookiesSet(o.Exchange).Any(c => c.Name == name))?.Slot.Step ?? 0;
            if (first == 0) continue;
            for (var i = 0; i < FewestIds; i++)
            {
                var run = await lab.RunAsync(Plans.All(first, _ => 0), cancellationToken);
                if (run[new Slot(first)] is { } seen && CookiesSet(seen.Exchange).FirstOrDefault(c => c.Name == name) is { } cookie) ids.Add(Uri.UnescapeDataString(cookie.Value));
            }
            // One id for all sessions of a user says nothing of how it was drawn.
            if (ids.Distinct(StringComparer.Ordinal).Count() == 1) continue;
            var bits = Entropy.Bits(ids);
            if (ids.Count >= FewestIds && bits < FewestBits)
                Tell(lab, "CHK-ENTROPY", Severity.Warning, lab.Main.Last[new Slot(first)]!, $"the session id in {name} holds about {bits:0} bits of chance",
                    $"Estimated from {ids.Count} ids, position by position; at least {FewestBits:0} are asked for (OWASP). Ids that can be guessed are sessions that can be taken.");
        }
    }

    /// <summary>Where nobody logs in and there is no session, an id in a response that later steps send is all that protects what it leads to.</summary>
    private async Task CapabilitiesAsync(Lab lab, CancellationToken cancellationToken)
    {
        foreach (var made in lab.Main.Last.Observations.Where(o => !o.Exchange.Step.IsSafe && lab.Study.DependsOn.Any(d => d.Value.Contains(o.Slot.Step))))
            foreach (var place in lab.Main.VaryingPlaces(made.Slot).Where(p => p.StartsWith("json:", StringComparison.Ordinal) && Ids.IsIdLike(p)).ToList())
            {
                // Ids that are counted up are names, and nobody takes them for secrets.
                if (made[place] is not { } shown || !shown.Any(char.IsAsciiLetter)) continue;
                var ids = new List<string>();
                for (var i = 0; i < FewestIds; i++)
                    if ((await lab.RunAsync(Plans.All(made.Slot.Step, _ => 0), cancellationToken))[made.Slot]?[place] is { } id) ids.Add(id);
                var bits = Entropy.Bits(ids);
                if (ids.Count >= FewestIds && bits is > 0 and < FewestBits)
                    Tell(lab, "CHK-ENTROPY", Severity.Warning, made, $"the id at {place} holds about {bits:0} bits of chance, and is all that protects what it leads to",
                        $"Estimated from {ids.Count} ids, position by position; at least {FewestBits:0} are asked for (OWASP). Nobody logs in, so whoever guesses an id has what is under it.");
                return;
            }
    }

    private static bool IsCacheable(Answer answer)
    {
        var control = answer.Header("Cache-Control");
        if (control is null || control.Contains("no-store", StringComparison.OrdinalIgnoreCase) || control.Contains("private", StringComparison.OrdinalIgnoreCase)) return false;
        return control.Contains("public", StringComparison.OrdinalIgnoreCase) || control.Contains("s-maxage", StringComparison.OrdinalIgnoreCase)
            || control.Contains("max-age=", StringComparison.OrdinalIgnoreCase) && !control.Contains("max-age=0", StringComparison.OrdinalIgnoreCase) && !control.Contains("no-cache", StringComparison.OrdinalIgnoreCase);
    }

    private void Tell(Lab lab, string rule, Severity severity, Observation seen, string title, string detail)
    {
        if (lab.Study.Found.Any(f => f.Rule == rule && f.Title == title)) return;
        lab.Study.Find(new Suspicion(rule, severity, null, Name, title, detail) { Step = seen.Slot.Step, Actual = seen.Exchange });
    }
}

/// <summary>How much chance there is in ids.</summary>
internal static class Entropy
{
    /// <summary>An estimate from samples, position by position, in bits: at most what the alphabet that was seen allows, so few samples are not held against a service.</summary>
    public static double Bits(IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) return 0;
        var length = ids.Min(i => i.Length);
        var varying = Enumerable.Range(0, length).Where(p => ids.Select(i => i[p]).Distinct().Count() > ids.Count / 4).ToList();
        var alphabet = varying.SelectMany(p => ids.Select(i => i[p])).Distinct().Count();
        return alphabet < 2 ? 0 : varying.Count * Math.Log2(alphabet);
    }
}
