using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Stateside.BenchServer;
using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Benchmarks;

/// <summary>
/// One turn on MemoryStore: through <see cref="IStates"/>, as code outside HTTP uses it, and through a host made by hand
/// with a session, as a request uses it. What the cart's own JSON costs is <see cref="PieceBenchmarks"/>.
/// </summary>
[MemoryDiagnoser]
public class TurnBenchmarks
{
    private static readonly StateKey s_key = StateKey.From("cart", "one");
    private IHost _host = null!;
    private IStates _states = null!;
    private StatesideRuntime _runtime = null!;
    private SessionHandle _session = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("Stateside:Store", "memory:")]);
        builder.Services.AddStatesideEngine(builder.Configuration.GetSection("Stateside")).AddState("cart", BenchJson.Default.Cart, empty: Cart.Full);
        _host = builder.Build();
        await _host.StartAsync();
        _states = _host.Services.GetRequiredService<IStates>();
        _runtime = _host.Services.GetRequiredService<StatesideRuntimeHolder>().Runtime;
        await _states.RunAsync<Cart>(s_key, cart => cart.Next(), default);

        var begin = new SessionTurn(SessionHandle.Fresh(), _runtime, writes: true);
        await _runtime.RunAsync(begin);
        _session = SessionHandle.Parse(begin.Session!.Credential())!;
    }

    [GlobalCleanup]
    public async Task CleanUp() => await _host.StopAsync();

    [Benchmark]
    public async Task<Cart> ReadThroughIStates() => (await _states.ReadAsync<Cart>(s_key, default)).Value;

    [Benchmark]
    public async Task<Cart> WriteThroughIStates() => await _states.RunAsync<Cart>(s_key, static cart => cart.Next(), default);

    [Benchmark]
    public async Task ReadInSession() => await _runtime.RunAsync(new SessionTurn(_session, _runtime, writes: false));

    [Benchmark]
    public async Task WriteInSession() => await _runtime.RunAsync(new SessionTurn(_session, _runtime, writes: true));

    /// <summary>Another turn writes while the handler runs, so that it loses and runs a second time: two and a half turns.</summary>
    [Benchmark]
    public async Task WriteAfterConflict() => await _runtime.RunAsync(new SessionTurn(_session, _runtime, writes: true) { Loses = true });

    private sealed class SessionTurn(SessionHandle session, StatesideRuntime runtime, bool writes) : ITurnHost
    {
        public bool Loses { get; init; }

        public SessionHandle? Session => session;

        public CancellationToken Aborted => default;

        public ValueTask PrepareAsync() => default;

        public TurnRequest Bind(SessionHandle? bound, TurnSeed seed) => new()
        {
            Slots = [new SlotRequest(runtime.Registry.Find("cart")!, new StateKey(bound!.Group, "cart"), writes)],
            Group = writes ? bound.Group : null,
            TaggedSlot = 0,
        };

        public void Check(TurnRequest request, IReadOnlyList<Row> rows) { }

        public async ValueTask<TurnReply> RunAsync(TurnRun run)
        {
            if (!writes) return default;
            var cart = (State<Cart>)run.Slots[0];
            cart.Update(static c => c.Next());
            if (Loses && run.Turn.Run == 1) await InterfereAsync(run);
            return default;
        }

        private ValueTask<CommitResult> InterfereAsync(TurnRun run)
        {
            var row = ((States.IStateSlot)run.Slots[0]).Row;
            return runtime.Store.CommitAsync(
                new Commit(row.Key.Group, TurnId.New()) { Rows = [new RowWrite(row.Key, RowChange.Put, row.Version) { Schema = row.Schema, Body = row.Body }] }, default);
        }
    }
}
