using System.Net;
using Stateside.Testing;
using Stateside.Testing.Stores;

namespace Stateside.Stores.Tests.Remote;

#region harness
internal sealed class RemoteHarness : StoreHarness
{
    public const HarnessAbilities Can = MemoryHarness.Can | HarnessAbilities.Proxy | HarnessAbilities.Server;

    private readonly ManualClock _clock = new();
    private RemoteServer? _server;

    public override HarnessAbilities Abilities => Can;

    public override int Sequences => 50;

    public override TimeSpan Patience => TimeSpan.FromSeconds(10);

    public override EndPoint Address => _server!.Address;

    public override IServerControl Server => _server!;

    public override IStore CreateStore() => CreateStore(Address);

    public override IStore CreateStore(EndPoint through) => new RemoteStore(through);

    public override async Task ResetAsync()
    {
        await DisposeAsync();
        _server = new RemoteServer(new MemoryStore(_clock));
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        _clock.SetUtcNow(_clock.GetUtcNow() + by);
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        await base.DisposeAsync();
    }
}
#endregion
