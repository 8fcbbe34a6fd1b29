namespace Stateside.Tool.Up;

/// <summary>Which program <c>up</c> starts and with what settings, decided before anything is started.</summary>
/// <param name="Sample">The sample's name, <c>Shop</c> or <c>Classic</c>.</param>
/// <param name="Arguments">Configuration on its command line.</param>
/// <param name="Environment">Configuration in its environment: the store, because a command line is seen by everyone on the machine.</param>
/// <param name="Explanation">What is set and why, for the person who starts it.</param>
internal sealed record ShopPlan(
    string Sample, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Explanation)
{
    /// <summary>The architectures that can be named; of some only the name exists yet.</summary>
    public static readonly string[] Architectures = ["hybrid", "classic", "stateless", "stateful"];

    // Of each state of the shop: what it is there for, and why the hybrid preset puts it into the store.
    private static readonly (string Name, string Why)[] s_states =
    [
        ("cart", "any node can serve the session, and a node that ends takes no cart with it"),
        ("order", "needs Current, and a copy in a client's hands can be rewound; the store checks every version"),
        ("counter", "shared and contended: each change is checked against the stored version"),
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
        "hybrid" => Hybrid(store, places, data, directory),
        "classic" => Classic(store, places),
        _ => throw new UsageException($"--as {architecture} is not in this version. Works now: --as hybrid, --as classic"),
    };

    private static ShopPlan Hybrid(string? store, IReadOnlyList<string> places, string data, string directory)
    {
        var url = store is null ? "sqlite:" + Path.Combine(data, "stateside.db") : StoreUrl.Resolve(store, directory);
        if (StoreUrl.Scheme(url) == "sqlite" && !StoreUrl.HasSqliteLibrary) throw new UsageException(StoreUrl.HowToGetSqlite);
        foreach (var setting in places) CheckPlace(setting);
        var arguments = s_states.Select(state => $"--Stateside:States:{state.Name}:Place=Store");
        return new ShopPlan("Shop", [.. arguments], new Dictionary<string, string> { ["Stateside__Store"] = url },
        [
            "hybrid: the node holds nothing, the store holds all state",
            .. s_states.Select(state => $"  {state.Name,-8} Store   {state.Why}"),
            $"  store    {StoreUrl.Shown(url)}",
        ]);
    }

    // Only one place can be named yet, and it is the preset's own: so the setting is checked, and changes nothing.
    private static void CheckPlace(string setting)
    {
        var parts = setting.Split('=');
        if (parts is not [var state, var place]) throw new UsageException($"--place \"{setting}\" is not of the form state=Place. Example: --place cart=Store");
        if (!s_states.Any(s => s.Name == state))
            throw new UsageException($"The shop has no state \"{state}\". Its states: {string.Join(", ", s_states.Select(s => s.Name))}");
        if (!Enum.TryParse<Place>(place, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed) || char.IsAsciiDigit(place[0]))
            throw new UsageException($"\"{place}\" is not a place. Places: {string.Join(", ", Enum.GetNames<Place>())}");
        if (parsed != Place.Store) throw new UsageException($"Place {parsed} is not in this version. Works now: Store");
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
}
