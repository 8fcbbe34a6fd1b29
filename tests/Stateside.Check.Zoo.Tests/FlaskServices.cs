using static Stateside.Check.Reports.Architecture;

namespace Stateside.Check.Zoo.Tests;

/// <summary>Services in Python with Flask.</summary>
internal static class FlaskServices
{
    public static IReadOnlyList<Service> All { get; } =
    [
        new("flask-secret-shared", "{python} {flask}/account.py shared {port}", "account.http",
            new("hhhhh", Stateless, "CHK-OLDSEAL", "the session travels in a signed cookie whose key all replicas share; an older cookie brings the older colour back")),
        new("flask-secret-random", "{python} {flask}/account.py random {port}", "account.http",
            new("ffhff", LostWithProcess, "CHK-CREDENTIAL", "each process makes up its key: the cookie carries everything, and nobody else can read it, nor the same process after a restart")),
        new("flask-baskets-memory", "{python} {flask}/baskets.py {port}", "basket-json.http",
            new("ffff?", LostWithProcess, "CHK-RESTART CHK-DOUBLED CHK-ENTROPY", "baskets are in a dict of one process, under ids of 32 bits; an article added twice is there twice")),
        new("flask-notes", "{python} {flask}/notes.py {port} {shared}/notes.db", "notes-basic.http",
            new("hhfhh", Hybrid, "CHK-DOUBLED", "one database, which also counts up the ids; user and password come with every request and mean the same everywhere; a note sent twice is there twice")),
        new("flask-documents", "{python} {flask}/documents.py {port} {shared}/documents.db", "documents.http",
            new("hhhh?", Hybrid, "", "one database, names that the client chooses, and writes that say what is to be: clean, and nobody logs in")),
        new("flask-counters-atomic", "{python} {flask}/counters.py atomic {port} {shared}/counters.db", "counters.http",
            new("hhfh?", Hybrid, "CHK-DOUBLED", "the database adds, so nothing is lost; what is sent twice is added twice")),
        new("flask-counters-racy", "{python} {flask}/counters.py racy {port} {shared}/counters.db", "counters.http",
            new("hhff?", Hybrid, "CHK-LOST CHK-DOUBLED", "the program reads, adds and writes back: of two at once one is lost, on one replica as on several; and what is sent twice is added twice")),
        new("flask-restored-session", "{python} {flask}/visits.py {port}", "account.http",
            new("hhhhh", Stateless, "", "sessions are in a dict of one process, but a signed cookie carries the same, from which any process restores them: clean in effect")),
        new("flask-sessions-shared", "{python} {flask}/sessions.py {port} {shared}/sessions.db", "account-logout.http",
            new("hhhhh", Hybrid, "", "an opaque id, looked up with every request in a database that all replicas share; a logout removes it there")),
        new("flask-sessions-local", "{python} {flask}/sessions.py {port} {dir}/sessions.db", "account-logout.http",
            new("fhhff", NeedsStickiness, "CHK-CREDENTIAL", "the same in a database of the replica's own: it outlives a restart and means nothing to the other replica")),
        new("flask-wizard", "{python} {flask}/wizard.py {port}", "wizard.http",
            new("hhhh?", Stateless, "", "what was chosen travels from page to page in a signed hidden field; the same page sent twice answers the same, and nobody logs in")),
        new("flask-jobs-clock", "{python} {flask}/jobs.py clock {port} {shared}/jobs.db", "jobs.http",
            new("hhhh?", Hybrid, "", "jobs are in one database, and how far one is follows from the clock: a poll that comes sooner or later shows something else, at any replica")),
        new("flask-jobs-recent", "{python} {flask}/jobs.py recent {port} {shared}/jobs.db", "jobs.http",
            new("hhfh?", Hybrid, "CHK-DOUBLED", "each process remembers what it was asked lately and does not do it again; a copy that goes to another replica is done twice")),
        new("flask-looks-stateful", "{python} {flask}/looks_stateful.py {port} {i}", "draft.http",
            new("hhhh?", Stateless, "", "the draft travels in a signed cookie; a side that follows from the text, times, ids, tips in random order and the replica's own name say nothing of anybody")),
    ];
}
