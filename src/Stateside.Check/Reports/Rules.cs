namespace Stateside.Check.Reports;

/// <summary>A rule: what a finding of it means, and what to do.</summary>
/// <param name="Code">Its code, the same in all reports.</param>
/// <param name="Name">Its name, as one word.</param>
/// <param name="Title">What it says, in one line.</param>
/// <param name="Meaning">Why that matters, in a sentence or two.</param>
/// <param name="Fix">What to do.</param>
public sealed record Rule(string Code, string Name, string Title, string Meaning, string Fix);

/// <summary>All rules, in the order in which docs/check.md lists them.</summary>
public static class Rules
{
    /// <summary>The rules.</summary>
    public static IReadOnlyList<Rule> All { get; } =
    [
        new("CHK-MOVE", "SessionDoesNotMove", "A session cannot go on at another replica.",
            "A replica that had never served the session answers differently from the one that began it: what it needs is in one process, or on one disk.",
            "Keep what a session has in a store that all replicas use, or let the client carry it, sealed."),
        new("CHK-FRESH", "FreshReplicaDiffers", "A replica that was just started answers differently.",
            "What was written through another replica is not seen by one that nobody had spoken to. That is what happens to users when you scale out.",
            "Write to a store that all replicas use; load what a replica needs from there."),
        new("CHK-RESTART", "LostAtRestart", "A restart loses what a session had.",
            "The process was killed and started again, as in a crash or a deployment, and what had been acknowledged before was gone.",
            "Keep it outside the process before the request is answered."),
        new("CHK-SPREAD", "RepliesDependOnReplica", "Requests that go to the replicas in turn are answered differently.",
            "One client, several replicas, and the answers are not those that one replica alone gives.",
            "Find what the named step reads from memory or from the replica's own disk, and share it."),
        new("CHK-STALE", "StaleCopy", "A replica answers with an old copy.",
            "One replica had read something before another changed it, and goes on showing what was. A replica that had not read it is right.",
            "Read what changes from the store, share the cache, or tell all replicas when something changes."),
        new("CHK-LOST", "LostUpdate", "Changes made at the same time are lost.",
            "Several requests were each answered with success, and later reads show fewer changes: the value is read, changed and written back, and the last to write wins.",
            "Let the store make the change (UPDATE … SET n = n + 1, INCR, append), or compare a version when writing and try again."),
        new("CHK-IDS", "IdGivenTwice", "Two replicas gave the same id.",
            "Each counts for itself, so two things get one id, and one may overwrite the other.",
            "Let the database make ids, or make them random (UUID)."),
        new("CHK-LIMIT", "LimitPerProcess", "A rate limit counts in each process.",
            "The limit was met on one replica and not, or later, over several: with n replicas a client may do n times as much, and a restart forgets the count.",
            "Count in a store that all replicas share."),
        new("CHK-DOUBLED", "DoubledEffect", "A request that is sent twice has its effect twice.",
            "Clients, proxies and load balancers send again what was not answered. The same request, sent again, was done again.",
            "Take an Idempotency-Key with unsafe requests and honour it, or let the request say what is to be (PUT) instead of what is to change."),
        new("CHK-KEY", "KeyNotHonoured", "An Idempotency-Key does not keep a request from being done twice.",
            "The key is ignored, known only to one replica, looked up and noted in two steps between which a copy gets through, or taken for another request.",
            "Record key, request and response in the shared store in one transaction with the effect; answer a known key with the recorded response, and 422 where the request is another."),
        new("CHK-CREDENTIAL", "CredentialBoundToReplica", "What one replica issued another does not honour.",
            "After logging in at one replica the others refuse the credential, ignore it or take its bearer for somebody else; or all of them do after a restart.",
            "Sign or seal credentials with keys that all replicas share and that outlive a restart, or keep sessions in a shared store."),
        new("CHK-LOGOUT", "LogoutNotEverywhere", "A logout does not hold everywhere.",
            "Where it was said the old credential is refused; elsewhere, or after a restart, it works. Whoever has a copy goes on using it.",
            "Keep what was revoked in a store that all replicas ask, or issue credentials that live for minutes."),
        new("CHK-DESTROYED", "MoveDestroysSession", "A visit to another replica destroys the session.",
            "The other replica did not know the session and replaced its cookie: afterwards it is gone at the first replica too. A single stray request logs the user out.",
            "Share sessions. Until then, do not answer an unknown session with a new cookie unless something is kept in it."),
        new("CHK-CSRF", "FormTokenBoundToReplica", "A form's token is good only at the replica that made the form.",
            "A form that was fetched from one replica is refused by another, or after a restart: users see \"the form has expired\".",
            "Sign anti-forgery tokens with a key that all replicas share, or keep them with the session."),
        new("CHK-STICKY", "StickyCookie", "A balancer's cookie names the replica.",
            "Something in front of the service binds clients to replicas. That hides state in processes until a replica goes.",
            "Check the replicas themselves, without the balancer; turn stickiness off once this report is green."),
        new("CHK-COOKIE", "CookieAttributes", "A session cookie lacks attributes that protect it.",
            "Without HttpOnly scripts read it, without SameSite other sites send it, without Secure it travels in clear.",
            "Set HttpOnly, SameSite=Lax or Strict, and Secure where the site is served by https."),
        new("CHK-FIXATION", "IdKeptAtLogin", "The session's id is the same after the login as before.",
            "Who planted the id before the login (session fixation) is logged in with the victim.",
            "Give a new id when somebody logs in, and end the old one."),
        new("CHK-ADOPTED", "UnissuedIdAdopted", "An id that the service never issued is adopted as a session.",
            "An attacker can choose the victim's session id beforehand.",
            "Answer an unknown id with a new one (in PHP: session.use_strict_mode=1)."),
        new("CHK-ALGNONE", "UnsignedTokenAccepted", "A token without a signature is believed.",
            "Whoever can write JSON can be anybody: the token was altered, its \"alg\" set to \"none\", and it was taken.",
            "Accept only the algorithms you sign with; never let the token choose."),
        new("CHK-OLDSEAL", "OldStateAccepted", "An older cookie brings the older state back.",
            "State that the client carries can be put back by the client: a spent voucher is whole again. Harmless for what is only the client's own.",
            "Keep what must not go back in the store, or keep there a version that the cookie has to match."),
        new("CHK-ENTROPY", "GuessableId", "Session ids can be guessed.",
            "What varies between the ids that were issued holds fewer than 64 bits.",
            "Make ids from 128 bits or more of a cryptographic random source."),
        new("CHK-CACHEABLE", "SessionCookieCacheable", "A response that sets a session cookie may be cached.",
            "A shared cache may hand one user's session to the next.",
            "Send Cache-Control: no-store, or private, with every response that sets the cookie."),
        new("CHK-KEYRING", "KeyRingNotShared", "The replicas do not share a key ring.",
            "Cookies that ASP.NET Core's Data Protection sealed at one replica do not open at another, or not after a restart.",
            "PersistKeysTo… a place that all replicas use and that is kept, with one SetApplicationName."),
        new("CHK-CRASH", "ServiceDied", "The service broke off, or ended, under an experiment.",
            "Instead of an answer the connection broke, or the process was gone. What it had in memory is gone with it.",
            "Read what it said last, in the finding; repeat it with the commands given."),
        new("CHK-TIMEOUT", "NoAnswerInTime", "No answer came in time.",
            "A step that is answered when undisturbed was not answered within the time limit.",
            "Look for locks that a killed or busy replica still holds; a slow service may need --timeout."),
        new("CHK-5XX", "ServerError", "An experiment led to a server error.",
            "A step that succeeds when undisturbed was answered 5xx.",
            "Read the service's log at that moment; state that is missing is often dereferenced."),
    ];

    private static readonly Dictionary<string, Rule> s_byCode = All.ToDictionary(rule => rule.Code);

    /// <summary>The rule of a code.</summary>
    public static Rule Of(string code) => s_byCode.TryGetValue(code, out var rule) ? rule : new Rule(code, code.Replace("-", "", StringComparison.Ordinal), code, "", "");
}
