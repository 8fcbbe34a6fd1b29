using System.Globalization;
using System.Text;
using Stateside.Stores;

namespace Stateside.Testing.Stores;

/// <summary>One run of one case: the stores that it opened, and the shortest words for what cases do and expect.</summary>
internal sealed class Scene(string name, StoreHarness harness) : IAsyncDisposable
{
    /// <summary>No case takes longer, on a slow machine and a slow disk.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly List<IStore> _stores = [];

    public StoreHarness Harness => harness;

    /// <summary>The first store, opened.</summary>
    public IStore Store => _stores[0];

    /// <summary>What it declared.</summary>
    public StoreCapabilities Capabilities { get; private set; } = null!;

    /// <summary>A time to live that the case can let pass: 10 minutes, or 4 seconds where passing means waiting.</summary>
    public TimeSpan Life => Can(HarnessAbilities.ClockHours) ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(4);

    /// <summary>The least time that makes a difference: a millisecond, or more where the clock runs by itself.</summary>
    public TimeSpan Tick => Can(HarnessAbilities.ClockStands) ? TimeSpan.FromMilliseconds(1) : Life;

    public bool Can(HarnessAbilities abilities) => harness.Abilities.HasFlag(abilities);

    public async Task OpenAsync() => Capabilities = await OpenAsync(harness.CreateStore());

    /// <summary>Opens another store on the same data.</summary>
    public async Task<IStore> OpenAnotherAsync()
    {
        var store = harness.CreateStore();
        await OpenAsync(store);
        return store;
    }

    public async Task<StoreCapabilities> OpenAsync(IStore store)
    {
        lock (_stores) _stores.Add(store);
        return await store.OpenAsync(default);
    }

    public Task AdvanceAsync(TimeSpan by) => harness.AdvanceAsync(by);

    /// <summary>Closes all stores of the case; the first is opened again by <see cref="OpenAsync()"/>.</summary>
    public async Task CloseAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        _stores.Clear();
    }

    public async ValueTask DisposeAsync() => await CloseAsync();

    // What cases do.

    public static StateKey Key(string id, string name = "cart", string item = "") => new(Group.Keyed(id), name, item);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    public static string Text(Row row) => row.Exists ? Text(row.Body) : "absent";

    public static RowWrite Put(StateKey key, StateVersion expected, string text = "x", TimeSpan? life = null) =>
        new(key, RowChange.Put, expected) { Body = Bytes(text), TimeToLive = life };

    public static Commit CommitOf(params RowWrite[] rows) => new(rows[0].Key.Group, TurnId.New()) { Rows = rows };

    public async Task<CommitResult> CommitAsync(params RowWrite[] rows) => await Store.CommitAsync(CommitOf(rows), default);

    public Task<Row> LoadAsync(StateKey key) => LoadAsync(Store, key);

    public static async Task<Row> LoadAsync(IStore store, StateKey key) => (await store.LoadAsync(new LoadRequest([key]), default)).Rows[0];

    /// <summary>Writes over whatever is there, and answers the new version.</summary>
    public async Task<StateVersion> WriteAsync(StateKey key, string text = "x", TimeSpan? life = null)
    {
        var commit = CommitOf(Put(key, (await LoadAsync(key)).Version, text, life));
        Committed(await Store.CommitAsync(commit, default), "A commit on the loaded version is committed.");
        return commit.Rows[0].Expected.Next(commit.Turn);
    }

    public async Task DeleteAsync(StateKey key) =>
        Committed(await CommitAsync(new RowWrite(key, RowChange.Delete, (await LoadAsync(key)).Version)), "A delete on the loaded version is committed.");

    /// <summary>Cleans up until nothing is left, and answers how much was removed.</summary>
    public async Task<int> CleanUpAsync(int limit = 100)
    {
        for (var total = 0; ;)
        {
            var removed = await Store.CleanUpAsync(limit, default);
            True(removed >= 0 && removed <= limit, "A clean-up removes no more than its limit.", $"0 to {limit}", removed);
            total += removed;
            if (removed < limit) return total;
        }
    }

    /// <summary>Adds one to a counter, again and again until no other writer was first.</summary>
    /// <param name="store">By which store.</param>
    /// <param name="key">The counter.</param>
    /// <param name="whenLoaded">Is waited for between the first load and the first commit.</param>
    public async Task IncrementAsync(IStore store, StateKey key, Func<Task>? whenLoaded = null)
    {
        for (var row = await LoadAsync(store, key); ;)
        {
            if (whenLoaded is not null) await whenLoaded();
            else await Task.Yield();
            whenLoaded = null;
            var value = row.Exists ? int.Parse(row.Body.Span, CultureInfo.InvariantCulture) : 0;
            var result = await store.CommitAsync(CommitOf(Put(key, row.Version, (value + 1).ToString(CultureInfo.InvariantCulture))), default);
            if (result == CommitResult.Committed) return;
            row = Is<CommitResult.Conflict>(result, "A commit that was not first is told of it.").Rows[0];
        }
    }

    // What cases expect.

    public void Equal<T>(T expected, T actual, string rule)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw Failure(rule, Show(expected), Show(actual));
    }

    public void SameOrder<T>(IEnumerable<T> expected, IEnumerable<T> actual, string rule)
    {
        var (should, does) = (expected.ToArray(), actual.ToArray());
        if (!should.SequenceEqual(does)) throw Failure(rule, string.Join(", ", should.Select(Show)), string.Join(", ", does.Select(Show)));
    }

    public void True(bool holds, string rule, object expected, object? actual)
    {
        if (!holds) throw Failure(rule, Show(expected), Show(actual));
    }

    public void Committed(CommitResult result, string rule) => True(result == CommitResult.Committed, rule, "Committed", Answer(result));

    public T Is<T>(CommitResult result, string rule) where T : CommitResult => result as T ?? throw Failure(rule, typeof(T).Name, Answer(result));

    /// <summary>Compares what is left of a time: exactly, or with room for a clock that runs by itself.</summary>
    public void Remaining(TimeSpan expected, TimeSpan? actual, string rule)
    {
        var slack = Can(HarnessAbilities.ClockStands) ? TimeSpan.Zero : Life / 2;
        True(actual <= expected && actual >= expected - slack, rule, slack == TimeSpan.Zero ? expected : $"{expected - slack} to {expected}", actual);
    }

    public StoreConformanceException Failure(string rule, string expected, string actual, string? steps = null, Exception? inner = null) =>
        new(name, rule, expected, actual, steps, inner);

    public static string Answer(CommitResult result) => result switch
    {
        CommitResult.Conflict conflict => "Conflict " + string.Join(", ", conflict.Rows.Select(r => $"{r.Key.Name} {r.Version} {Text(r)}")),
        CommitResult.AlreadyRecorded already => $"AlreadyRecorded {already.Receipt?.Status.ToString() ?? "nothing"}",
        CommitResult.Fenced fenced => $"Fenced {fenced.Epoch}",
        _ => "Committed",
    };

    private static string Show<T>(T value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : value is null ? "nothing" : "(empty)";
}
