using static Stateside.Check.Reports.Architecture;

namespace Stateside.Check.Zoo.Tests;

/// <summary>Services in Node.js with Express.</summary>
internal static class NodeServices
{
    // Answers in the order Context, External, Retry, Spread, Auth.
    public static IReadOnlyList<Service> All { get; } =
    [
        new("node-session-memory", "node {node}/express-session.js memory {port}", "account-logout.http",
            new("ffhff", LostWithProcess, "CHK-RESTART CHK-CREDENTIAL", "express-session's default store is the memory of one process; logging in and choosing a colour twice changes nothing")),
        new("node-session-eager", "node {node}/express-session.js eager {port}", "account.http",
            new("ffhff", LostWithProcess, "CHK-RESTART CHK-CREDENTIAL CHK-DESTROYED", "the other replica answers an id it does not know with a new cookie, so the session is lost at its own replica too")),
        new("node-session-redis", "node {node}/express-session.js redis {port} {redis}", "account-logout.http",
            new("hhhhh", Hybrid, "", "an opaque id, and everything it stands for is in Redis: any replica serves it, a logout is heard everywhere")),
        new("node-slow-start", "node {node}/express-session.js slow {port} {redis}", "account.http",
            new("hhhhh", Hybrid, "", "the same in Redis; that it listens only after three seconds says nothing of its state")) { IsSlow = true },
        new("node-balancer-cookie", "node {node}/express-session.js sticky {port} {redis} {i}", "account.http",
            new("hhhhh", Hybrid, "CHK-STICKY", "sessions are in Redis; the cookie that names a replica is a sign of a sticky balancer, worth a note, and nothing depends on it")),
        new("node-iron-session", "node {node}/iron-session.js {port}", "account.http",
            new("hhhhh", Stateless, "CHK-OLDSEAL", "user and colour travel sealed in the cookie, under a password that all replicas share; an older cookie brings the older colour back")),
        new("node-jwt-shared", "node {node}/jwt.js shared {port}", "token.http",
            new("hhhhh", Stateless, "", "a signed token that every replica verifies with the same secret; a login has no effect but its answer, so a second one does no harm")),
        new("node-jwt-random", "node {node}/jwt.js random {port}", "token.http",
            new("ffhff", LostWithProcess, "CHK-CREDENTIAL", "every process makes up its secret when it starts, so no other believes its tokens, nor it itself after a restart")),
        new("node-jwt-none", "node {node}/jwt.js none {port}", "token.http",
            new("hhhhh", Stateless, "CHK-ALGNONE", "as stateless as can be, and a hole: a token that says \"alg\": \"none\" is believed; the fifth question asks whom a credential depends on, so the hole is a finding of its own")),
        new("node-jwt-revocation", "node {node}/jwt.js revocation {port}", "token-logout.http",
            new("ffhff", LostWithProcess, "CHK-LOGOUT", "a logout is remembered by the process that heard it: elsewhere, and after its restart, the token is good again")),
        new("node-csrf-memory", "node {node}/csrf.js {port} {redis}", "settings.har",
            new("ffhfh", LostWithProcess, "CHK-CSRF", "the session is in Redis and known everywhere, but a form's token only to the process that made the form: the other refuses what is sent with it"))
            { Ready = "/login" },
        new("node-idempotency-redis", "node {node}/idempotency.js redis {port} {redis}", "orders.http",
            new("hhhh?", Hybrid, "", "keys are claimed in Redis before the work: a second request is replayed, or refused while the first is under way")),
        new("node-idempotency-memory", "node {node}/idempotency.js memory {port} {redis}", "orders.http",
            new("hhfh?", Hybrid, "CHK-KEY|CHK-DOUBLED", "orders are in Redis and show everywhere; the keys are in one process, so a retry that reaches another replica orders twice")),
        new("node-idempotency-racy", "node {node}/idempotency.js racy {port} {redis}", "orders.http",
            new("hhfh?", Hybrid, "CHK-KEY|CHK-DOUBLED", "a key is looked up before the work and noted after it: one after the other is replayed, both at once order twice")),
        new("node-mcp", "node {node}/mcp.js {port}", "mcp.http",
            new("ffhf?", LostWithProcess, "CHK-RESTART", "the id of initialize is known to one process; it names a session, not a person, so nothing is said about authentication")),
        new("node-registry", "node {node}/registry.js {port} {redis}", "registry.http",
            new("ffhff", LostWithProcess, "CHK-CREDENTIAL", "tokens are in memory, and who is not known is answered 200 and {}: the status never differs, the identity does")),
        new("node-cart-racy", "node {node}/cart.js {port} {redis}", "cart-json.http",
            new("hhff?", Hybrid, "CHK-LOST CHK-DOUBLED", "the session is in Redis but is loaded and saved whole around each request, so additions at the same time are lost; an addition sent twice is there twice")),
        new("node-notebook", "node {node}/notebook.js {port} {shared}/notebook", "notebook.http",
            new("hhhf?", NeedsStickiness, "CHK-STALE|CHK-SPREAD", "notes are on a shared disk, and each process reads all of them once, when first asked: a cold one is right, a warm one never learns what others write")),
        new("node-todos", "node {node}/todos.js {port} {redis}", "todos.http",
            new("ffffh", LostWithProcess, "CHK-RESTART CHK-DOUBLED", "the login is in Redis and holds everywhere; the list is in one process: elsewhere, and after a restart, one is still ann, with nothing to do")),
        new("node-uploads", "node {node}/uploads.js {port} {dir}", "uploads-raw.http",
            new("fhhf?", NeedsStickiness, "CHK-MOVE|CHK-FRESH CHK-SPREAD", "files are on the replica's own disk: they outlive a restart, and the other replica has never seen them")),
        new("node-noise", "node {node}/noise.js {port} {i}", "noise.http",
            new("?????", CannotTell, "", "nothing is kept, nothing is written, nobody logs in: all that differs is times, ids, order and the replica's name, so nothing can be concluded")),
        new("node-wiki", "node {node}/wiki.js {port} {redis}", "wiki.http",
            new("ffhff", LostWithProcess, "CHK-CREDENTIAL", "the other replica says Success to the edit and writes it down as anonymous's: only reading the page back tells")),
        new("node-pages", "node {node}/pages.js {port} {redis}", "basket-pages.http",
            new("hhhh?", Hybrid, "", "gzip, chunks, three cookies and redirects around a basket in Redis, under an id that is the cookie's: clean")),
    ];
}
