using System.Globalization;
using Stateside.Places;
using Stateside.Stores;

namespace Stateside;

/// <summary>One kind of error: the code, its name in the problem's <c>type</c>, its title and its HTTP status.</summary>
internal sealed record ErrorKind(string Code, string Name, string Title, int Status)
{
    /// <summary>The problem's <c>type</c>: stable, and never one of the application's own.</summary>
    public string Type => "urn:stateside:problem:" + Name;
}

/// <summary>
/// The one catalogue. Every refusal, failure and fault is made here, so that its words are found, tested and explained
/// (one page each in docs/errors) in one place. SS1nnn: a request. SS2nnn: configuration and endpoints. SS3nnn: stores and rows. SS4nnn: the cluster.
/// </summary>
internal static class Errors
{
    public static readonly ErrorKind SessionRequiredKind = new("SS1001", "session-required", "A session is required", 400);
    public static readonly ErrorKind KeyMissingKind = new("SS1002", "idempotency-key-missing", "Idempotency-Key is missing", 400);
    public static readonly ErrorKind KeyInvalidKind = new("SS1003", "idempotency-key-invalid", "Idempotency-Key is invalid", 400);
    public static readonly ErrorKind KeyReusedKind = new("SS1004", "idempotency-key-reused", "Idempotency-Key is already used", 422);
    public static readonly ErrorKind OutstandingKind = new("SS1005", "request-outstanding", "A request is outstanding for this Idempotency-Key", 409);
    public static readonly ErrorKind OutcomeUnknownKind = new("SS1006", "outcome-unknown", "The outcome of the first request is unknown", 409);
    public static readonly ErrorKind ConflictKind = new("SS1007", "conflict", "Too many other changes at the same time", 409);
    public static readonly ErrorKind PreconditionKind = new("SS1008", "precondition-failed", "The state has changed", 412);
    public static readonly ErrorKind AbsentKind = new("SS1009", "state-absent", "There is no such state", 404);
    public static readonly ErrorKind OverloadedKind = new("SS1010", "overloaded", "Too many requests are waiting", 503);
    public static readonly ErrorKind BadKeyKind = new("SS1011", "key-invalid", "The id is invalid", 400);
    public static readonly ErrorKind RequestTooLargeKind = new("SS1012", "request-too-large", "The request body is too large", 413);
    public static readonly ErrorKind UserRequiredKind = new("SS1013", "user-required", "A signed-in user is required", 401);
    public static readonly ErrorKind ResponseNotKeptKind = new("SS1014", "response-not-kept", "The request was done, its response was too large to keep", 409);
    public static readonly ErrorKind ResponseTooLargeKind = new("SS1015", "response-too-large", "The response is too large to hold back until the commit", 500);
    public static readonly ErrorKind StreamingKind = new("SS1016", "streaming-refused", "This endpoint cannot stream", 500);
    public static readonly ErrorKind StateTooLargeKind = new("SS1017", "state-too-large", "The state has grown too large", 413);
    public static readonly ErrorKind CrossSiteKind = new("SS1018", "cross-site-refused", "A request from another site is refused", 403);
    public static readonly ErrorKind ClientStateTooLargeKind = new("SS1019", "client-state-too-large", "The state has grown too large for the client to carry", 413);
    public static readonly ErrorKind ClientStateRefusedKind = new("SS1020", "client-state-refused", "The state that the request brought is refused", 400);
    public static readonly ErrorKind ClientStateBehindKind = new("SS1021", "client-state-behind", "Another request of this client was first", 409);
    public static readonly ErrorKind ClientStateRewoundKind = new("SS1022", "client-state-rewound", "The state that the request brought was replaced long ago", 409);
    public static readonly ErrorKind NoReceiptsKind = new("SS1023", "no-receipts", "This server keeps no receipts", 400);
    public static readonly ErrorKind ClientOnlyKind = new("SS1024", "client-only", "The state is with the client", 500);
    public static readonly ErrorKind GapKind = new("SS1025", "gap", "The next event is not kept", 410);
    public static readonly ErrorKind WatchEndedKind = new("SS1026", "watch-ended", "The watch has ended", 503);
    public static readonly ErrorKind NotWatchableKind = new("SS1027", "not-watchable", "The state cannot be watched", 500);

