using System.Text;

namespace Stateside.Stores.Tests;

/// <summary>The rules that every store keeps. A store's tests are a subclass that creates it.</summary>
public abstract partial class StoreSuite : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private IStore? _store;

    /// <summary>Creates a store that is empty each time and runs on this clock. It is opened and disposed by the suite.</summary>
    protected abstract IStore CreateStore(TimeProvider time);

    private protected IStore Store => _store!;

    private protected ManualTime Time => _time;

    public async Task InitializeAsync()
    {
        _store = CreateStore(_time);
        await _store.OpenAsync(default);
    }

    public async Task DisposeAsync() => await _store!.DisposeAsync();

    private protected static StateKey Key(string id, string name = "cart", string item = "") => new(Group.Keyed(id), name, item);

    private protected static byte[] Json(string text) => Encoding.UTF8.GetBytes($"{{\"text\":\"{text}\"}}");

    private protected static RowWrite Put(StateKey key, StateVersion expected, string text = "x", TimeSpan? life = null) =>
        new(key, RowChange.Put, expected) { Body = Json(text), TimeToLive = life };

    private protected async Task<CommitResult> CommitAsync(params RowWrite[] rows) =>
        await Store.CommitAsync(new Commit(rows[0].Key.Group, TurnId.New()) { Rows = rows }, default);

    private protected async Task<Row> LoadAsync(StateKey key) => (await Store.LoadAsync(new LoadRequest([key]), default)).Rows[0];

    /// <summary>Writes over whatever is there, and answers the new version.</summary>
    private protected async Task<StateVersion> WriteAsync(StateKey key, string text = "x", TimeSpan? life = null)
    {
        Assert.Equal(CommitResult.Committed, await CommitAsync(Put(key, (await LoadAsync(key)).Version, text, life)));
        return (await LoadAsync(key)).Version;
    }

    private protected static string Text(Row row) => row.Exists ? Encoding.UTF8.GetString(row.Body.Span) : "";
}
