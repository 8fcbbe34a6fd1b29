using Stateside.Stores;

namespace Stateside.Redis.Tests;

/// <summary>What spares the decoding of rows that are known by their version, and how the Redis store uses it.</summary>
public sealed class RowCacheTests
{
    private static readonly StateKey s_key = new(Group.Keyed("1"), "cart");

    private static Row Make(long counter, int bytes = 4) =>
        new(s_key, new StateVersion(counter, new TurnId(7)), 1, 0, new byte[bytes], null);

    [Fact]
    public void A_row_is_found_under_its_own_version_only_and_no_more_once_the_store_may_have_lost_commits()
    {
        var cache = new RowCache();
        var row = Make(1);
        cache.Keep(row);
        Assert.Same(row, cache.Find(s_key, row.Version));
        Assert.Null(cache.Find(s_key, Make(2).Version));
        Assert.Null(cache.Find(new StateKey(Group.Keyed("2"), "cart"), row.Version));
        cache.Clear();
        Assert.Null(cache.Find(s_key, row.Version));
    }

    [Fact]
    public void A_large_body_is_not_kept()
    {
        var cache = new RowCache();
        cache.Keep(Make(1, (16 * 1024) + 1));
        Assert.Null(cache.Find(s_key, Make(1).Version));
    }

    [Fact]
    public void A_row_read_twice_is_the_row_that_was_kept_with_the_time_that_is_left_now()
    {
        var cache = new RowCache();
        var value = new byte[RowValue.HeaderSize + 2];
        value[0] = 1;
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(1), 5000);
        var first = RowValue.Read(s_key, value, 1000, cache);
        var second = RowValue.Read(s_key, value.ToArray(), 3000, cache);
        Assert.True(first.Body.Equals(second.Body));
        Assert.Equal((TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(2)), (first.Remaining, second.Remaining));
    }
}
