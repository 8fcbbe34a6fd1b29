using Stateside.Caching;
using Stateside.Diagnostics;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Caching;

public sealed class NearCacheTests : IDisposable
{
    private readonly ManualClock _time = new();
    private readonly Telemetry _telemetry;

    public NearCacheTests() => _telemetry = new Telemetry(_time);

    public void Dispose() => _telemetry.Dispose();

    [Theory]
    [InlineData(10_000)]
    [InlineData(100_000)]
    [InlineData(10_000_000)]
    public void A_flood_of_keys_stays_within_the_bytes_allowed(int maxBytes)
    {
        var cache = New(maxBytes);
        var most = 0L;
        for (var i = 0; i < 20_000; i++)
        {
            Learn(cache, RowOf($"key-{i}", bytes: i % 2_000));
            most = Math.Max(most, cache.Bytes);
        }
        Assert.InRange(most, maxBytes / 2, maxBytes);
    }

    [Fact]
    public void The_bytes_are_those_of_the_rows_that_are_left()
    {
        var cache = New(1_000_000);
        for (var i = 0; i < 100; i++) Learn(cache, RowOf($"{i}", 100));
        var before = cache.Bytes;
        for (var i = 0; i < 100; i++) Learn(cache, RowOf($"{i}", 50, counter: 2));
        Assert.Equal(100 * 2 * 50, before - cache.Bytes);
        for (var i = 0; i < 100; i++) cache.Changed(RowOf($"{i}", 0).Key);
        Assert.Equal(0, cache.Bytes);
        for (var i = 0; i < 100; i++) Learn(cache, RowOf($"{i}", 50, counter: 3));
        Assert.True(cache.Bytes > 0);
        cache.AnyChanged();
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public void The_rows_used_last_stay()
    {
        var cache = New(20_000);
        Learn(cache, RowOf("used", 100));
        for (var i = 0; i < 1_000; i++)
        {
            Learn(cache, RowOf($"key-{i}", 100));
            Assert.NotNull(cache.Find(RowOf("used", 0).Key));
        }
        Assert.Null(cache.Find(RowOf("key-0", 0).Key));
    }

    [Fact]
    public void A_row_larger_than_the_cache_is_not_kept_and_the_one_it_replaces_is_gone()
    {
        var cache = New(10_000);
        Learn(cache, RowOf("a", 100));
        Learn(cache, RowOf("a", 9_000, counter: 2));
        Assert.Null(cache.Find(RowOf("a", 0).Key));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public void What_was_sent_before_an_own_write_is_not_kept_though_the_write_was_too_large_to_keep()
    {
        var cache = New(10_000);
        var (slow, ticket) = (cache.Begin(), cache.Begin());
        var key = Node.Key();
        var version = new StateVersion(1, TurnId.New());
        var commit = new Commit(key.Group, TurnId.New()) { Rows = [new RowWrite(key, RowChange.Put, version) { Body = new byte[9_000] }] };
        cache.Learn(commit, CommitResult.Committed, ticket);
        cache.Learn(new LoadResult([new Row(key, version, 1, 0, new byte[10], null)], null), slow);
        Assert.Null(cache.Find(key));
    }

    [Fact]
    public void A_body_that_is_a_slice_does_not_keep_the_whole()
    {
        var cache = New(10_000);
        var large = new byte[1_000_000];
        large[5] = 42;
        var key = Node.Key();
        Learn(cache, new Row(key, new StateVersion(1, TurnId.New()), 1, 0, large.AsMemory(5, 10), null));
        var kept = cache.Find(key)!.Body;
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(kept, out var array));
        Assert.Equal((10, 42), (array.Array!.Length, kept.Span[0]));
    }

    [Fact]
    public void Rows_of_other_states_are_passed_over()
    {
        var cache = New(10_000);
        var key = new StateKey(Group.Keyed("a"), "other");
        Learn(cache, new Row(key, new StateVersion(1, TurnId.New()), 1, 0, default, null));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public async Task Many_threads_at_once_leave_the_count_of_bytes_right()
    {
        var cache = New(300_000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 20_000; i++)
            {
                var row = RowOf($"{random.Next(300)}", random.Next(3_000), counter: i + 1);
                if (random.Next(4) == 0) cache.Changed(row.Key);
                else if (random.Next(100) == 0) cache.AnyChanged();
                else if (random.Next(2) == 0) Learn(cache, row);
                else cache.Find(row.Key, TimeSpan.FromSeconds(1));
            }
        })));
        Assert.InRange(cache.Bytes, 1, 300_000);
        for (var i = 0; i < 300; i++) cache.Changed(RowOf($"{i}", 0).Key);
        Assert.Equal(0, cache.Bytes);
    }

    private NearCache New(int maxBytes) => new(maxBytes, ["count"], _time, _telemetry);

    private static void Learn(NearCache cache, Row row)
    {
        var ticket = cache.Begin();
        cache.Learn(new LoadResult([row], null), ticket);
    }

    private static Row RowOf(string id, int bytes, long counter = 1) =>
        new(Node.Key(id), new StateVersion(counter, TurnId.New()), 1, 0, new byte[bytes], null);
}
