using static Stateside.Check.Reports.Architecture;

namespace Stateside.Check.Zoo.Tests;

/// <summary>Services in ASP.NET Core, and the shop of this repository in each of its presets.</summary>
internal static class DotNetServices
{
    public static IReadOnlyList<Service> All { get; } =
    [
        AspNet("session-memory", "account.http",
            new("ffhff", LostWithProcess, "CHK-RESTART CHK-CREDENTIAL", "AddSession over AddDistributedMemoryCache, which is not distributed; the keys are shared, so that it is only the memory that tells")),
        AspNet("session-shared", "account.http",
            new("hhhhh", Hybrid, "", "the same AddSession over a cache and keys that all replicas share")),
        AspNet("cookie-ephemeral", "account.http",
            new("ffhff", LostWithProcess, "CHK-KEYRING", "the login is sealed in the cookie, with Data Protection keys that live and die with one process")),
        AspNet("cookie-dir", "account.http",
            new("fhhff", NeedsStickiness, "CHK-KEYRING", "the keys are on the replica's own disk: the login outlives a restart and opens nowhere else")),
        AspNet("cookie-shared", "account.http",
            new("hhhhh", Stateless, "CHK-OLDSEAL", "the keys are shared: login and colour travel sealed in the cookie; an older one brings the older colour back")),
        AspNet("antiforgery", "form-token.http",
            new("ffhf?", LostWithProcess, "CHK-CSRF", "documents are shared; the form's token is sealed with keys of one process, and nobody logs in")),
        AspNet("orders", "checkout.http",
            new("ffff?", LostWithProcess, "CHK-KEY|CHK-DOUBLED", "orders are shared, the keys under which they were placed are not: asking again elsewhere, or after a restart, orders twice")),
        AspNet("cache", "articles.http",
            new("hhhf?", NeedsStickiness, "CHK-STALE", "articles are shared and each process keeps what it read for ten minutes: a cold one is right, a warm one shows what was")),
        AspNet("tickets", "tickets.http",
            new("ffff?", LostWithProcess, "CHK-IDS", "tickets are shared, the next number is each process's own: two replicas, and one before and after its restart, give the same number to two tickets")),
        AspNet("projects", "projects.http",
            new("hhff?", NeedsStickiness, "CHK-IDS", "the next number is found in the shared folder once and then counted in the process: a cold or restarted one continues rightly, a warm one gives a number that is taken")),
        AspNet("limiter", "limiter.http",
            new("ff?f?", LostWithProcess, "CHK-LIMIT", "each process counts for itself: over two replicas, at a cold one and after a restart the fourth quote is given; only reads, so nothing to retry")),
        AspNet("hub", "hub.http",
            new("ffhf?", LostWithProcess, "CHK-RESTART", "a connection is known to the process that negotiated it, so the WebSocket's handshake must reach that one, and what is said over it changes what the others do not know: 404 elsewhere")) with { IsSlow = true },
        AspNet("uploads", "uploads-form.http",
            new("fhhf?", NeedsStickiness, "CHK-MOVE|CHK-FRESH CHK-SPREAD", "an upload goes to the replica's own disk, under the name the client gave: twice is once, elsewhere it is not found")),
        Shop("stateless", "Client", "Store", "--Stateside:Session:Carrier=Both", "sqlite:{shared}/shop.db",
            new("hhhh?", Stateless, "", "the cart travels sealed with the client, orders are in the shared store, every change has a key; the session is anonymous, so nothing is said about authentication")),
        Shop("hybrid", "Store", "Store", "", "sqlite:{shared}/shop.db",
            new("hhhh?", Hybrid, "", "carts and orders are in the shared store, every change is checked against its version and kept under its key")),
        // A cluster's nodes find each other in its store: so each set of replicas has one, beside the directories of its two.
        Shop("stateful", "Node", "Node", "--Stateside:Cluster:Name=node-{i} --Stateside:Cluster:Listen=127.0.0.1:0", "sqlite:{dir}/../shop.db",
            new("hhhh?", Hybrid, "", "a cart has an owner among the nodes, to which any node passes requests on, and whose changes are in the store before they are answered: stateful inside, and no client can tell")),
        new("shop-classic", "dotnet {classic} --urls http://127.0.0.1:{port}", "shop-classic.http",
            new("ffff?", LostWithProcess, "CHK-RESTART CHK-KEY|CHK-DOUBLED", "the shop as most tutorials write it: carts and orders in memory, and a key that nobody looks at")),
    ];

    private static Service AspNet(string kind, string scenario, Truth truth) =>
        new($"aspnet-{kind}", $"dotnet {{aspnet}} --kind {kind} --urls http://127.0.0.1:{{port}} --shared {{shared}}{(kind is "cookie-dir" or "uploads" ? " --dir {dir}" : "")}", scenario, truth);

    private static Service Shop(string preset, string cart, string others, string more, string store, Truth truth) =>
        new($"shop-{preset}", ("dotnet {shop} --urls http://127.0.0.1:{port}" +
            $" --Stateside:States:cart:Place={cart} --Stateside:States:order:Place={others} --Stateside:States:counter:Place={others} {more}").TrimEnd(), "shop.http", truth)
        {
            Environment = new Dictionary<string, string> { ["Stateside__Store"] = store },
            Ready = "/readyz",
        };
}
