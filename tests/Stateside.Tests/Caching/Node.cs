using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;
using Stateside.Turns;

namespace Stateside.Tests.Caching;

/// <summary>One process: an engine with a near cache on a store that it may share.</summary>
internal sealed class Node : IDisposable
{
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(20);
    private readonly Telemetry _telemetry;
    private readonly Dictionary<string, long> _counts = [];
    private readonly MeterListener _meters = new();

    public Node(SharedStore shared, ManualClock time, bool cache = true, TimeSpan? maxAge = null, TimeSpan? expires = null, int maxBytes = 1_000_000, int maxRuns = 3)
    {
        Shared = shared;
        Store = new NodeStore(shared);
        Count = new StateDefinition<Count>("count", TurnJson.Default.Count, new Count(0), Needs.None, schema: 1) { IsCached = cache, MaxAge = maxAge, TimeToLive = expires };
        Model = new StatesideModel("memory:", false,
            new SessionModel("id", IdleTimeout, TimeSpan.FromDays(14), false),
            new IdempotencyModel(false, TimeSpan.FromDays(1), TimeSpan.FromSeconds(30), 65_536),
            new LimitsModel(100, 100, maxRuns, 65_536, 65_536),
            new Dictionary<string, Place>()) { CacheMaxBytes = maxBytes };
        var factory = new OwnMeters();
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == factory) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, _, _) => _counts[instrument.Name] = (instrument.IsObservable ? 0 : _counts.GetValueOrDefault(instrument.Name)) + value);
        _meters.Start();
        _telemetry = new Telemetry(time, factory);
        var capabilities = new StoreCapabilities("memory", Durability.None, StoreReach.Process, true, 65_536, []);
        Runtime = new StatesideRuntime(Model, new StateRegistry([Count]), Store, capabilities, time, _telemetry, NullLoggerFactory.Instance);
        States = new StatesOutsideHttp(Runtime);
    }

    public SharedStore Shared { get; }

    public NodeStore Store { get; }

    public StatesideModel Model { get; }

    public StateDefinition<Count> Count { get; }

    public StatesideRuntime Runtime { get; }

    public IStates States { get; }

    public static StateKey Key(string id = "a") => new(Group.Keyed(id), "count");

    public ValueTask<TurnOutcome> RunAsync(ITurnHost host) => Runtime.RunAsync(host);

    public async Task<StatesideException> FailAsync(ITurnHost host) => await Assert.ThrowsAsync<StatesideException>(async () => await RunAsync(host));

    /// <summary>Adds in a turn, and answers the new value.</summary>
    public async Task<int> AddAsync(StateKey key, int by = 1) => (await States.RunAsync<Count>(key, c => new Count(c.Value + by))).Value;

    /// <summary>Reads in a turn that could write and does not.</summary>
    public async Task<int> LookAsync(StateKey key) => await States.RunAsync<Count, int>(key, (state, _) => state.Value.Value);

    public async Task<int> ReadAsync(StateKey key) => (await States.ReadAsync<Count>(key)).Value.Value;

    /// <summary>The trips that <paramref name="turn"/> takes.</summary>
    public async Task<(int Loads, int Commits)> TripsAsync(Func<Task> turn)
    {
        Store.Forget();
        await turn();
        return Store.Trips;
    }

    /// <summary>A turn of the session on a state of its group, or on a snapshot of it.</summary>
    public TestHost InSession(SessionHandle session, Action<IStateSlot> handler, bool writes = true, ReceiptRequest? receipt = null) => new()
    {
        Session = session,
        Request = (s, _) => new TurnRequest { Slots = [new(Count, new StateKey(s!.Group, "count"), writes)], Group = writes ? s.Group : null, Receipt = receipt },
        Handler = run =>
        {
            handler(run.Slots[0]);
            return new(new TurnReply(false, receipt is null ? null : TestHost.Response(receipt)));
        },
    };

    public TestHost On(StateKey key, Action<State<Count>> handler, ReceiptRequest? receipt = null, Action<IReadOnlyList<Row>>? precondition = null) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new(Count, key, Writes: true)], Group = key.Group, Receipt = receipt },
        Precondition = precondition,
        Handler = run =>
        {
            handler((State<Count>)run.Slots[0]);
            return new(new TurnReply(false, receipt is null ? null : TestHost.Response(receipt)));
        },
    };

    /// <summary>A session that has begun, with 1 in its state, known to this process's cache.</summary>
    public async Task<SessionHandle> BeginSessionAsync()
    {
        var fresh = SessionHandle.Fresh();
        await RunAsync(InSession(fresh, state => ((State<Count>)state).Set(new Count(1))));
        return SessionHandle.Parse(fresh.Credential())!;
    }

    /// <summary>What a meter of this process has counted.</summary>
    public long Counted(string name)
    {
        _meters.RecordObservableInstruments();
        return _counts.GetValueOrDefault("stateside.cache." + name);
    }

    public void Dispose()
    {
        _meters.Dispose();
        _telemetry.Dispose();
    }

    private sealed class OwnMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options.Name, options.Version, options.Tags, scope: this);

        public void Dispose() { }
    }
}