    public static readonly ErrorKind UnknownEntryKind = new("SS2001", "unknown-entry", "Unknown configuration entry", 500);
    public static readonly ErrorKind UnknownStateKind = new("SS2002", "unknown-state", "Unknown state", 500);
    public static readonly ErrorKind UnfitKind = new("SS2003", "unfit-place", "The place does not give what the state needs", 500);
    public static readonly ErrorKind UnknownPlaceKind = new("SS2004", "unknown-place", "Unknown place", 500);
    public static readonly ErrorKind UnknownStoreKind = new("SS2005", "unknown-store", "Unknown store", 500);
    public static readonly ErrorKind BadValueKind = new("SS2006", "bad-value", "A configuration value is out of range", 500);
    public static readonly ErrorKind GetWritesKind = new("SS2008", "get-writes", "A GET endpoint takes a State<T>", 500);
    public static readonly ErrorKind DuplicateStateKind = new("SS2009", "duplicate-state", "Two states have one name or one type", 500);
    public static readonly ErrorKind BadNameKind = new("SS2010", "bad-name", "A state's name is invalid", 500);
    public static readonly ErrorKind MiddlewareKind = new("SS2011", "middleware-missing", "UseStateside is missing or stands in the wrong place", 500);
    public static readonly ErrorKind UndeclaredKind = new("SS2012", "undeclared-state", "An endpoint takes a state that was not declared", 500);
    public static readonly ErrorKind ManyGroupsKind = new("SS2013", "many-groups", "An endpoint writes more than one group", 500);
    public static readonly ErrorKind BadEndpointKind = new("SS2014", "bad-endpoint", "An endpoint's key does not fit its route", 500);

    public static readonly ErrorKind StoreAwayKind = new("SS3001", "store-unavailable", "The store does not answer", 503);
    public static readonly ErrorKind CommitUnknownKind = new("SS3002", "commit-unknown", "The store's answer to the commit was lost", 503);
    public static readonly ErrorKind RowNewerKind = new("SS3003", "row-newer", "The state was written by a newer version of the application", 503);
    public static readonly ErrorKind RowTooOldKind = new("SS3004", "row-too-old", "There is no upgrade for the state's old shape", 500);
    public static readonly ErrorKind RowUnreadableKind = new("SS3005", "row-unreadable", "The stored state cannot be read", 500);
    public static readonly ErrorKind FencedKind = new("SS3006", "fenced", "Another node has taken over", 503);
    public static readonly ErrorKind StoreOpenKind = new("SS3007", "store-unusable", "The store cannot be opened", 503);

    public static readonly ErrorKind NotOwnerKind = new("SS4001", "owner-unreachable", "The node that owns the state cannot be reached", 503);
    public static readonly ErrorKind ForwardLostKind = new("SS4002", "forward-lost", "The node that owns the state has not answered", 502);
    public static readonly ErrorKind NameTakenKind = new("SS4003", "node-name-taken", "Another node has this name", 500);
    public static readonly ErrorKind ClusterDisagreesKind = new("SS4004", "cluster-disagrees", "The nodes are configured differently", 500);
    public static readonly ErrorKind NodeAloneKind = new("SS4005", "node-port-missing", "A node has no port for the others", 500);
    public static readonly ErrorKind ClusterFullKind = new("SS4006", "cluster-full", "The cluster has as many nodes as it can", 500);
    public static readonly ErrorKind ForwardLoopKind = new("SS4008", "forward-loop", "The request went in circles between the nodes", 502);
    public static readonly ErrorKind ElsewhereKind = new("SS4007", "state-elsewhere", "Another node owns the state", 503);

    /// <summary>Every kind, for the tests of pages and codes.</summary>
    public static IReadOnlyList<ErrorKind> All { get; } =
    [
        SessionRequiredKind, KeyMissingKind, KeyInvalidKind, KeyReusedKind, OutstandingKind, OutcomeUnknownKind, ConflictKind, PreconditionKind,
        AbsentKind, OverloadedKind, BadKeyKind, RequestTooLargeKind, UserRequiredKind, ResponseNotKeptKind, ResponseTooLargeKind, StreamingKind,
        StateTooLargeKind, CrossSiteKind, ClientStateTooLargeKind, ClientStateRefusedKind, ClientStateBehindKind, ClientStateRewoundKind, NoReceiptsKind, ClientOnlyKind, GapKind, WatchEndedKind, NotWatchableKind,
        UnknownEntryKind, UnknownStateKind, UnfitKind, UnknownPlaceKind, UnknownStoreKind, BadValueKind, GetWritesKind,
        DuplicateStateKind, BadNameKind, MiddlewareKind, UndeclaredKind, ManyGroupsKind, BadEndpointKind,
        StoreAwayKind, CommitUnknownKind, RowNewerKind, RowTooOldKind, RowUnreadableKind, FencedKind, StoreOpenKind,
        NotOwnerKind, ForwardLostKind, NameTakenKind, ClusterDisagreesKind, NodeAloneKind, ClusterFullKind, ElsewhereKind, ForwardLoopKind,
    ];

