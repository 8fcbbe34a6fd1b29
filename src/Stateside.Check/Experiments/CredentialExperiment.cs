using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>What logged in on one replica is used on the others, and after a restart of all; then again after the logout.</summary>
/// <remarks>Only the login and what it takes come before the step that uses the credential, so that other state of the session plays no part.</remarks>
internal sealed class CredentialExperiment : Experiment
{
    private const int MostUses = 4;
    private const string OneIssuer = "there is only one replica, so no other could be asked to honour the credential";

    public override string Name => "credential";

    public override bool Kills => true;

    public override string? LeftOut(Study study) =>
        study.Traits.Logins.Count > 0 || study.Traits.Bearers.Count > 0 ? null : "no step sends a credential (a password-like field, a login-like path, an Authorization header); a session cookie alone is no authentication";

    public override async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var study = lab.Study;
        study.Knowledge.NoCredential = "no response depends on the credential";
        var uses = Enumerable.Range(1, lab.Steps).Where(s => !study.Traits.Logouts.Contains(s) && !study.Traits.Logins.Contains(s) && IsAfterLogin(study, s) && !IsAfterLogout(study, s))
            .OrderBy(s => !lab.Step(s).IsSafe).ThenBy(s => s);
        var tried = 0;
        foreach (var use in uses)
        {
            if (tried == MostUses || study.Found.Any(f => f.Question == Question.Auth)) break;
            if (await UseAsync(lab, use, cancellationToken)) tried++;
        }
        if (tried == 0)
            foreach (var (read, write) in study.Effects.Where(e => e.Read > e.Write && IsAfterLogin(study, e.Write) && !IsAfterLogout(study, e.Read)))
                if (await UseAsync(lab, read, cancellationToken, write) && ++tried > 0) break;
        if (tried > 0) (study.Knowledge.NoCredential, study.Knowledge.CredentialIsSelfContained) = (lab.Set.Addresses.Count > 1 ? null : OneIssuer, await IsSelfContainedAsync(lab, cancellationToken));
        foreach (var logout in study.Traits.Logouts.Order()) await LogoutAsync(lab, logout, cancellationToken);
    }

    private static bool IsAfterLogin(Study study, int step) => study.Traits.Bearers.Contains(step) || study.Traits.Logins.Any(l => l < step);

    private static bool IsAfterLogout(Study study, int step) => study.Traits.Logouts.Any(l => l < step);

    /// <summary>Uses a credential at one step, if the response there depends on it.</summary>
    /// <param name="lab">Where.</param>
    /// <param name="use">The step whose response is looked at.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    /// <param name="write">A step that is sent with it, where the credential shows only in what was written in its name.</param>
    private async Task<bool> UseAsync(Lab lab, int use, CancellationToken cancellationToken, int? write = null)
    {
        var logins = lab.Study.Traits.Logins;
        var last = logins.Where(l => l < use).DefaultIfEmpty(0).Max();
        var before = Enumerable.Range(1, last).Where(s => lab.Step(s).IsSafe || logins.Contains(s)).ToList();
        List<int> with = write is { } one ? [one] : [];
        var slot = new Slot(use);
        var model = await lab.LearnAsync(Plan(before, with, use, 0, 0), cancellationToken);
        if (model.Last[slot]?.Exchange.Answer is null && last > 0 && write is null)
        {
            // It takes more than the login to be sent: what else came before is sent with it, in the name of who logged in.
            with = [.. Enumerable.Range(last + 1, use - last - 1)];
            model = await lab.LearnAsync(Plan(before, with, use, 0, 0), cancellationToken);
        }
        if (model.Unsteady is not null || model.Last[slot]?.Exchange.Answer is not { Status: < 400 }) return false;
        var control = Plan(before, with, use, 0, 0);
        var bare = await lab.RunAsync(Without(lab, before, with, use), cancellationToken);
        var anonymous = model.Compare(bare).Where(d => d.Slot == slot).ToList();
        if (anonymous.Count == 0) return false;
        foreach (var (from, to) in lab.Set.Addresses.Count > 1 ? new[] { (0, 1), (1, 0) } : [])
        {
            var plan = Plan(before, with, use, from, to);
            var (what, how) = last > 0 ? ($"what replica {from} issued", $"Replica {from} issued the credential, and replica {to} was asked with it.")
                : ("the credential of the request", $"Replica {to} was asked with it.");
            var isRefusedThere = await RefusedAsync(lab, plan, control, model, bare, slot, what, how, cancellationToken);
            if (isRefusedThere is null) lab.Study.Knowledge.NoCredential = $"at step {use} ({lab.Step(use).Name}) another replica answers otherwise, and not as to nobody: it need not be for the credential";
            if (isRefusedThere is not false) return isRefusedThere == true;
        }
        lab.Study.Knowledge.CredentialIsIssued |= last > 0;
        if (!lab.Set.CanRestart) return true;
        List<Act> restarted = [.. before.Select(s => new Send(s, 0)), new Kill([.. Enumerable.Range(0, lab.Set.Addresses.Count)]), .. Uses(with, use, 0)];
        var isRefused = await RefusedAsync(lab, restarted, control, model, bare, slot,
            last > 0 ? "what was issued before a restart of all replicas" : "the credential of the request, after a restart of all replicas,",
            last > 0 ? "All replicas were killed and started again after the login." : "All replicas were killed and started again.", cancellationToken);
        if (isRefused == false) lab.Study.Knowledge.CredentialOutlived = true;
        return true;
    }

    /// <summary>Whether the credential is refused; null where the response differs and not for its sake, so that nothing can be said.</summary>
    private async Task<bool?> RefusedAsync(Lab lab, List<Act> plan, List<Act> control, TwinModel model, Run bare, Slot slot, string what, string how, CancellationToken cancellationToken)
    {
        // A token against forgery that is made anew is no refusal of the credential.
        var (_, _, seen) = await lab.TryAsync(plan, control, model, cancellationToken);
        if (!seen.Any(d => d.Slot == slot && !Traits.IsForgeryToken(d.Place))) return false;
        var evidence = await lab.ConfirmAsync(seen, plan, control, model, cancellationToken);
        var difference = evidence.Differences.Where(d => d.Slot == slot && !Traits.IsForgeryToken(d.Place)).MinBy(d => d.Rank);
        if (difference is null) return false;
        var isWhole = plan.OfType<Send>().Any(s => !lab.Step(s.Step).IsSafe && !lab.Study.Traits.Logins.Contains(s.Step) && s.Step != slot.Step);
        var actual = evidence.Run[slot]!;
        var isAnonymous = actual[difference.Place] == bare[slot]?[difference.Place] || actual.Exchange.Answer?.Status is 401 or 403;
        var isRefused = isAnonymous || actual.Exchange.Answer?.Status is >= 400 and < 500;
        // With more before it than the login, only a response like that to nobody is about the credential.
        if (isWhole && !isAnonymous) return null;
        var isKeyRing = evidence.Run.Observations.TakeWhile(o => o.Slot != slot).Any(HasDataProtected);
        var suspicion = Suspect(lab, isKeyRing ? "CHK-KEYRING" : "CHK-CREDENTIAL", Question.Auth, new Probe(plan, control, evidence, difference, lab.Study.Traits.Logins.Where(l => l < slot.Step).DefaultIfEmpty(0).Max() is var l and > 0 ? l : null),
            $"{what} is {(isRefused ? "refused or ignored" : "taken for something else")}: {Say(lab, difference)}",
            how + (isKeyRing ? " The cookie is sealed with ASP.NET Core Data Protection (it begins with CfDJ8), and the replicas do not have the same key ring." : ""));
        lab.Study.Find(suspicion.Rule is "CHK-5XX" or "CHK-LIMIT" or "CHK-CRASH" or "CHK-TIMEOUT" || !isKeyRing ? suspicion : suspicion with { Rule = "CHK-KEYRING" });
        return true;
    }

    private static bool HasDataProtected(Observation observation) => observation.Exchange.Hops.Append(observation.Exchange)
        .SelectMany(e => e.Answer?.Headers ?? []).Any(h => h.Key.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) && h.Value.Contains("=CfDJ8", StringComparison.Ordinal)
            // A session cookie is sealed too, but what is lost with it is in the session store, whoever has the keys.
            && !h.Value.Contains(".AspNetCore.Session=", StringComparison.Ordinal));

    /// <summary>Uses a credential after it was given back: where the logout was said, elsewhere, and after a restart.</summary>
    private async Task LogoutAsync(Lab lab, int logout, CancellationToken cancellationToken)
    {
        var use = Enumerable.Range(1, logout - 1).LastOrDefault(s => lab.Step(s).IsSafe && IsAfterLogin(lab.Study, s) && lab.Study.DependsOn.TryGetValue(s, out var on) && on.Overlaps(lab.Study.Traits.Logins));
        if (use == 0) return;
        var before = Plans.All(logout - 1, _ => 0);
        var isTwo = lab.Set.Addresses.Count > 1;
        var other = isTwo ? 1 : 0;
        Send Look(int replica) => new(use, replica) { IsAside = true };
        // Occurrence by occurrence the same reads, without the logout: how the credential is answered while it is good.
        var model = await lab.LearnAsync([.. before, Look(0), Look(0), Look(0), Look(0)], cancellationToken);
        if (model.Unsteady is not null) return;
        List<Act> plan = [.. before, Look(other), new Park(), new Send(logout, 0), new Resume(), Look(0), Look(other)];
        if (lab.Set.CanRestart) plan.AddRange([new Kill([0]), Look(0)]);
        var run = await lab.RunAsync(plan, cancellationToken);
        var differences = model.Compare(run);
        bool IsGood(int occurrence) => run[new Slot(use, occurrence)]?.Exchange.Answer is not null && !differences.Any(d => d.Slot == new Slot(use, occurrence));
        var (wasGood, there, elsewhere, restarted) = (IsGood(1), IsGood(2), isTwo && IsGood(3), lab.Set.CanRestart && IsGood(4));
        if (there)
        {
            lab.Study.Find(Late(lab, run, use, 2, Severity.Warning, null, $"the old credential still works after step {logout} ({lab.Step(logout).Name})",
                "The logout only makes the client forget it: whoever has a copy goes on using it until it expires. That is usual for tokens without a list of revoked ones; keep their life short."));
            return;
        }
        if (elsewhere && wasGood)
            lab.Study.Find(Late(lab, run, use, 3, Severity.Error, Question.Auth, "a logout holds only on the replica where it was said: the other honours the old credential",
                $"After step {logout} ({lab.Step(logout).Name}) replica 0 refuses the old credential, and replica {other} still takes it.") with { Plan = plan, MadeBy = logout });
        else if (restarted)
            lab.Study.Find(Late(lab, run, use, 4, Severity.Error, Question.Auth, "a restart forgets a logout: the old credential is honoured again",
                $"After step {logout} ({lab.Step(logout).Name}) replica 0 refused the old credential, and took it again once it was restarted.") with { Plan = plan, MadeBy = logout });
    }

    private Suspicion Late(Lab lab, Run run, int use, int occurrence, Severity severity, Question? question, string title, string detail) =>
        new("CHK-LOGOUT", severity, question, Name, title, detail)
        {
            Step = use,
            Run = run,
            Expected = run.Observations.LastOrDefault(o => o.Slot.Step == use && o.Exchange.Answer is { Status: >= 400 })?.Exchange,
            Actual = run[new Slot(use, occurrence)]?.Exchange,
        };

    /// <summary>Whether the credential says by itself whose it is; null where it comes with every request anyway.</summary>
    private static async Task<bool?> IsSelfContainedAsync(Lab lab, CancellationToken cancellationToken)
    {
        var study = lab.Study;
        var last = study.Main.Last.Observations;
        var tokens = last.Where(o => study.Traits.Bearers.Contains(o.Slot.Step)).SelectMany(o => o.Exchange.Request?.Headers ?? [])
            .Where(h => Credentials.IsHeader(h.Key)).Select(h => h.Value.Split(' ', 2) is [_, var token] ? token : h.Value).ToList();
        if (tokens.Count > 0) return study.Traits.Logins.Count == 0 ? null : tokens.All(t => Credentials.IsSelfContained("", t));
        var cookies = last.SelectMany(o => Inspection.CookiesSet(o.Exchange)).Where(c => Inspection.IsSessionCookie(study, c)).DistinctBy(c => c.Name).ToList();
        if (cookies.Any(c => Credentials.IsSelfContained(c.Name, c.Value)))
            foreach (var id in cookies.Where(c => !Credentials.IsSelfContained(c.Name, c.Value)).ToList())
            {
                // An id beside a sealed cookie: does any replica that does not know it miss it?
                var elsewhere = lab.Set.Addresses.Count > 1 ? 1 : 0;
                var plan = Plans.All(lab.Steps, _ => elsewhere).SelectMany(a => new Act[] { a, new Tamper(c => c.Jar.Remove(id.Name)) }).ToList();
                var run = await lab.RunAsync(plan, cancellationToken);
                if (study.Main.Compare(run).All(d => d.Place.StartsWith("cookie:", StringComparison.Ordinal))) cookies.Remove(id);
            }
        return cookies.Count == 0 ? null : cookies.All(c => Credentials.IsSelfContained(c.Name, c.Value));
    }

    private static List<Act> Plan(List<int> before, List<int> with, int use, int from, int to) => [.. before.Select(s => new Send(s, from)), .. Uses(with, use, to)];

    private static IEnumerable<Send> Uses(List<int> with, int use, int replica) => with.Append(use).Select(s => new Send(s, replica));

    /// <summary>The same by somebody who has not logged in; where the credential is in the step itself, without it.</summary>
    private static List<Act> Without(Lab lab, List<int> before, List<int> with, int use) =>
    [
        .. before.Where(s => !lab.Study.Traits.Logins.Contains(s)).Select(s => new Send(s, 0)),
        .. Uses(with, use, 0).Select(s => s with
        {
            Change = _ => new SendChange { HeadersSet = lab.Step(s.Step).Headers.Select(h => h.Key).Where(Credentials.IsHeader).Distinct(StringComparer.OrdinalIgnoreCase).ToDictionary(h => h, _ => (string?)null) },
        }),
    ];
}
