using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging.Abstractions;
using Stateside.Configuration;
using Stateside.Diagnostics;
using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Tests.Turns;

/// <summary>The engine without HTTP: a runtime on a watched store, and turns made by hand.</summary>
internal sealed class Engine : IDisposable
{
    private readonly Telemetry _telemetry;

    public Engine(TimeProvider? time = null, params StateDefinition[] more) : this(time, isTold: false, more) { }

    /// <param name="time">The clock of engine and store.</param>
    /// <param name="isTold">Whether the store is taken to tell of changes.</param>
    /// <param name="more">States beside the counter.</param>
    public Engine(TimeProvider? time, bool isTold, StateDefinition[] more)
    {
        Time = time ?? TimeProvider.System;
        Store = new WatchedStore(Time);
        _telemetry = new Telemetry(Time);
        Model = new StatesideModel("memory:", false,
            new SessionModel("id", TimeSpan.FromMinutes(20), TimeSpan.FromDays(14), false),
            new IdempotencyModel(false, TimeSpan.FromDays(1), TimeSpan.FromSeconds(30), 65_536),
            new LimitsModel(100, 100, MaxRuns: 4, 65_536, 65_536),
            new Dictionary<string, Place>());
        var capabilities = new StoreCapabilities("memory", Durability.None, StoreReach.Process, isTold, 65_536, []);
        Runtime = new StatesideRuntime(Model, new StateRegistry([Count, .. more]), Store, capabilities, Time, _telemetry, NullLoggerFactory.Instance);
        States = new StatesOutsideHttp(Runtime);
    }

    public TimeProvider Time { get; }

    public WatchedStore Store { get; }

    public StatesideModel Model { get; }

    public StatesideRuntime Runtime { get; }

    public IStates States { get; }

    public StateDefinition<Count> Count { get; } = new("count", TurnJson.Default.Count, new Count(0), Needs.None, schema: 1);

    public ValueTask<TurnOutcome> RunAsync(ITurnHost host) => Runtime.RunAsync(host);

    /// <summary>Runs a turn that is to fail, and answers the code of its error.</summary>
    public async Task<StatesideException> FailAsync(ITurnHost host) => await Assert.ThrowsAsync<StatesideException>(async () => await RunAsync(host));

    public static StateKey Key(string id = "a") => new(Group.Keyed(id), "count");

    public async Task<int> ValueAsync(StateKey key) => (await Store.RowAsync(key)) is { Exists: true } row ? Count.Decode(row).Value : 0;

    public void Dispose() => _telemetry.Dispose();
}

internal sealed record Count(int Value);

internal sealed record OldCount(string Text);

[JsonSerializable(typeof(Count)), JsonSerializable(typeof(OldCount)), JsonSerializable(typeof(Room)), JsonSerializable(typeof(Said))]
internal sealed partial class TurnJson : JsonSerializerContext;

/// <summary>A turn made by hand.</summary>
internal sealed class TestHost : ITurnHost
{
    public required Func<SessionHandle?, TurnSeed, TurnRequest> Request { get; init; }

    public required Func<TurnRun, ValueTask<TurnReply>> Handler { get; init; }

    public List<Turn> Runs { get; } = [];

    public SessionHandle? Session { get; init; }

    public CancellationToken Aborted { get; init; }

    public ValueTask PrepareAsync() => default;

    public TurnRequest Bind(SessionHandle? session, TurnSeed seed) => Request(session, seed);

    /// <summary>What the request says of the rows before each run.</summary>
    public Action<IReadOnlyList<Row>>? Precondition { get; init; }

    public void Check(TurnRequest request, IReadOnlyList<Row> rows) => Precondition?.Invoke(rows);

    public ValueTask<TurnReply> RunAsync(TurnRun run)
    {
        Runs.Add(run.Turn);
        return Handler(run);
    }

    /// <summary>A turn on one counter.</summary>
    public static TestHost On(Engine engine, StateKey key, Action<State<Count>, Turn> handler, ReceiptRequest? receipt = null) => new()
    {
        Request = (_, _) => new TurnRequest { Slots = [new SlotRequest(engine.Count, key, Writes: true)], Group = key.Group, Receipt = receipt },
        Handler = run =>
        {
            handler((State<Count>)run.Slots[0], run.Turn);
            return new(new TurnReply(false, receipt is null ? null : Response(receipt)));
        },
    };

    public static TestHost Add(Engine engine, StateKey key, int by = 1, ReceiptRequest? receipt = null) =>
        On(engine, key, (state, _) => state.Update(c => new Count(c.Value + by)), receipt);

    public static ReceiptWrite Response(ReceiptRequest receipt, byte body = 7) =>
        new(receipt.Id, ReceiptStatus.Recorded, receipt.Fingerprint, new[] { body }, TimeSpan.FromDays(1));
}
