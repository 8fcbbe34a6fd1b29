using System.Buffers;
using Stateside.Cluster;
using Stateside.Places;
using Stateside.Stores;

namespace Stateside.Configuration;

/// <summary>
/// The table of all entries of the section <c>Stateside</c>. The reader reads by it, docs/configuration.md and
/// docs/stateside.schema.json are written from it, and tests hold the three together.
/// </summary>
internal static class ConfigurationEntries
{
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    public static readonly TextEntry Store = new("Store", "sqlite:stateside.db", "The URL of the store: where commits become durable.")
    {
        RuleText = "the URL of a store",
        IsValid = _ => true,
        Ignored = "an IStore is registered in the service container",
    };

    public static readonly FlagEntry AssumeDurable = new("AssumeDurable", false,
        "Takes a store that cannot tell what its commits survive (a server that hides its settings) to be durable.")
    {
        Ignored = "the store can tell",
    };

    public static readonly PlaceEntry StatePlace = new("States:*:Place", Place.Store,
        "Where the state lives: Client (stateless), Store (hybrid) or Node (stateful).");

    public static readonly FormerPlaceEntry StateMigrateFrom = new("States:*:MigrateFrom",
        "Client: the store takes over, at first sight, what a client still carries from the time when the state lived with it.")
    {
        Ignored = "no client carries the state any more",
    };

    public static readonly FlagEntry StateGuard = new("States:*:Guard", false,
        "Keeps the newest version of a state that lives with the client in the store, so that an older one is refused (SS1021, SS1022). A turn then costs the store's trips.")
    {
        Ignored = "Place is not Client",
    };

    public static readonly FlagEntry StateCompress = new("States:*:Compress", false,
        "Compresses a state before it is sealed. Off by default: where secrets and what an attacker can write share one state, its length tells of the secrets.")
    {
        Ignored = "Place is not Client",
    };

    public static readonly NumberEntry StatePadTo = new("States:*:PadTo", 0, 0, 4096, "bytes",
        "Fills what is sealed up to a multiple of so many bytes, so that its length tells less; 0: not at all.")
    {
        Ignored = "Place is not Client",
    };

    public static readonly ChoiceEntry<NodeDurability> StateDurability = new("States:*:Durability", "durability", NodeDurability.Commit,
        "In place Node, what an acknowledged change survives. Commit: what the store survives, since the reply waits for it. Checkpoint: the node's loss, but for the last Node:CheckpointEvery. None: nothing.")
    {
        Ignored = "Place is not Node",
    };