    public static StatesideException SessionRequired() => new(SessionRequiredKind,
        "A request with an Idempotency-Key needs a session, so that its retry can be recognised. This response sets one: send the same request again with the cookie.");

    public static StatesideException KeyMissing() => new(KeyMissingKind,
        "This endpoint requires the header Idempotency-Key. Make up a key for the operation, for example a UUID, and send the same key with every retry.");

    public static StatesideException KeyInvalid(string reason) => new(KeyInvalidKind, reason);

    public static StatesideException KeyReused() => new(KeyReusedKind,
        "This Idempotency-Key was used for another request. Use a new key for a new operation; a retry repeats the first request exactly: method, path, query and body.");

    public static StatesideException Outstanding(TimeSpan retryAfter) => new(OutstandingKind,
        "The first request with this Idempotency-Key is still running. Send the same request again later.") { RetryAfter = retryAfter };

    public static StatesideException OutcomeUnknown() => new(OutcomeUnknownKind,
        "The first request with this Idempotency-Key broke off after it may have called another service. It is not run again under this key: find out what that service did, then use a new key.",
        Applied.Unknown);

    public static StatesideException Conflict(int runs) => new(ConflictKind,
        $"Other requests changed the same state during each of {runs} runs. Nothing was applied: send the request again.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException PreconditionFailed() => new(PreconditionKind,
        "The state is not at the version that If-Match names. Read it again, and decide anew.");

    public static StatesideException StateAbsent(string name) => new(AbsentKind, $"There is no \"{name}\" under this key.");

