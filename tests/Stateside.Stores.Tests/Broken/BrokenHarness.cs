using System.Diagnostics;
using System.Net;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Broken;

/// <summary>The stores of another harness, each broken on purpose.</summary>
/// <param name="inner">The harness; disposed with this one.</param>
/// <param name="broken">Breaks a store.</param>
/// <param name="seed">The seed of the first generated sequence.</param>
internal sealed class BrokenHarness(StoreHarness inner, Func<IStore, IStore> broken, int? seed = null) : StoreHarness
{
    public override HarnessAbilities Abilities => inner.Abilities;

    public override TimeSpan Patience => inner.Patience;

    public override int Sequences => inner.Sequences;

    public override int? Seed => seed;

    public override EndPoint Address => inner.Address;

    public override IServerControl Server => inner.Server;

    public override IStore CreateStore() => broken(inner.CreateStore());

    public override IStore CreateStore(EndPoint through) => broken(inner.CreateStore(through));

    public override Process StartProcess() => inner.StartProcess();

    public override Task ResetAsync() => inner.ResetAsync();

    public override Task AdvanceAsync(TimeSpan by) => inner.AdvanceAsync(by);

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }
}
