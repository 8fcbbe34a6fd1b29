using System.Globalization;
using Stateside.Configuration;
using Stateside.Places;
using Stateside.Stores;

namespace Stateside;

/// <summary>
/// The words of every configuration fault: the entry, the value given, the known names with the nearest one, and the fix.
/// Nothing of a store's URL but its scheme is ever repeated, since the rest may hold a password.
/// </summary>
internal static class Faults
{
    private const int MaxEcho = 64;

    /// <param name="path">The whole path of the entry.</param>
    /// <param name="name">Its last part.</param>
    /// <param name="known">The names that may stand in its place.</param>
    /// <param name="elsewhere">The whole path of an entry of this name in another section; null if there is none.</param>
    public static ConfigurationFault UnknownEntry(string path, string name, IReadOnlyList<string> known, string? elsewhere) => new(Errors.UnknownEntryKind.Code,
        $"{Clean(path)} is not an entry.{DidYouMean(elsewhere ?? Nearest(name, known))} Known here: {List(known)}. Correct the name, or remove the entry.");

    public static ConfigurationFault SectionExpected(string path, IReadOnlyList<string> known) => new(Errors.UnknownEntryKind.Code,
        $"{Clean(path)} is a section and has a value. Put {(known is [ConfigurationEntry.AnyName] ? "the names of states" : "entries")} inside it instead{(known is [ConfigurationEntry.AnyName] ? "" : ": " + List(known))}.");

    public static ConfigurationFault ValueExpected(string path, string entry) => new(Errors.UnknownEntryKind.Code,
        $"{Clean(path)} is not an entry: {Clean(entry)} is a single value. Write the value itself.");

