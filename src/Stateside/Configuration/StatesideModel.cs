using Stateside.Cluster;
using Stateside.Places;
using Stateside.Sealing;

namespace Stateside.Configuration;

/// <summary>The configuration once it is validated: complete, immutable, without a nullable knob. Made once, at start-up.</summary>
/// <param name="StoreUrl">The store's URL.</param>
/// <param name="AssumeDurable">Whether a store that cannot tell its durability is taken to be durable.</param>
/// <param name="Session">The browser session.</param>
/// <param name="Idempotency">Receipts.</param>
/// <param name="Limits">What bounds queues and bodies.</param>
/// <param name="Places">The place of each declared state.</param>
internal sealed record StatesideModel(
    string StoreUrl, bool AssumeDurable, SessionModel Session, IdempotencyModel Idempotency, LimitsModel Limits, IReadOnlyDictionary<string, Place> Places)
{
    /// <summary>What configuration says of each declared state beside its place.</summary>
    public IReadOnlyDictionary<string, StateModel> States { get; init; } = new Dictionary<string, StateModel>();

    /// <summary>Most bytes of the near cache; 0: there is none.</summary>
    public int CacheMaxBytes { get; init; }

    /// <summary>States in the memory of nodes.</summary>
    public NodeModel Node { get; init; } = NodeModel.Default;

    /// <summary>This node among the others.</summary>
    public ClusterModel Cluster { get; init; } = new("node", "", 0, IsGateway: false, TimeSpan.FromMilliseconds(500), new byte[ClusterView.SecretBytes]);

    /// <summary>The keys that seal what clients carry.</summary>
    public KeysModel Keys { get; init; } = new("stateside", [], TimeSpan.FromDays(90), TimeSpan.FromSeconds(30), TimeSpan.FromDays(7));
}

/// <param name="Expires">Its sliding time to live; null: it stays.</param>
/// <param name="MaxBytes">Most bytes of its JSON.</param>
internal sealed record StateModel(TimeSpan? Expires, int MaxBytes)
{
    /// <summary>How old what a snapshot shows may be; null: it is loaded.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>Whether turns may run on the row that this process saw last.</summary>
    public bool IsCached { get; init; }

    /// <summary>Where it lived before, if clients may still carry it.</summary>
    public Place? MigrateFrom { get; init; }

    /// <summary>Whether the store guards a state of the client.</summary>
    public bool IsGuarded { get; init; }

    /// <summary>In place Node: what an acknowledged change survives.</summary>
    public NodeDurability Durability { get; init; }

    /// <summary>Whether a state of the client is compressed.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>The multiple of bytes that a sealed state is filled up to; 0: none.</summary>
    public int PadTo { get; init; }
}

/// <param name="CookieName">Without the <c>__Host-</c> that is put before it over HTTPS.</param>
/// <param name="IdleTimeout">Ends a session that is not used for so long.</param>
/// <param name="AbsoluteTimeout">Ends a session however busy it is.</param>
/// <param name="AllowCrossSite">Whether a browser's request from another site may act with the session.</param>
internal sealed record SessionModel(string CookieName, TimeSpan IdleTimeout, TimeSpan AbsoluteTimeout, bool AllowCrossSite)
{
    /// <summary>How clients carry the session, and states that live with them.</summary>
    public Carrier Carrier { get; init; }
}

/// <summary>How clients carry what is theirs.</summary>
internal enum Carrier
{
    /// <summary>In cookies.</summary>
    Cookie,

    /// <summary>In headers.</summary>
    Header,

    /// <summary>In headers if the request brings the session's, else in cookies.</summary>
    Both,
}

/// <param name="Strict">Whether a bare key (without quotes) is refused.</param>
/// <param name="Retention">How long a receipt is kept.</param>
/// <param name="ClaimLease">The lease of a handler that calls outside; renewed at a third of it.</param>
/// <param name="MaxStoredBytes">Most bytes of a response that is kept for retries.</param>
internal sealed record IdempotencyModel(bool Strict, TimeSpan Retention, TimeSpan ClaimLease, int MaxStoredBytes);

/// <param name="MaxTurns">Most turns on their way in this process.</param>
/// <param name="MaxQueue">Most turns that wait for one group.</param>
/// <param name="MaxRuns">Most runs of a handler in one turn.</param>
/// <param name="RequestBytes">Most bytes of a request body that can be read again for a second run.</param>
/// <param name="ResponseBytes">Most bytes of a response that is held back until the commit.</param>
internal sealed record LimitsModel(int MaxTurns, int MaxQueue, int MaxRuns, int RequestBytes, int ResponseBytes)
{
    /// <summary>Most bytes that a client sends with each request to carry what is its own.</summary>
    public int ClientBytes { get; init; } = 8192;
}
