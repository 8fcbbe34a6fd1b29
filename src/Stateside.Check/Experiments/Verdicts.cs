using Stateside.Check.Reports;

namespace Stateside.Check.Experiments;

/// <summary>What the findings, and what is known of the scenario, say to the five questions. A pure function of both.</summary>
internal static class Verdicts
{
    private const string ProvesNothing = "no response of the scenario depends on an earlier step, so it proves nothing about state: write something, then read it";
    private const int MostNamed = 5;

    /// <summary>Answers the questions, in order.</summary>
    public static IReadOnlyList<Verdict> Of(IReadOnlyList<Finding> findings, Knowledge known) =>
    [
        Decide(Question.Context, findings, known.ShowsState ? known.NotMoved : ProvesNothing, Moved(findings)),
        Decide(Question.External, findings, known.ShowsState ? known.NotRestarted : ProvesNothing, Restarted(findings, known)),
        Decide(Question.Retry, findings, NotRetried(known), Retried(known)),
        Spread(findings, known),
        Decide(Question.Auth, findings, known.NoCredential, (known.CredentialIsIssued ? "what one replica issued was honoured by another" : "the credential that the client has from elsewhere was honoured by one replica and another")
            + (known.CredentialOutlived ? ", and after a restart of all" : "; not tried after a restart")),
    ];

    /// <summary>Where the state lives.</summary>
    public static Architecture ArchitectureOf(IReadOnlyList<Verdict> verdicts, IReadOnlyList<Finding> findings, Knowledge known)
    {
        Outcomes(verdicts, out var context, out var external, out var auth);
        if (external == Outcome.Fails) return Architecture.LostWithProcess;
        if (context == Outcome.Fails || auth == Outcome.Fails)
            return external == Outcome.Holds ? Architecture.NeedsStickiness : Architecture.CannotTell;
        if (context != Outcome.Holds) return Architecture.CannotTell;
        // A copy in a process that makes replicas answer otherwise binds a client to one of them. Lost updates do not: they are lost at one replica too.
        if (external == Outcome.Holds && findings.Any(f => f.Question == Question.Spread && f.Severity == Severity.Error && f.Rule != "CHK-LOST")) return Architecture.NeedsStickiness;
        if (known.ServiceKeeps || known.CredentialIsSelfContained == false) return Architecture.Hybrid;
        // What has an address of its own is nobody's session: it makes a service hybrid only where no session travels with the client.
        if (known.ClientCarries) return Architecture.Stateless;
        return known.KeepsResources || known.CredentialIsSelfContained is null ? Architecture.Hybrid : Architecture.Stateless;
    }

    /// <summary>The one change that would help most, or null where nothing fails.</summary>
    public static string? Advice(IReadOnlyList<Verdict> verdicts, IReadOnlyList<Finding> findings, Architecture architecture)
    {
        if (verdicts.All(v => v.Outcome != Outcome.Fails)) return null;
        bool Has(string rule) => findings.Any(f => f.Rule == rule && f.Severity == Severity.Error);
        if (Has("CHK-KEYRING")) return "Share the Data Protection key ring: PersistKeysTo… a place that all replicas use, with one SetApplicationName. Cookies and tokens of one replica are then honoured by all.";
        if (Has("CHK-CSRF") && !Has("CHK-MOVE")) return "Sign anti-forgery tokens with a key that all replicas share, or keep them in the session store, instead of in one process.";
        // Counters are for the store: a client must not carry the count that limits it.
        bool Only(string rule) => findings.Where(f => f is { Severity: Severity.Error, Question: Question.Context or Question.External or Question.Spread }).All(f => f.Rule == rule);
        if (architecture == Architecture.LostWithProcess && verdicts[0].Outcome == Outcome.Fails && !Only("CHK-LIMIT") && !Only("CHK-IDS"))
            return "Move what a session has out of the process: into a store that all replicas use (Redis, the database), or into a sealed cookie or token that the client carries.";
        // What only copies, counters and races in the processes show is not mended by another disk.
        if (architecture == Architecture.NeedsStickiness && findings.Any(f => f is { Severity: Severity.Error, Question: Question.Context or Question.Spread, Rule: not ("CHK-STALE" or "CHK-IDS" or "CHK-LIMIT" or "CHK-LOST") }))
            return "Move what the replica keeps on its own disk to a place that all replicas use: a shared store or database, object storage for files.";
        if (Has("CHK-LOGOUT")) return "Keep the list of revoked credentials in a store that all replicas ask, or issue credentials that live for minutes.";
        if (Has("CHK-CREDENTIAL")) return "Make every replica able to verify a credential: sign it with a shared key, or keep sessions in a shared store.";
        if (Has("CHK-IDS")) return "Let the database make ids, or make them random (UUID), instead of counting in each process.";
        if (Has("CHK-LIMIT")) return "Count requests for the rate limit in a store that all replicas share (Redis INCR with an expiry).";
        if (Has("CHK-STALE")) return "Do not answer reads of what changes from a cache in the process: read the store, share the cache, or invalidate it on all replicas.";
        if (Has("CHK-LOST")) return "Make updates atomic in the store (UPDATE … SET n = n + 1, INCR, a version compare), instead of reading, changing and writing back.";
        if (Has("CHK-KEY")) return "Record the Idempotency-Key with its response in the shared store, in the same transaction as the effect, before answering.";
        if (Has("CHK-DOUBLED")) return "Let clients send an Idempotency-Key with unsafe requests and honour it, so that a retry has no second effect.";
        return "Keep what responses depend on in a place that all replicas share.";
    }