    public static ConfigurationFault UnknownState(string path, string name, IEnumerable<string> declared) => new(Errors.UnknownStateKind.Code,
        $"{Clean(path)} names no declared state.{DidYouMean(Quoted(Nearest(name, declared)))} Declared: {(declared.Any() ? List(declared.Select(d => $"\"{d}\"")) : "none")}. Correct the name, remove the entry, or declare the state with AddState.");

    public static ConfigurationFault UnknownPlace(string path, string given) => new(Errors.UnknownPlaceKind.Code,
        $"{path} is {Echo(given)}, which is no place.{DidYouMean(Quoted(ArchitectureToPlace(given) ?? Nearest(given, PlaceEntry.Names)))} Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for {ConfigurationEntries.StatePlace.DefaultText}.");

    public static ConfigurationFault NodeNotDurable(string state, string path, NodeDurability durability) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Durable, but with Durability {durability} a node loses {(durability == NodeDurability.None ? "all of it" : "its last changes")} when it dies ({path}). Write Commit, or {Drop(Needs.Durable)}");

    public static ConfigurationFault NodeFolded(string state, string path, NodeDurability durability) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" is folded from a journal, and with Durability {durability} events would be missing in it ({path}). Write Commit.");

    public static ConfigurationFault MigratesNowhere(string path, Place place) => new(Errors.BadValueKind.Code,
        $"{path} is {place}, where the state lives anyway. Write where it lived before, or remove the entry.");

    public static ConfigurationFault MigratesToClient(string path, Place former) => new(Errors.UnfitKind.Code,
        $"{path} is {former} and the state's Place is Client. A state does not move from the store to the client: the clients that own the rows are not there when the move happens, other devices may share a row, and what had been handed out could be rewound. Let it stay in the store, or begin a new state under another name in Place Client.");

    public static ConfigurationFault MigratesByItself(string path) => new(Errors.BadValueKind.Code,
        $"{path} is not needed: places Store and Node share their rows. Remove the entry.");

    public static ConfigurationFault ClientNotDurable(string state, string path) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Durable, but Place Client leaves it in the client's hands, which may drop it ({path}). Write Store, or {Drop(Needs.Durable)}");

    public static ConfigurationFault ClientNotCurrent(string state, string path, string guard) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Current, but Place Client can be rewound by its holder ({path}). Write Store, set {guard} to true, or {Drop(Needs.Current)}");

    public static ConfigurationFault ClientNotShared(string state, string path) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Shared, but in Place Client only the requests of that client bring it ({path}). Write Store, or {Drop(Needs.Shared)}");

    public static ConfigurationFault ClientNotWatchable(string state, string path) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Watchable, but in Place Client nobody but the client sees it change ({path}). Write Store and a store that tells of changes, or {Drop(Needs.Watchable)}");

    public static ConfigurationFault ClientFolded(string state, string path) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" is folded from a journal, and a client carries no journal ({path}). Write Store, or declare it with AddState.");

    public static ConfigurationFault ClientNamedAsSession(string state, string path) => new(Errors.BadValueKind.Code,
        $"{path} is \"{state}\", which is also the name of a state that lives with the client, and both are carried under their names. Give the session another cookie.");

    public static ConfigurationFault NeedsStore(string state, string path) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs a store, and there is none (none:). Write Client without Guard ({path}), or name a store ({ConfigurationEntries.Store.Path}).");

    public static ConfigurationFault NeedsGivenKeys(string path) => new(Errors.BadValueKind.Code,
        $"There is no store (none:) that could keep the keys which seal the states of clients. Give them with {path}: 32 random bytes in base64, the same for every node.");

    public static ConfigurationFault NoScheme(string path, IEnumerable<string> examples) => new(Errors.UnknownStoreKind.Code,
        $"{path} is not the URL of a store: it begins with no scheme. Known: {List(examples.Distinct())}. Write a URL of one of these forms.");

    public static ConfigurationFault UnknownStore(string path, string scheme, IReadOnlyList<IStoreProvider> known) => new(Errors.UnknownStoreKind.Code,
        $"{path} begins with \"{scheme}:\", for which there is no store.{DidYouMean(Quoted(Nearest(scheme, known.Select(p => p.Scheme)), ":"))} Known: {List(known.Select(p => p.Example).Distinct())}. {HowToAdd(scheme) ?? "Correct the URL, or register the store with AddStore."}");

    private static string? HowToAdd(string scheme) => scheme.ToLowerInvariant() switch
    {
        "redis" or "rediss" => "Add the package Stateside.Redis and, after AddStateside(), .AddStore<RedisStoreProvider>().",
        "postgres" or "postgresql" => "Add the package Stateside.Postgres and, after AddStateside(), .AddStore<PostgresStoreProvider>(); the scheme is postgres.",
        _ => null,
    };

    /// <param name="path">The whole path of the entry.</param>
    /// <param name="provider">The store's provider.</param>
    /// <param name="reason">A sentence of the provider's, without password.</param>
    public static ConfigurationFault BadStoreUrl(string path, IStoreProvider provider, string reason) => new(Errors.UnknownStoreKind.Code,
        $"{path} is not a URL of store \"{provider.Scheme}\": {reason} Write one such as {provider.Example}.");

    public static ConfigurationFault BadValue(string path, string given, string rule, string? defaultText) => new(Errors.BadValueKind.Code,
        $"{path} is {Echo(given)}; it must be {rule}. Correct it, or remove the entry for {(defaultText is null ? "none" : $"the default, {defaultText}")}.");

    public static ConfigurationFault BadSecret(string path, string rule) => new(Errors.BadValueKind.Code,
        $"{path} is not what it must be: {rule}. Correct it, or remove the entry: then the store keeps the keys.");

    public static ConfigurationFault IdleTooLong(string idlePath, TimeSpan idle, string absolutePath, TimeSpan absolute) => new(Errors.BadValueKind.Code,
        $"{idlePath} is {idle:c}, longer than {absolutePath}, {absolute:c}, so it would never take effect. Shorten the one or lengthen the other.");

    public static ConfigurationFault AboveStore(string path, int given, StoreCapabilities store, string source) => new(Errors.BadValueKind.Code, string.Create(
        CultureInfo.InvariantCulture, $"{path} is {given}, but store \"{store.Name}\" takes at most {store.MaxBodyBytes} bytes at once ({source}). Write {store.MaxBodyBytes} or less."));

    public static ConfigurationFault DuplicateName(string name, IEnumerable<string> types) => new(Errors.DuplicateStateKind.Code,
        $"More than one state is named \"{Clean(name)}\": {List(types)}. Give each a name of its own where it is declared.");

    public static ConfigurationFault DuplicateType(string type, IEnumerable<string> names) => new(Errors.DuplicateStateKind.Code,
        $"Type {type} is declared as more than one state: {List(names.Select(n => $"\"{Clean(n)}\""))}. A handler asks for a state by its type, so give each a record type of its own.");

    public static ConfigurationFault BadName(string name) => new(Errors.BadNameKind.Code,
        $"{Echo(name)} cannot be the name of a state. {KeyText.NameRule} Correct it where the state is declared.");

    public static ConfigurationFault NotDurable(string state, StoreCapabilities store, string source, string assume) => new(Errors.UnfitKind.Code, store.Durability switch
    {
        Durability.Unknown =>
            $"State \"{state}\" needs Durable, but store \"{store.Name}\" cannot tell what its commits survive, which counts as not durable ({source}; found: {Found(store)}). Let the store show its settings, set {assume} to true if you know them to be durable, or {Drop(Needs.Durable)}",
        Durability.Process =>
            $"State \"{state}\" needs Durable, but store \"{store.Name}\" can lose its last commits with the power ({source}; found: {Found(store)}). Let the store write to disk before it answers, or {Drop(Needs.Durable)}",
        _ => $"State \"{state}\" needs Durable, but store \"{store.Name}\" loses everything with the process ({source}). Use sqlite:PATH, or {Drop(Needs.Durable)}",
    });

    public static ConfigurationFault NotShared(string state, StoreCapabilities store, string source) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Shared, but store \"{store.Name}\" is seen by this process only ({source}). Use sqlite:PATH for the processes of one machine, or {Drop(Needs.Shared)}");

    public static ConfigurationFault NotWatchable(string state, StoreCapabilities store, string source) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Watchable, but store \"{store.Name}\" does not tell of changes ({source}). Use a store that does, or {Drop(Needs.Watchable)}");

    public static ConfigurationFault NotCurrent(string state, string maxAge) => new(Errors.UnfitKind.Code,
        $"State \"{state}\" needs Current, but {maxAge} lets a Snapshot show what is no longer so. Remove that entry (Cache saves the load of a State<T> and stays current), or {Drop(Needs.Current)}");

    private static string Drop(Needs need) => $"drop Needs.{need} where the state is declared.";

    private static string Found(StoreCapabilities store) => store.Facts.Count == 0 ? "nothing" : List(store.Facts.Select(f => $"{f.Setting} = {f.Value}"));

    private static string List(IEnumerable<string> names) => string.Join(", ", names);

    private static string? Quoted(string? name, string end = "") => name is null ? null : $"\"{name}{end}\"";

    private static string DidYouMean(string? name) => name is null ? "" : $" Did you mean {name}?";

    /// <summary>Those who come from the architecture's name are shown the place.</summary>
    private static string? ArchitectureToPlace(string given) => given.ToUpperInvariant() switch
    {
        "STATELESS" => nameof(Place.Client),
        "HYBRID" => nameof(Place.Store),
        "STATEFUL" => nameof(Place.Node),
        _ => null,
    };

    private static string Echo(string given) => $"\"{Clean(given.Length > MaxEcho ? given[..MaxEcho] + "…" : given)}\"";

    /// <summary>What comes from outside may not break the lines of a log.</summary>
    private static string Clean(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;

    /// <summary>The known name that is a slip of the finger away, or null.</summary>
    private static string? Nearest(string given, IEnumerable<string> known)
    {
        if (given.Length > MaxEcho) return null;
        var best = known.Select(name => (Name: name, Distance: Distance(given.ToUpperInvariant(), name.ToUpperInvariant()))).OrderBy(n => n.Distance).FirstOrDefault();
        return best.Name is not null && best.Distance <= Math.Max(1, best.Name.Length / 3) ? best.Name : null;
    }

    /// <summary>How many characters must be put in, taken out or changed (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
