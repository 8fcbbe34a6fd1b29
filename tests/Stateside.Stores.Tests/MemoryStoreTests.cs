namespace Stateside.Stores.Tests;

public sealed class MemoryStoreTests : StoreSuite
{
    protected override IStore CreateStore(TimeProvider time) => new MemoryStore(time);
}
