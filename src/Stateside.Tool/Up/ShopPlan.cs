namespace Stateside.Tool.Up;

/// <summary>Which program <c>up</c> starts and with what settings, decided before anything is started.</summary>
/// <param name="Sample">The sample's name, <c>Shop</c> or <c>Classic</c>.</param>
/// <param name="Arguments">Configuration on its command line.</param>
/// <param name="Environment">Configuration in its environment: the store, because a command line is seen by everyone on the machine.</param>
/// <param name="Explanation">What is set and why, for the person who starts it.</param>
internal sealed record ShopPlan(
    string Sample, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Explanation)
{
    /// <summary>The architectures that can be named.</summary>
    public static readonly string[] Architectures = ["stateless", "hybrid", "stateful", "classic"];

    // Where each preset puts each state of the shop, and what that means and costs.
    private static readonly Setting[] s_stateless =
    [
        new("cart", Place.Client, "sealed in the client's cookies: any node serves it and none holds it; costs opening, sealing and its bytes in every request"),
        new("order", Place.Store, "needs Current, and what a client holds can be rewound by its holder, so it stays in the store: one commit an order"),
        new("counter", Place.Store, "shared by all clients, so no client can hold it: one load and one commit a change"),
    ];

    private static readonly Setting[] s_hybrid =
    [
        new("cart", Place.Store, "any node can serve the session, and a node that ends takes no cart with it: one load and one commit a change"),
        new("order", Place.Store, "needs Current, and a copy in a client's hands can be rewound; the store checks every version"),
        new("counter", Place.Store, "shared and contended: each change is checked against the stored version"),
    ];

    private static readonly Setting[] s_stateful =
    [
        new("cart", Place.Node, "in the memory of the node that owns it: a read takes no trip, a change is in the store before its answer"),
        new("order", Place.Node, "in the owner's memory and, before the answer, in the store: a node that dies takes none with it"),
        new("counter", Place.Node, "changed in memory, one turn after the other: those that come while a commit is on its way share the next"),
    ];

    /// <summary>Makes the plan.</summary>
    /// <param name="architecture">One of <see cref="Architectures"/>.</param>
    /// <param name="store">The store's URL, or null for the default.</param>
    /// <param name="places">Settings of the form <c>state=Place</c>, which overrule the preset.</param>
    /// <param name="data">The data directory, absolute.</param>
    /// <param name="directory">Where relative paths start.</param>
    /// <exception cref="UsageException">Something that does not exist, or not yet.</exception>
    public static ShopPlan Create(string architecture, string? store, IReadOnlyList<string> places, string data, string directory) => architecture switch
    {
        "stateless" => Shop("stateless", s_stateless, store, places, data, directory),
        "hybrid" => Shop("hybrid", s_hybrid, store, places, data, directory),
        "stateful" => Shop("stateful", s_stateful, store, places, data, directory),
        _ => Classic(store, places),
    };

    /// <summary>The same for node <paramref name="number"/> of several, which others reach.</summary>
    public ShopPlan AsNode(int number) => this with
    {
        Arguments = [.. Arguments, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"--Stateside:Cluster:Name=node-{number}"), "--Stateside:Cluster:Listen=127.0.0.1:0"],
    };

    /// <summary>The same for what passes requests on to the nodes.</summary>
    public ShopPlan AsGateway() => this with { Arguments = [.. Arguments, "--Stateside:Cluster:Name=gateway", "--Stateside:Cluster:Role=Gateway"] };

    /// <exception cref="UsageException">It cannot run on several nodes.</exception>
    public void EnsureManyNodes(int nodes)
    {
        if (Sample == "Classic") throw new UsageException($"--as classic keeps sessions in one process: on {nodes} nodes it would lose them with every other request. Start it with --nodes 1.");
        if (Environment.TryGetValue("Stateside__Store", out var store) && StoreUrl.Scheme(store) is "memory" or "none")
            throw new UsageException($"--store {StoreUrl.Shown(store!)} is not shared by {nodes} processes. Name another, or leave it away for SQLite.");
    }

    private static ShopPlan Shop(string architecture, Setting[] preset, string? store, IReadOnlyList<string> places, string data, string directory)
    {
        var url = store is null ? "sqlite:" + Path.Combine(data, "stateside.db") : StoreUrl.Resolve(store, directory);
        if (StoreUrl.Scheme(url) == "sqlite" && !StoreUrl.HasSqliteLibrary) throw new UsageException(StoreUrl.HowToGetSqlite);
        Setting[] settings = [.. preset];
        foreach (var given in places.Select(ReadPlace))
        {
            var i = Array.FindIndex(settings, s => s.State == given.State);
            settings[i] = settings[i].Place == given.Place ? settings[i] : given;
        }
        string[] carrier = settings.Any(s => s.Place == Place.Client) ? ["--Stateside:Session:Carrier=Both"] : [];
        return new ShopPlan(
            "Shop", [.. settings.Select(s => $"--Stateside:States:{s.State}:Place={s.Place}"), .. carrier], new Dictionary<string, string> { ["Stateside__Store"] = url },
            [
                $"{architecture}: {Summary(settings)}",
                .. settings.Select(s => $"  {s.State,-8} {s.Place,-7} {s.Why}"),
                $"  store    {StoreUrl.Shown(url)}",
            ]);
    }

    private static string Summary(Setting[] settings)
    {
        if (settings.Any(s => s.Place == Place.Node)) return "nodes own what they hold in memory, and the store has every change before its answer";
        return settings.Any(s => s.Place == Place.Client) ? "the client carries what is its own, the store holds what clients share" : "the node holds nothing, the store holds all state";
    }

    private static Setting ReadPlace(string setting)
    {
        var parts = setting.Split('=');
        if (parts is not [var state, var place]) throw new UsageException($"--place \"{setting}\" is not of the form state=Place. Example: --place cart=Client");
        if (!s_hybrid.Any(s => s.State == state))
            throw new UsageException($"The shop has no state \"{state}\". Its states: {string.Join(", ", s_hybrid.Select(s => s.State))}");
        if (!Enum.TryParse<Place>(place, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed) || char.IsAsciiDigit(place[0]))
            throw new UsageException($"\"{place}\" is not a place. Places: {string.Join(", ", Enum.GetNames<Place>())}");
        return new Setting(state, parsed, "as --place says");
    }

    private static ShopPlan Classic(string? store, IReadOnlyList<string> places)
    {
        if (store is not null || places.Count > 0) throw new UsageException("--as classic has neither a store nor places: leave --store and --place away.");
        return new ShopPlan("Classic", [], new Dictionary<string, string>(),
        [
            "classic: AddSession in the memory of one process, as most tutorials write it, for comparison",
            "  it loses sessions, carts and orders whenever that process ends, and does a request that is sent twice twice",
        ]);
    }

    /// <summary>Where a state of the shop is put, and why.</summary>
    private sealed record Setting(string State, Place Place, string Why);
}