    public static StatesideException Overloaded() => new(OverloadedKind,
        "The server has more requests waiting than it can hold. Nothing was applied: send the request again after a moment.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException BadKey() => new(BadKeyKind, KeyText.Rule);

    public static StatesideException RequestTooLarge(long limit) => new(RequestTooLargeKind,
        $"The body of a request to this endpoint may have at most {limit} bytes (Stateside:Limits:RequestBytes).");

    public static StatesideException UserRequired() => new(UserRequiredKind, "This endpoint keeps its state under the signed-in user: sign in and send the request again.");

    public static StatesideException ResponseNotKept() => new(ResponseNotKeptKind,
        "The first request with this Idempotency-Key was done, and its response was sent then, but it was too large to be kept for retries. The request is not done again.",
        Applied.Yes);

    public static StatesideException ResponseTooLarge(long limit) => new(ResponseTooLargeKind,
        $"The response of an endpoint that takes a State<T> is held back until the commit, and may have at most {limit} bytes (Stateside:Limits:ResponseBytes). Nothing was applied. Let a GET endpoint with a Snapshot<T> send large answers.");

    public static StatesideException StreamingRefused() => new(StreamingKind,
        "An endpoint that takes a State<T> holds its response back until the commit, so it cannot stream, upgrade or switch buffering off. Nothing was applied. Take a Snapshot<T> in an endpoint that streams.");

    public static StatesideException StateTooLarge(string name, int bytes, int limit) => new(StateTooLargeKind,
        $"State \"{name}\" would take {bytes} bytes; it may have {limit} (Stateside:States:{name}:MaxBytes). Nothing was applied.");

    public static StatesideException CrossSite() => new(CrossSiteKind,
        "The browser says that this request comes from another site (Sec-Fetch-Site), and it would act with the visitor's session.");

    public static StatesideException ClientStateTooLarge(string name, int bytes, int others, int budget) => new(ClientStateTooLargeKind,
        $"State \"{name}\" would take {bytes} bytes, sealed, in every request; with the {others} bytes that this client sends beside it that is more than the {budget} that are allowed (Stateside:Limits:ClientBytes). Nothing was applied. Keep less in it, compress it (Stateside:States:{name}:Compress), or let it live in the store (Stateside:States:{name}:Place).");

    public static StatesideException ClientStateRefused(string name) => new(ClientStateRefusedKind,
        "What the request brought as state was not sealed by this application for this state and this session or user, or its key is no longer valid. It is taken back with this response: the next request begins without it.")
    { Leaving = [new SealedState(name, null)] };

    public static StatesideException ClientStateBehind(string name, SealedState newest) => new(ClientStateBehindKind,
        $"Another request of this client has changed \"{name}\" first, or its response was lost on the way. Nothing was applied. This response brings the newest state: read it, and decide anew.")
    { Leaving = [newest] };

    public static StatesideException ClientStateRewound(string name) => new(ClientStateRewoundKind,
        $"The request brought a version of \"{name}\" that this client has replaced long ago, and the newest is known only to the client. Nothing was applied. Send the newest, or begin a new session.");

    public static StatesideException NoReceipts() => new(NoReceiptsKind,
        "This server has no store, so it can keep no receipt for an Idempotency-Key. Nothing was applied. Send the request without the header: a retry with the same state gives the same result.");

    public static StatesideException ClientOnly(string name) => new(ClientOnlyKind,
        $"State \"{name}\" lives with the client (Stateside:States:{name}:Place), so only a request of that client brings it: it cannot be read or changed by a job.");

    public static StatesideException Gap(long after) => new(GapKind, string.Create(CultureInfo.InvariantCulture,
        $"The event after number {after} is not kept: the journal is shorter than that, or it has been deleted and perhaps begun anew. Read the state, and watch from there."));

    public static StatesideException WatchEnded(Exception? cause = null) => new(WatchEndedKind,
        "The state is moving to another node, or this process stops. Watch again from what was seen last: nothing is missed.", Applied.No, cause) { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException NotWatchable(string name) => new(NotWatchableKind,
        $"State \"{name}\" lives with the client (Stateside:States:{name}:Place), and nobody but the client sees it change. Let it live in the store or on nodes, and declare it with Needs.Watchable.");

    public static StatesideException StoreAway(Exception e) => new(StoreAwayKind,
        "The store does not answer, so the state is not known. Nothing was applied: send the request again later.", Applied.No, e) { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException CommitUnknown(Exception e) => new(CommitUnknownKind,
        "The store broke off while the change was being written, so it may or may not have been applied. A retry with the same Idempotency-Key is safe; without one, read the state first.",
        Applied.Unknown, e) { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException RowNewer(string name, int found, int known) => new(RowNewerKind,
        $"State \"{name}\" is stored in shape {found}; this version of the application knows up to {known}. It is left untouched: finish the deployment of the newer version.") { RetryAfter = TimeSpan.FromSeconds(10) };

    public static StatesideException RowTooOld(string name, int found, int known) => new(RowTooOldKind,
        $"State \"{name}\" is stored in shape {found}; this version of the application writes {known} and has no upgrade from {found}. It is left untouched: add one where the state is declared (Upgrade(from: {found}, …)).");

    public static StatesideException RowUnreadable(string name, Exception? e) => new(RowUnreadableKind,
        $"What is stored for state \"{name}\" is not what its type describes. It is left untouched.", Applied.No, e);

    public static StatesideException NotOwner() => new(NotOwnerKind,
        "The node that owns this state cannot be reached, or is only just being found. Nothing was applied: send the request again.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException ForwardLost() => new(ForwardLostKind,
        "The request was passed on to the node that owns this state, and no answer came. It may have been applied: read the state, or repeat a request that bears an Idempotency-Key.",
        Applied.Unknown) { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException Elsewhere() => new(ElsewhereKind,
        "Another node owns this state now. Nothing was applied: send the request again.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException ForwardLoop() => new(ForwardLoopKind,
        "The nodes passed this request on to each other more than three times, since they do not agree who owns its state. Nothing was applied: send the request again.")
    { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException NameTaken(string name) => new(NameTakenKind,
        $"Another node runs under the name \"{name}\". Give each node its own Stateside:Cluster:Name.");

    public static StatesideException ClusterDisagrees(string other) => new(ClusterDisagreesKind,
        $"Node \"{other}\" runs on this store with other places, another Application or another Cluster:Secret. All nodes must agree on these: stop the others first, or start this one with their configuration.");

    public static StatesideException NodeAlone(string other) => new(NodeAloneKind,
        $"Node \"{other}\" runs on this store, and it or this one has no port where other nodes reach it. Set Stateside:Cluster:Listen on every node, for example to 127.0.0.1:9001.");

    public static StatesideException ClusterFull(int most) => new(ClusterFullKind,
        $"{most} nodes own shards already, and more cannot. Start this one as a gateway (Stateside:Cluster:Role).");

    public static StatesideException Fenced() => new(FencedKind,
        "Another node has taken over this state while the request ran. Nothing was applied: send the request again.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static StatesideException StoreUnusable(StoreException e) => new(StoreOpenKind, e.Message, Applied.No, e);
}