    /// <summary>A session that a cold replica cannot serve needs stickiness too, so that evidence counts here as well.</summary>
    private static Verdict Spread(IReadOnlyList<Finding> findings, Knowledge known)
    {
        var own = Decide(Question.Spread, findings, known.ShowsState ? known.NotSpread : ProvesNothing, NoDifference(findings, known));
        if (own.Outcome == Outcome.Fails) return own;
        var moved = Evidence(Question.Context, findings);
        return moved.Count == 0 ? own : new Verdict(Question.Spread, Outcome.Fails, "a session stays with the replica that began it: " + moved[0].Title, Ids(moved));
    }

    private static string NoDifference(IReadOnlyList<Finding> findings, Knowledge known) =>
        $"requests went over the replicas in turn, {(known.HasUnsafe ? "and what was written through one was read through another, " : "")}without a difference"
        + ButLate(findings, "move", "spread")
        + (findings.Any(f => f is { Rule: "CHK-LIMIT", Experiment: "spread", Severity: Severity.Warning }) ? ", and for the rate limit, which each counts by itself" : "")
        + (known.AddedUp == true ? "; no concurrent write was lost" : "");

    /// <summary>What was right a moment later decides nothing, and is to be said all the same.</summary>
    private static string ButLate(IReadOnlyList<Finding> findings, params IEnumerable<string> experiments) =>
        findings.Any(f => f.Severity == Severity.Warning && experiments.Contains(f.Experiment) && f.Title.StartsWith(Experiment.ForAMoment, StringComparison.Ordinal)) ? ", except for a moment after a write" : "";

    private static string Restarted(IReadOnlyList<Finding> findings, Knowledge known) => "what a session had was still there after a restart of its replica"
        + (known.AllRestarted ? ", and after one of all" : "")
        + (findings.Any(f => f is { Experiment: "restart", Severity: Severity.Warning }) ? "; except what was acknowledged a moment before, which a crash loses" : "");

    /// <summary>What a session that was moved showed: where a replica held a copy from before, only one that had just been started served it.</summary>
    private static string Moved(IReadOnlyList<Finding> findings) => findings.Any(f => f is { Rule: "CHK-STALE", Severity: Severity.Error, Experiment: "move" })
        ? "a session that one replica began was served by one that had just been started; that one which had served others before answers from a copy is a matter of Spread"
        : "a session that one replica began was served by another, which had never seen it, in both directions" + ButLate(findings, "move");

    private static string? NotRetried(Knowledge known) =>
        !known.HasUnsafe ? "the scenario has no unsafe step (POST, PUT, PATCH, DELETE)"
        : known.NotRetried is { } reason ? reason
        : known.Retried > 0 ? null
        : known.NotShown.All(n => n.Why == NotShown.Unread) ? "no later step shows what the unsafe steps did: read back what was written"
        : "no unsafe step could show a second effect: " + NotShownIn(known);

    /// <summary>Of which steps it is known, and of which it is not: what is refused, or read back by nothing, shows no second effect because it could not.</summary>
    private static string Retried(Knowledge known)
    {
        var all = known.Retried + known.NotShown.Count;
        return (known.NotShown.Count == 0 ? "every unsafe step was" : $"{known.Retried} of {all} unsafe steps {(known.Retried == 1 ? "was" : "were")}")
            + " sent twice, one after the other"
            + (known.Raced == known.Retried ? " and at once" : known.Raced > 0 ? $" and {known.Raced} of them at once" : "")
            + ", and no second effect was seen"
            + (known.NotShown.Count == 0 ? "" : "; not judged: " + NotShownIn(known));
    }

    private static string NotShownIn(Knowledge known)
    {
        var words = known.NotShown.Take(MostNamed).Select(s => $"step {s.Step} ({s.Name}{(known.Scenarios > 1 ? $" of {s.Scenario}" : "")}), {s.Why}");
        return string.Join("; ", words) + (known.NotShown.Count > MostNamed ? $"; and {known.NotShown.Count - MostNamed} more" : "");
    }

    private static Verdict Decide(Question question, IReadOnlyList<Finding> findings, string? cannotTell, string holds)
    {
        var evidence = Evidence(question, findings);
        return evidence.Count > 0 ? new Verdict(question, Outcome.Fails, evidence[0].Title, Ids(evidence))
            : cannotTell is not null ? new Verdict(question, Outcome.CannotTell, cannotTell, [])
            : new Verdict(question, Outcome.Holds, holds, []);
    }

    private static List<Finding> Evidence(Question question, IReadOnlyList<Finding> findings) =>
        [.. findings.Where(f => f.Question == question && f.Severity == Severity.Error)];

    private static List<string> Ids(List<Finding> evidence) => [.. evidence.Select(f => f.Id)];

    private static void Outcomes(IReadOnlyList<Verdict> verdicts, out Outcome context, out Outcome external, out Outcome auth) =>
        (context, external, auth) = (verdicts[(int)Question.Context].Outcome, verdicts[(int)Question.External].Outcome, verdicts[(int)Question.Auth].Outcome);
}