    public static readonly DurationEntry NodeCheckpointEvery = new("Node:CheckpointEvery", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1),
        "How often what states with Durability Checkpoint have changed is written to the store: so much is lost with a node at most.")
    {
        Ignored = "no state has Durability Checkpoint",
    };

    public static readonly NumberEntry NodeMaxMegabytes = new("Node:MaxMegabytes", 1_024, 0, 1_048_576, "megabytes",
        "Most that a node holds of states in memory, about; of more, the longest unused go first, and are loaded again when they are asked for. 0: no limit.")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly DurationEntry NodeIdleAfter = new("Node:IdleAfter", TimeSpan.FromMinutes(10), Second, TimeSpan.FromDays(1),
        "How long a state stays in a node's memory that nobody uses. One with Durability None is gone then.")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly DurationEntry NodeWaitFor = new("Node:WaitFor", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1),
        "How long a request waits for a shard that is on its way from one node to another, before it is refused (SS4001).")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly TextEntry ClusterName = new("Cluster:Name", "node", "The node's name, its own in the cluster, and the same after each start: its shards come back to it.")
    {
        RuleText = "1 to 64 letters, digits, dots, hyphens and underscores",
        IsValid = IsName,
        Ignored = "no state has Place Node",
    };

    public static readonly TextEntry ClusterListen = new("Cluster:Listen", "", "The address and port where other nodes reach this one, for nobody else. Empty: the node has none, and must stay alone on its store.")
    {
        RuleText = "an IP address and a port, as 127.0.0.1:9001 or [::1]:9001",
        IsValid = text => text.Length == 0 || IsEndPoint(text),
        Ignored = "no state has Place Node",
    };

    public static readonly TextEntry ClusterAdvertise = new("Cluster:Advertise", "", "The host and port by which the others reach Cluster:Listen, if they are other ones. Empty: the same.")
    {
        RuleText = "a host and a port, as node-1.internal:9001",
        IsValid = text => text.Length == 0 || IsHostAndPort(text),
        Ignored = "Cluster:Listen is empty",
    };

    public static readonly ChoiceEntry<ClusterRole> Role = new("Cluster:Role", "role", ClusterRole.Member,
        "Member: the node owns its part of the shards. Gateway: it owns none, and passes each request on to the owner.")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly SecretsEntry ClusterSecret = new("Cluster:Secret",
        "What nodes prove to each other beside the secret that the store keeps for them. It is a secret: give it in the environment, as Stateside__Cluster__Secret.")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly DurationEntry ClusterLease = new("Cluster:Lease", TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5),
        "How long a node may rely on its last sign of life, which it gives each fifth of it; after 1.2 times as much the others take its shards over. The same on all nodes.")
    {
        Ignored = "no state has Place Node",
    };

    public static readonly DurationEntry StateExpires = new("States:*:Expires", null, Second, Year * 10,
        "Ends the state when nobody has read or changed it for so long. Without it the state stays, and one of a session ends with Session:AbsoluteTimeout.");

    public static readonly NumberEntry StateMaxBytes = new("States:*:MaxBytes", 1_048_576, 1, MemoryStore.MaxBodyBytes, "bytes",
        "Most bytes of the state's JSON, and of one event; a turn that would write more is refused (SS1017).");

    public static readonly DurationEntry StateMaxAge = new("States:*:MaxAge", null, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1),
        "Lets a Snapshot<T> show what this process read or wrote at most so long ago, instead of a load.")
    {
        Ignored = "Cache:MaxBytes is 0, or Place is Client",
    };

    public static readonly FlagEntry StateCache = new("States:*:Cache", false,
        "Lets a turn run on the State<T> that this process saw last; the commit checks that nobody has changed it, and otherwise the turn runs again.")
    {
        Ignored = "Cache:MaxBytes is 0, or Place is Client",
    };

    public static readonly NumberEntry CacheMaxBytes = new("Cache:MaxBytes", 67_108_864, 0, int.MaxValue, "bytes",
        "Most bytes of the near cache; 0 turns it off.")
    {
        Ignored = "no state has MaxAge or Cache",
    };

    public static readonly TextEntry SessionCookie = new("Session:Cookie", "id",
        "The name of the session cookie. Over HTTPS __Host- is put before it, so that no other host can set it.")
    {
        RuleText = "a cookie name: 1 to 64 letters, digits or !#$%&'*+-.^_`|~, and not beginning with __Host-, __Secure- or __Http-",
        IsValid = IsCookieName,
    };

    public static readonly DurationEntry SessionIdleTimeout = new("Session:IdleTimeout", TimeSpan.FromHours(12), Second, Year,
        "Ends a session that is not used for so long. At most Session:AbsoluteTimeout.");

    public static readonly DurationEntry SessionAbsoluteTimeout = new("Session:AbsoluteTimeout", TimeSpan.FromDays(7), Second, Year,
        "Ends a session so long after it began, however busy it is.");

    public static readonly FlagEntry SessionAllowCrossSite = new("Session:AllowCrossSite", false,
        "Lets a browser's request from another site act with the session; else such a request is refused (SS1018).");

    public static readonly ChoiceEntry<Carrier> SessionCarrier = new("Session:Carrier", "carrier", Carrier.Cookie,
        "How clients carry the session and the states that live with them: in cookies, in headers Stateside-NAME that a client keeps by itself, or Both: in headers if the request brings the session's (empty at first), else in cookies.");

    public static readonly FlagEntry IdempotencyStrict = new("Idempotency:Strict", false,
        "Refuses an Idempotency-Key without quotes, as the IETF draft demands; else both forms are taken and mean the same.");

    public static readonly DurationEntry IdempotencyRetention = new("Idempotency:Retention", TimeSpan.FromDays(1), Second, Year,
        "How long a receipt is kept: for so long a retry with its key is answered and not done again.");

    public static readonly DurationEntry IdempotencyClaimLease = new("Idempotency:ClaimLease", TimeSpan.FromSeconds(30), Second, TimeSpan.FromHours(1),
        "How long the claim of a handler that calls outside is taken to be running without a sign of life; it is renewed at a third of that.")
    {
        Ignored = "no endpoint is marked CallsOutside",
    };

    public static readonly NumberEntry IdempotencyMaxStoredBytes = new("Idempotency:MaxStoredBytes", 262_144, 1, MemoryStore.MaxBodyBytes / 2, "bytes",
        "Most bytes of a response that is kept for retries. After a larger one a retry is told that the request was done (SS1014).");

    public static readonly NumberEntry LimitsMaxTurns = new("Limits:MaxTurns", 1_024, 1, 1_000_000, "turns",
        "Most turns on their way in this process, those that wait included; more are refused (SS1010).");

    public static readonly NumberEntry LimitsMaxQueue = new("Limits:MaxQueue", 256, 1, 1_000_000, "turns",
        "Most turns that wait for one group; more are refused (SS1010).");

    public static readonly NumberEntry LimitsMaxRuns = new("Limits:MaxRuns", 10, 1, 1_000, "runs",
        "Most runs of a handler in one turn, if turns of other processes are faster each time; then the turn is refused (SS1007).");

    public static readonly NumberEntry LimitsRequestBytes = new("Limits:RequestBytes", 1_048_576, 1, 1_073_741_824, "bytes",
        "Most bytes of a request body that an endpoint with a State<T> takes, since it is held for a second run (SS1012).");

    public static readonly NumberEntry LimitsResponseBytes = new("Limits:ResponseBytes", 8_388_608, 1, 1_073_741_824, "bytes",
        "Most bytes of a response of an endpoint with a State<T>, since it is held back until the commit (SS1015).");

    public static readonly NumberEntry LimitsClientBytes = new("Limits:ClientBytes", 8_192, 256, 30_720, "bytes",
        "Most bytes that a client sends with each request to carry its states, its other cookies included; a turn that would need more is refused (SS1019). Proxies in front often stop at 8 KB.")
    {
        Ignored = "no state lives with the client",
    };

    public static readonly TextEntry Application = new("Application", "stateside",
        "What clients carry is sealed for this name: what another application sealed does not open, also under the same keys.")
    {
        RuleText = "1 to 64 letters, digits, dots, hyphens and underscores",
        IsValid = IsName,
        Ignored = "no state lives with the client",
    };

    public static readonly SecretsEntry KeysGiven = new("Keys:Given",
        "The keys that seal what clients carry, the same for every node; the first seals, all open. Without it the store keeps them. They are secrets: give them in the environment, as Stateside__Keys__Given.")
    {
        Ignored = "no state lives with the client",
    };

    public static readonly DurationEntry KeysRotateEvery = new("Keys:RotateEvery", TimeSpan.FromDays(90), TimeSpan.FromHours(1), Year * 10,
        "How old the newest key becomes before another follows it.")
    {
        Ignored = "Keys:Given is set",
    };

    public static readonly DurationEntry KeysRefresh = new("Keys:Refresh", TimeSpan.FromSeconds(30), Second, TimeSpan.FromHours(1),
        "How often each node looks whether the keys have changed: within so long a revoked key is refused everywhere. A new key seals after twice that.")
    {
        Ignored = "Keys:Given is set",
    };

    /// <summary>Every entry, in the order of the documentation.</summary>
    public static IReadOnlyList<ConfigurationEntry> All { get; } =
    [
        Store, AssumeDurable, Application, StatePlace, StateMigrateFrom, StateExpires, StateMaxBytes, StateMaxAge, StateCache, StateGuard, StateCompress, StatePadTo, StateDurability, CacheMaxBytes,
        SessionCookie, SessionCarrier, SessionIdleTimeout, SessionAbsoluteTimeout, SessionAllowCrossSite,
        IdempotencyStrict, IdempotencyRetention, IdempotencyClaimLease, IdempotencyMaxStoredBytes,
        LimitsMaxTurns, LimitsMaxQueue, LimitsMaxRuns, LimitsRequestBytes, LimitsResponseBytes, LimitsClientBytes,
        KeysGiven, KeysRotateEvery, KeysRefresh,
        NodeCheckpointEvery, NodeMaxMegabytes, NodeIdleAfter, NodeWaitFor,
        ClusterName, ClusterListen, ClusterAdvertise, Role, ClusterSecret, ClusterLease,
    ];

    /// <summary>The names that may stand below a path of the table; none below an entry.</summary>
    /// <param name="path">Empty for the section itself.</param>
    public static IReadOnlyList<string> NamesBelow(string path)
    {
        var prefix = path.Length == 0 ? "" : path + ":";
        return [.. All.Where(e => e.Path.StartsWith(prefix, StringComparison.Ordinal)).Select(e => e.Path[prefix.Length..].Split(':')[0]).Distinct()];
    }

    private static bool IsName(string text) => text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    private static bool IsEndPoint(string text) => System.Net.IPEndPoint.TryParse(text, out var at) && text.AsSpan().Trim("0123456789").EndsWith(":") && at.Port >= 0;

    private static bool IsHostAndPort(string text) =>
        text.LastIndexOf(':') is > 0 and var colon && int.TryParse(text.AsSpan(colon + 1), out var port) && port is > 0 and <= 65535
        && Uri.CheckHostName(text[..colon].Trim('[', ']')) != UriHostNameType.Unknown;

    private static bool IsCookieName(string name)
    {
        if (name.Length is 0 or > 64 || name.AsSpan().ContainsAnyExcept(TokenCharacters)) return false;
        // Browsers compare these prefixes without regard to case, and drop such a cookie where it is not set as the prefix promises.
        foreach (var prefix in (ReadOnlySpan<string>)["__Host-", "__Secure-", "__Http-"])
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return false;
        return true;
    }
}
