using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>Cookies and tokens that the service never issued, or issued earlier: made-up session ids, tokens without or with a wrong signature, cookies from before a write.</summary>
internal sealed class ForgeryExperiment : Experiment
{
    public override string Name => "forgery";

    public override string? LeftOut(Study study) =>
        study.Knowledge.ShowsState ? null : "no response depends on an earlier step";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        await AdoptedAsync(lab, cancellationToken);
        await TokensAsync(lab, cancellationToken);
        await RewindAsync(lab, cancellationToken);
    }

    /// <summary>Begins with a session id that nobody issued. A service that keeps it lets others choose the id of a session.</summary>
    private async Task AdoptedAsync(Lab lab, CancellationToken cancellationToken)
    {
        var set = lab.Main.Last.Observations.SelectMany(o => Inspection.CookiesSet(o.Exchange).Select(c => (Cookie: c, o.Slot.Step)))
            .FirstOrDefault(c => Inspection.IsSessionCookie(lab.Study, c.Cookie) && !Credentials.IsSelfContained(c.Cookie.Name, c.Cookie.Value));
        if (set.Cookie is not { } cookie) return;
        // Letters and digits are drawn anew, so the id has the form of a real one.
        var made = string.Concat(cookie.Value.Select(c => char.IsAsciiDigit(c) ? (char)('0' + RandomNumberGenerator.GetInt32(10)) : char.IsAsciiLetterLower(c) ? (char)('a' + RandomNumberGenerator.GetInt32(6)) : c));
        if (made == cookie.Value) return;
        List<Act> plan = [new Tamper(c => c.Jar.Set(cookie with { Value = made })), .. Plans.All(lab.Steps, _ => 0)];
        var run = await lab.RunAsync(plan, cancellationToken);
        var isReplaced = run.Observations.SelectMany(o => Inspection.CookiesSet(o.Exchange)).Any(c => c.Name == cookie.Name && c.Value != made);
        var isUsed = run.Observations.All(o => o.Exchange.Answer is not null) && lab.Main.Compare(run).All(d => d.Place.StartsWith("cookie:", StringComparison.Ordinal) || d.Place.StartsWith("header:", StringComparison.Ordinal));
        if (isReplaced || !isUsed) return;
        lab.Study.Find(new Suspicion("CHK-ADOPTED", Severity.Warning, null, Name, $"a made-up session id in {cookie.Name} is adopted",
            "The scenario was begun with an id that the service had not issued, and the session went on under it. An attacker can choose the id of somebody else's session (session fixation); take only ids that were issued.")
        { Step = set.Step, Actual = run[new Slot(set.Step)]?.Exchange, Run = run });
    }

    /// <summary>Sends a JSON Web Token without a signature, and one whose claims were changed under the old signature.</summary>
    private async Task TokensAsync(Lab lab, CancellationToken cancellationToken)
    {
        var slot = lab.Main.Last.Observations.FirstOrDefault(o => o.Slot.Occurrence == 0 && o.Exchange.Answer is { Status: < 400 } && Token(o.Exchange) is not null)?.Slot;
        if (slot is not { } use) return;
        var before = Plans.All(use.Step - 1, _ => 0);
        var refused = await lab.RunAsync([.. before, Forged(lab.Step(use.Step), token => token[..(token.LastIndexOf('.') + 1)] + "AAAA" + token[(token.LastIndexOf('.') + 5)..])], cancellationToken);
        if (lab.Main.Compare(refused).All(d => d.Slot != use))
        {
            // A wrong signature changes nothing: either it is not verified, or the step does not need the token.
            var none = await lab.RunAsync([.. before, new Send(use.Step, 0) { Change = _ => new SendChange { HeadersSet = new Dictionary<string, string?> { ["Authorization"] = null } } }], cancellationToken);
            if (lab.Main.Compare(none).Any(d => d.Slot == use))
                Tell(lab, use, refused, "a token with a wrong signature is accepted", "The last part of the token was replaced, and the response is the same. Anybody can write tokens for anybody.");
            return;
        }
        var unsigned = await lab.RunAsync([.. before, Forged(lab.Step(use.Step), Unsigned)], cancellationToken);
        if (lab.Main.Compare(unsigned).All(d => d.Slot != use))
            Tell(lab, use, unsigned, "a token that says \"alg\": \"none\" is accepted without a signature", "Name the algorithms that are accepted, and refuse none (RFC 8725, section 3.1).");
    }

    /// <summary>Goes back to the cookies from before a write: an older state that comes back lives in the cookie.</summary>
    private async Task RewindAsync(Lab lab, CancellationToken cancellationToken)
    {
        var edges = lab.Study.DependsOn.SelectMany(d => d.Value.Select(write => (Read: d.Key, Write: write))).Where(e => lab.Step(e.Read).IsSafe && !lab.Study.Traits.Logins.Contains(e.Write)).ToList();
        var mayKeep = false;
        var dependencies = lab.Study.DependsOn.SelectMany(d => d.Value.Select(made => (Later: d.Key, Made: made))).ToList();
        if (dependencies.Count > 0 && dependencies.All(d => IsSentAlong(lab, d.Later, d.Made)))
        {
            lab.Study.Knowledge.ClientCarries = true;
            return;
        }
        foreach (var write in edges.Select(e => e.Write).Distinct().Order())
        {
            var read = edges.Where(e => e.Write == write).Max(e => e.Read);
            if (lab.Study.Traits.Logouts.Contains(write)) continue;
            var set = Inspection.CookiesSet(lab.Main.Last[new Slot(write)]!.Exchange).ToList();
            var earlier = lab.Main.Last.Observations.Where(o => o.Slot.Step < write).SelectMany(o => Inspection.CookiesSet(o.Exchange)).GroupBy(c => c.Name).ToDictionary(g => g.Key, g => g.Last().Value);
            var changed = set.Where(c => earlier.TryGetValue(c.Name, out var old) && old != c.Value).ToList();
            var isNew = set.Where(c => !earlier.ContainsKey(c.Name)).ToList();
            if (changed.Count == 0)
            {
                // No cookie changed: what the write made is at the service, unless the cookie that it gave out holds it.
                if (isNew.Count > 0 && isNew.All(c => Credentials.IsSelfContained(c.Name, c.Value))) lab.Study.Knowledge.ClientCarries = true;
                else if (isNew.Count > 0) mayKeep = true;
                else if (!lab.Step(write).IsSafe && edges.Where(e => e.Write == write).All(e => IsAddressed(lab, e.Read, e.Write))) lab.Study.Knowledge.KeepsResources = true;
                else if (!lab.Step(write).IsSafe) lab.Study.Knowledge.ServiceKeeps = true;
                continue;
            }
            if (!changed.Any(c => Credentials.IsSelfContained(c.Name, c.Value)))
            {
                lab.Study.Knowledge.ServiceKeeps = true;
                continue;
            }
            // Asked elsewhere: the replica that saw the write may know better than the cookie.
            var elsewhere = lab.Set.Addresses.Count > 1 ? 1 : 0;
            var run = await lab.RunAsync([.. Plans.All(write - 1, _ => 0), new Park(), .. Plans.All(read, _ => 0).Skip(write - 1), new Resume(), new Send(read, elsewhere)], cancellationToken);
            var model = await lab.LearnAsync([.. Plans.All(read, _ => 0), new Send(read, 0)], cancellationToken);
            if (model.Compare(run).Any(d => d.Slot == new Slot(read, 1)))
            {
                lab.Study.Knowledge.ClientCarries = true;
                if (lab.Study.Found.Any(f => f.Rule == "CHK-OLDSEAL")) continue;
                lab.Study.Find(new Suspicion("CHK-OLDSEAL", Severity.Note, null, Name, $"an older cookie brings the older state back: the state travels in {changed[0].Name}",
                    $"The cookie from before step {write} ({lab.Step(write).Name}) was sent again, and step {read} showed what was before. That is how state in a cookie works; do not keep there what must not be rewound (a balance, a used voucher).")
                { Step = read, MadeBy = write, Actual = run[new Slot(read, 1)]?.Exchange, Expected = run[new Slot(read)]?.Exchange, Run = run });
            }
            else lab.Study.Knowledge.ServiceKeeps = true;
        }
        // An id that is given out leads to something at the service, unless what was written is seen to travel.
        if (mayKeep && !lab.Study.Knowledge.ClientCarries) lab.Study.Knowledge.ServiceKeeps = true;
    }

    /// <summary>Whether a step asks for something by an id that an earlier one answered.</summary>
    private static bool IsAddressed(Lab lab, int read, int write)
    {
        if (lab.Main.Last[new Slot(read)]?.Exchange.Request is not { } request || lab.Main.Last[new Slot(write)] is not { } made) return false;
        var target = Uri.UnescapeDataString(request.Url.PathAndQuery);
        return made.Places.Where(p => !p.StartsWith("cookie:", StringComparison.Ordinal) && Ids.IsIdLike(p)).Any(p => made[p] is { Length: > 0 } id && target.Split('/', '?', '=', '&').Contains(id));
    }

    /// <summary>Whether a step sends what an earlier one answered, by itself or from one to the next, and in a form that says by itself what it stands for: state in a signed form field.</summary>
    private static bool IsSentAlong(Lab lab, int later, int made) =>
        lab.Main.Last[new Slot(later)]?.Exchange.Request?.Filled is { } sent
        && sent.Target.Concat(sent.Headers.SelectMany(h => h.Value)).Concat(sent.Body ?? [])
            .Any(p => p.Step >= made && p.Step < later && Credentials.IsSealed(p.Text) && (p.Step == made || IsSentAlong(lab, p.Step, made)));

    private void Tell(Lab lab, Slot use, Run run, string title, string detail) =>
        lab.Study.Find(new Suspicion("CHK-ALGNONE", Severity.Warning, null, Name, title, detail) { Step = use.Step, Actual = run[use]?.Exchange, Run = run });

    private static Send Forged(Stateside.Check.Scenarios.Step stepToSend, Func<string, string> forge) => new(stepToSend.Number, 0)
    {
        Change = conversation =>
        {
            if (conversation.Prepare(stepToSend, 0) is not { } request) return null;
            var name = request.Headers.FirstOrDefault(h => h.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase));
            return name.Value?.Split(' ', 2) is [var scheme, var token] ? new SendChange { HeadersSet = new Dictionary<string, string?> { ["Authorization"] = $"{scheme} {forge(token)}" } } : null;
        },
    };

    private static string? Token(Exchange exchange) => exchange.Request?.Headers
        .Where(h => h.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value.Split(' ', 2) is [_, var token] && Credentials.IsJwt(token) ? token : null).FirstOrDefault();

    private static string Unsigned(string token)
    {
        var parts = token.Split('.');
        var header = JsonNode.Parse(Convert.FromBase64String(Padded(parts[0])))!.AsObject();
        header["alg"] = "none";
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(header.ToJsonString())).TrimEnd('=').Replace('+', '-').Replace('/', '_') + "." + parts[1] + ".";
    }

    private static string Padded(string text) => text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4);
}
