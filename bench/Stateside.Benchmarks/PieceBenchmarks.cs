using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Stateside.BenchServer;
using Stateside.Sessions;
using Stateside.Stores;

namespace Stateside.Benchmarks;

/// <summary>What a turn is made of, one by one: what of its cost is JSON, what the store, and what the engine's own.</summary>
[MemoryDiagnoser]
public class PieceBenchmarks
{
    private readonly Cart _cart = Cart.Full;
    private readonly byte[] _json = JsonSerializer.SerializeToUtf8Bytes(Cart.Full, BenchJson.Default.Cart);
    private readonly IStore _store = new MemoryStoreProvider().Create("memory:", TimeProvider.System);
    private readonly SessionHandle _session = SessionHandle.Fresh();
    private string _credential = "";
    private StateVersion _version;
    private LoadRequest _load = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _credential = _session.Credential();
        _load = new LoadRequest([new StateKey(_session.Group, "cart"), _session.Key]);
    }

    /// <summary>The handler of a write: a new cart of 18 lines.</summary>
    [Benchmark]
    public Cart ChangeCart() => _cart.Next();

    [Benchmark]
    public byte[] WriteJson() => JsonSerializer.SerializeToUtf8Bytes(_cart, BenchJson.Default.Cart);

    [Benchmark]
    public Cart? ReadJson() => JsonSerializer.Deserialize(_json, BenchJson.Default.Cart);

    [Benchmark]
    public async Task<LoadResult> StoreLoad() => await _store.LoadAsync(_load, default);

    /// <summary>A commit of the cart into MemoryStore, which keeps a copy of the body.</summary>
    [Benchmark]
    public async Task<CommitResult> StoreCommit()
    {
        var turn = TurnId.New();
        var result = await _store.CommitAsync(
            new Commit(_session.Group, turn) { Rows = [new RowWrite(_load.Keys[0], RowChange.Put, _version) { Body = _json, Decoded = _cart }] }, default);
        _version = _version.Next(turn);
        return result;
    }

    /// <summary>From the cookie's value to the group.</summary>
    [Benchmark]
    public object? ParseCredential() => SessionHandle.Parse(_credential);
}
