namespace Stateside.Stores.Tests.Sqlite;

public sealed class SqliteStoreTests : StoreSuite, IDisposable
{
    private readonly TempDirectory _directory = new();

    protected override IStore CreateStore(TimeProvider time) => TempDirectory.Store(_directory.File("a dir/st#re%20.db"), time);

    public void Dispose() => _directory.Dispose();
}
