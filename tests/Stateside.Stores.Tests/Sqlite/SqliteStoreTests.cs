namespace Stateside.Stores.Tests.Sqlite;

public sealed class SqliteStoreTests : StoreSuite, IDisposable
{
    private readonly TempDirectory _directory = new();
    private int _stores;

    protected override IStore CreateStore(TimeProvider time) => TempDirectory.Store(_directory.File($"a dir/st#re%20.{_stores++}.db"), time);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_row_with_a_long_life_that_was_deleted_is_cleaned_up_after_its_hour_all_the_same()
    {
        var key = Key("a");
        await CommitAsync(new RowWrite(key, RowChange.Delete, await WriteAsync(key, life: TimeSpan.FromDays(30))));
        Time.Advance(RowWrite.TombstoneLife);
        Assert.Equal(1, await Store.CleanUpAsync(10, default));
    }
}
